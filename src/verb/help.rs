//! `--help`: the verbs in groups, which clap does not do by itself.

use clap::{Command, CommandFactory, FromArgMatches};

use crate::cli::Cli;
use crate::core::report::width;

/// Each visible verb is in one group; a test compares.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Build and deploy",
        &["validate", "plan", "provision", "converge", "deploy", "up"],
    ),
    ("Releases", &["releases", "rollback"]),
    ("Data", &["backup", "restore", "db"]),
    ("Operate", &["status", "health", "logs", "audit", "ssh"]),
    (
        "Resources at Hetzner",
        &["cost", "adopt", "rebuild", "gc", "destroy"],
    ),
    ("Help", &["config", "explain", "completions", "help"]),
];

/// The command that was typed. Help and usage errors are printed, and end the process.
pub fn parse_args() -> Cli {
    let matches = grouped().get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
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
        let options = textwrap::Options::new(width())
            .initial_indent(&first)
            .subsequent_indent("              ");
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
            help.contains("\n  converge    Configure the host\n"),
            "{help}"
        );
    }
}
