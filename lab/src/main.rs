//! `citrino-lab`: a Hetzner Cloud API on loopback whose servers are real machines.

mod api;
mod command;
mod image;
mod lab;
mod machine;
mod pace;
mod serve;
mod store;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use lab::Lab;

/// A Hetzner Cloud API on loopback whose servers are real machines: Debian 12 in systemd-nspawn
/// with real cloud-init, sshd, their own network and the memory of their server type.
///
/// Environment: `CITRINO_LAB_NAME` (citrino), `CITRINO_LAB_PORT` (8490), `CITRINO_LAB_SUBNET`
/// (10.77.0.0/24), `CITRINO_LAB_STATE` (/var/lib/citrino-lab), `CITRINO_LAB_CACHE`
/// (/var/cache/citrino-lab). Labs that differ in all but the cache can run side by side.
#[derive(Parser)]
#[command(name = "citrino-lab", version, verbatim_doc_comment)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build the image if it is missing, start the API, and start machines that should run
    Up,
    /// Stop and delete everything but the image cache
    Down,
    /// Show the servers and what they use
    Ls,
    /// Print the environment variables for clients of the API; use it as eval "$(citrino-lab env)"
    Env,
    /// The root image of machines
    Image {
        #[command(subcommand)]
        verb: ImageVerb,
    },
    /// Run the API in the foreground
    #[command(hide = true)]
    Serve {
        /// Do not run machines: servers exist only as state
        #[arg(long)]
        no_machines: bool,
    },
    /// Supervise one machine
    #[command(hide = true)]
    Machine { number: u8 },
}

#[derive(Subcommand)]
enum ImageVerb {
    /// Build it if it is missing
    Build {
        /// Build it again even if it exists
        #[arg(long)]
        force: bool,
    },
}

fn run(verb: &Verb, lab: &Lab) -> Result<()> {
    match verb {
        Verb::Up => command::up(lab),
        Verb::Down => command::down(lab),
        Verb::Ls => command::ls(lab),
        Verb::Env => command::env(lab),
        Verb::Image {
            verb: ImageVerb::Build { force },
        } => command::build_image(lab, *force),
        Verb::Serve { no_machines } => serve::run(lab, !no_machines),
        Verb::Machine { number } => machine::supervise::run(&machine::Machine::new(lab, *number)),
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match Lab::from_env().and_then(|lab| run(&cli.verb, &lab)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            command::complain(&error);
            ExitCode::FAILURE
        }
    }
}
