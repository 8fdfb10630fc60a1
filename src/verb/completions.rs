//! `completions`: what a shell needs to complete our command line, and the answers when it asks. The shell asks this very binary at
//! each TAB, so that names of releases, backups and codes are completed too.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;

use clap::{Arg, Command, CommandFactory};
use clap_complete::env::{CompleteEnv, Shells};
use clap_complete::{ArgValueCompleter, CompletionCandidate, Shell};
use serde_json::json;

use crate::cli::{Cli, DEFAULT_CONFIG};
use crate::config::stack::Stack;
use crate::core::catalogue;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::exit;
use crate::core::report::Report;
use crate::operator::seen::SeenNames;

const PROGRAM: &str = "citrino-ops";
/// Set by the script of the shell when it asks.
const ASKED: &str = "CITRINO_OPS_COMPLETE";

/// The script by which a shell asks.
pub fn run(report: &mut Report, shell: Shell) -> u8 {
    let mut script = Vec::new();
    let shell = shell.to_string();
    if let Some(shell) = Shells::builtins().completer(&shell) {
        // Into memory, which takes all of it.
        let _ = shell.write_registration(ASKED, PROGRAM, PROGRAM, PROGRAM, &mut script);
    }
    let script = String::from_utf8_lossy(&script);
    let data = json!({"shell": shell, "script": script});
    report.datum(Datum::new(DatumKind::Completions, data), &script);
    exit::OK
}

/// Answers a shell that asks, and ends then; any other run goes on.
pub fn answer() {
    CompleteEnv::with_factory(command).var(ASKED).complete();
}

/// The command line, and what its names may be.
fn command() -> Command {
    Cli::command()
        .mut_subcommand("rollback", |verb| verb.mut_arg("release", known(releases)))
        .mut_subcommand("restore", |verb| verb.mut_arg("backup", known(backups)))
        .mut_subcommand("explain", |verb| verb.mut_arg("code", known(codes)))
        .mut_subcommand("backup", |verb| {
            ["verify", "drill", "pull"].iter().fold(verb, |verb, name| {
                verb.mut_subcommand(name, |one| one.mut_arg("backup", known(backups)))
            })
        })
}

fn known(names: fn() -> Vec<CompletionCandidate>) -> impl FnOnce(Arg) -> Arg {
    move |arg| {
        arg.add(ArgValueCompleter::new(move |begun: &OsStr| {
            let begun = begun.to_string_lossy();
            let fits =
                |one: &CompletionCandidate| one.get_value().to_string_lossy().starts_with(&*begun);
            names().into_iter().filter(fits).collect::<Vec<_>>()
        }))
    }
}

fn releases() -> Vec<CompletionCandidate> {
    candidates(seen().releases)
}

fn backups() -> Vec<CompletionCandidate> {
    candidates(seen().backups)
}

fn candidates(names: Vec<String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn codes() -> Vec<CompletionCandidate> {
    // Where the catalogue cannot be read, there is nothing to complete.
    let pages = catalogue::pages().unwrap_or_default();
    let candidate = |(code, page): (_, &catalogue::Page)| {
        CompletionCandidate::new(format!("{code}")).help(Some(page.title.clone().into()))
    };
    pages.iter().map(candidate).collect()
}

/// Of the stack of the command line that is being typed; nothing where it has no configuration that can be read.
fn seen() -> SeenNames {
    let stack = Stack::load(&config(&env::args().collect::<Vec<_>>()));
    stack.map_or_else(
        |_| SeenNames::default(),
        |stack| SeenNames::read(&stack.only_host().name),
    )
}

fn config(words: &[String]) -> PathBuf {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-c" | "--config" => return words.next().unwrap_or(word).into(),
            _ => {}
        }
        if let Some(path) = word.strip_prefix("--config=") {
            return path.into();
        }
    }
    DEFAULT_CONFIG.into()
}
