//! The command line. These types are the manual.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The file that is read when none is named.
pub const DEFAULT_CONFIG: &str = "citrino.yml";

/// From a citrino.yml to a server that serves: provisions it at Hetzner, configures it, deploys the app and watches over it.
///
/// Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 changes pending (`plan`, `--check`), 4 unhealthy, 5 locked
/// by another run, 6 the new release failed and the old one serves, 7 refused because unsafe.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, infer_subcommands = false)]
pub struct Cli {
    /// What is wished
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        default_value = DEFAULT_CONFIG
    )]
    pub config: PathBuf,
    /// One JSON object a line instead of text; the last is the summary
    #[arg(long, global = true)]
    pub json: bool,
    /// Also what is already so, and what exactly was changed
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Only failures, and what was asked for
    #[arg(short, long, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Read citrino.yml, playbooks and templates, and touch nothing
    Validate,
    /// Show what `provision` and `converge` would change, and what a month costs
    Plan,
    /// Make the cloud as wished, and wait until the host answers
    Provision(Yes),
    /// Make the host as wished
    Converge {
        /// Only show what would change; exit 3 when something would
        #[arg(long)]
        check: bool,
    },
    /// Bring a release of the app to the host, and switch to it when it is healthy
    Deploy(Artifact),
    /// provision, converge, deploy, health: from nothing to serving
    Up {
        #[command(flatten)]
        yes: Yes,
        #[command(flatten)]
        artifact: Artifact,
    },
    /// List the releases on the host
    Releases,
    /// Ask the host the questions of the production checklist, each with its limit
    Health,
    /// Show the logs of the host
    Logs {
        /// Go on with what comes
        #[arg(short, long)]
        follow: bool,
        /// How many lines of each log
        #[arg(short = 'n', long, default_value_t = 50, value_name = "LINES")]
        lines: u32,
        #[arg(value_enum, default_value_t = Log::App)]
        log: Log,
    },
    /// Log in to the host, or run a command there
    Ssh {
        #[arg(trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Delete everything of the stack in the cloud
    Destroy {
        /// First step for a protected server: take the protection off, and delete nothing
        #[arg(long, conflicts_with = "yes")]
        unprotect: bool,
        #[command(flatten)]
        yes: Yes,
    },
    /// Explain an error code: its cause, what was changed, what to do next
    Explain {
        /// Such as E0502; none lists all
        code: Option<String>,
    },
    /// Print the completions for a shell
    Completions { shell: clap_complete::Shell },
    /// The host's side: speaks with the operator's on stdin and stdout
    #[command(hide = true)]
    Agent,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct Yes {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub struct Artifact {
    /// A static x86_64 binary of the app, instead of building the app's source
    #[arg(long, value_name = "FILE")]
    pub artifact: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Log {
    /// The app's, from the systemd journal
    App,
    /// nginx's access and error log
    Nginx,
    /// `PostgreSQL`'s
    Postgres,
    /// The journal of citrino-ops itself
    Ops,
}

impl Verb {
    /// Its name, as it is typed.
    pub fn name(&self) -> &'static str {
        match self {
            Verb::Validate => "validate",
            Verb::Plan => "plan",
            Verb::Provision(_) => "provision",
            Verb::Converge { .. } => "converge",
            Verb::Deploy(_) => "deploy",
            Verb::Up { .. } => "up",
            Verb::Releases => "releases",
            Verb::Health => "health",
            Verb::Logs { .. } => "logs",
            Verb::Ssh { .. } => "ssh",
            Verb::Destroy { .. } => "destroy",
            Verb::Explain { .. } => "explain",
            Verb::Completions { .. } => "completions",
            Verb::Agent => "agent",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
