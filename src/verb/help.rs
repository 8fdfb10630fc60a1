//! `--help`: the verbs in groups, which clap does not do by itself.

use std::ffi::{OsStr, OsString};

use clap::{Command, CommandFactory, FromArgMatches};

use crate::cli::Cli;
use crate::core::error::{Code, Fault, exit};
use crate::core::report::{Report, Verbosity, width};
use crate::core::wrap;

/// Each visible verb is in one group; a test compares.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Build and deploy",
        &[
            "init",
            "validate",
            "plan",
            "provision",
            "converge",
            "deploy",
            "up",
        ],
    ),
    ("Releases", &["releases", "rollback"]),
    ("Data", &["backup", "restore", "db"]),
    (
        "Operate",
        &[
            "status",
            "health",
            "alerts",
            "monitoring",
            "maintenance",
            "lock",
            "unlock",
            "doctor",
            "tls",
            "logs",
            "audit",
            "secrets",
            "exec",
            "psql",
            "proxy",
            "ssh",
        ],
    ),
    (
        "Resources at Hetzner",
        &["cost", "adopt", "rebuild", "gc", "destroy"],
    ),
    (
        "Help",
        &["docs", "config", "explain", "completions", "help"],
    ),
];

/// The command that was typed. Help and usage errors are printed, and end the process.
pub fn parse_args() -> Cli {
    let typed = grouped().try_get_matches_from(typed_words());
    let cli = typed.and_then(|matches| Cli::from_arg_matches(&matches));
    cli.unwrap_or_else(|error| refuse(&error))
}

/// The words of the command line. clap's own `help` knows no options: who asks for its help is given what it prints.
fn typed_words() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    if words.get(1).is_some_and(|word| word == OsStr::new("help")) {
        words.retain(|word| word != OsStr::new("--help") && word != OsStr::new("-h"));
    }
    words
}

/// Tells what was wrong, for a program as every other error, and ends.
fn refuse(error: &clap::Error) -> ! {
    let mut words = std::env::args().skip(1).take_while(|word| word != "--");
    // Help was asked for by a person.
    if error.use_stderr() && words.any(|word| word == "--json") {
        let text = error.render().to_string();
        let mut lines = text.lines().take_while(|line| !line.trim().is_empty());
        let first = lines.next().unwrap_or_default();
        let first = first.strip_prefix("error: ").unwrap_or(first);
        let more = lines.map(|line| format!("\n{line}"));
        let message: String = std::iter::once(first.to_owned()).chain(more).collect();
        let hint =
            "`citrino-ops help` lists the commands, `citrino-ops COMMAND --help` its options";
        let fault = Fault::new(Code::E0802, message).hint(hint);
        let verb = verb_typed().unwrap_or_default();
        Report::new(true, Verbosity::Normal).finish(&verb, exit::USAGE, Some(&fault.into()));
        std::process::exit(exit::USAGE.into());
    }
    error.exit()
}

/// The verb of a command line that is no command: as far as there is one.
fn verb_typed() -> Option<String> {
    let command = Cli::command();
    let mut words = std::env::args().skip(1);
    words.find(|word| command.find_subcommand(word).is_some())
}

/// The whole command line, its verbs in groups.
pub fn grouped() -> Command {
    let mut command = Cli::command();
    command.build();
    let groups: Vec<String> = GROUPS
        .iter()
        .map(|(title, verbs)| format!("{title}:\n{}", rows(&command, verbs)))
        .collect();
    let verbs = groups.join("\n");
    Cli::command().help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{verbs}\nOptions:\n{{options}}{{after-help}}"
    ))
}

fn rows(command: &Command, verbs: &[&str]) -> String {
    let row = |verb: &&str| {
        let about = command.find_subcommand(verb)?.get_about()?.to_string();
        let first = format!("  {verb:<12}");
        let options = wrap::options(width(), &first, "              ");
        Some(format!("{}\n", textwrap::fill(&about, options)))
    };
    verbs.iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_in_one_group() {
        let mut shown: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, verbs)| *verbs)
            .copied()
            .collect();
        let mut command = Cli::command();
        command.build();
        let visible = command.get_subcommands().filter(|verb| !verb.is_hide_set());
        let mut known: Vec<&str> = visible.map(Command::get_name).collect();
        shown.sort_unstable();
        known.sort_unstable();
        assert_eq!(shown, known);
    }

    #[test]
    fn each_verb_says_what_it_does_in_one_line_of_a_terminal() {
        let help = grouped().render_help().to_string();
        for line in help.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        assert!(
            help.contains("\n  converge    Configure the host: packages, firewall, "),
            "{help}"
        );
    }
}
