use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    citrino_ops::verb::run(&citrino_ops::cli::Cli::parse())
}
