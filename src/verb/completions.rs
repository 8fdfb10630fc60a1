//! `completions`: what a shell needs to complete our command line.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::core::error::exit;
use crate::core::report::Report;

pub fn run(report: &mut Report, shell: Shell) -> u8 {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "citrino-ops", &mut script);
    report.text(&String::from_utf8_lossy(&script));
    exit::OK
}
