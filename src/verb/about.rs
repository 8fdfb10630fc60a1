//! What is known of each verb before it runs.

use crate::cli::{BackupCommand, ConfigCommand, Db, Verb};
use crate::config::source::SecretCommands;
use crate::core::plan::Purpose;

/// What a verb reads before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// citrino.yml alone: verbs that only look or take away must work where the stack's secrets
    /// and keys are not at hand.
    Config,
    /// Secrets, playbooks, templates and keys too.
    Everything,
}

impl Verb {
    /// The name that is typed.
    pub fn name(&self) -> &'static str {
        match self {
            Verb::Validate { .. } => "validate",
            Verb::Plan { .. } => "plan",
            Verb::Provision(_) => "provision",
            Verb::Converge(_) => "converge",
            Verb::Deploy { .. } => "deploy",
            Verb::Up { .. } => "up",
            Verb::Releases => "releases",
            Verb::Rollback(_) => "rollback",
            Verb::Backup { .. } => "backup",
            Verb::Restore(_) => "restore",
            Verb::Db {
                what: Db::Import(_),
            } => "db import",
            Verb::Status => "status",
            Verb::Cost => "cost",
            Verb::Health => "health",
            Verb::Logs { .. } => "logs",
            Verb::Audit { .. } => "audit",
            Verb::Ssh { .. } => "ssh",
            Verb::Adopt(_) => "adopt",
            Verb::Rebuild(_) => "rebuild",
            Verb::Gc { .. } => "gc",
            Verb::Destroy { .. } => "destroy",
            Verb::Config { what } => match what {
                ConfigCommand::Show => "config show",
                ConfigCommand::Schema => "config schema",
                ConfigCommand::Docs { .. } => "config docs",
            },
            Verb::Explain { .. } => "explain",
            Verb::Completions { .. } => "completions",
            Verb::Agent => "agent",
            Verb::Guard => "guard",
            Verb::Scheduled { .. } => "scheduled",
        }
    }

    /// Whether the commands run that citrino.yml names for secrets: of a file from elsewhere they are somebody else's, and
    /// who validates it wants to see it first.
    pub fn commands(&self) -> SecretCommands {
        match self {
            Verb::Validate { resolve: false } => SecretCommands::Spared,
            _ => SecretCommands::Run,
        }
    }

    pub fn needs(&self) -> Needs {
        match self {
            Verb::Config {
                what: ConfigCommand::Schema | ConfigCommand::Docs { .. },
            }
            | Verb::Explain { .. }
            | Verb::Completions { .. }
            | Verb::Agent
            | Verb::Guard
            | Verb::Scheduled { .. } => Needs::Nothing,
            Verb::Logs { .. }
            | Verb::Audit { .. }
            | Verb::Ssh { .. }
            | Verb::Releases
            | Verb::Status
            | Verb::Config {
                what: ConfigCommand::Show,
            }
            | Verb::Cost
            | Verb::Destroy { .. }
            | Verb::Backup {
                what: Some(BackupCommand::List | BackupCommand::Pull { .. }),
                ..
            } => Needs::Config,
            Verb::Validate { .. }
            | Verb::Plan { .. }
            | Verb::Provision(_)
            | Verb::Converge(_)
            | Verb::Deploy { .. }
            | Verb::Up { .. }
            | Verb::Rollback(_)
            | Verb::Backup { .. }
            | Verb::Restore(_)
            | Verb::Db { .. }
            | Verb::Health
            | Verb::Adopt(_)
            | Verb::Rebuild(_)
            | Verb::Gc { .. } => Needs::Everything,
        }
    }

    /// Whether Ctrl-C may leave something half done in the cloud: then the command ends with what
    /// exists now. A deploy minds Ctrl-C itself, since its host can turn back.
    pub fn leaves_something(&self) -> bool {
        matches!(
            self,
            Verb::Provision(_)
                | Verb::Up { .. }
                | Verb::Converge(_)
                | Verb::Rebuild(_)
                | Verb::Adopt(_)
                | Verb::Gc { .. }
                | Verb::Destroy { .. }
        )
    }

    /// What a plan of this verb is for.
    pub fn purpose(&self) -> Purpose {
        if self.leaves_something() {
            Purpose::Part
        } else {
            Purpose::Command
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn verb(line: &str) -> Verb {
        let words = std::iter::once("citrino-ops").chain(line.split_whitespace());
        Cli::try_parse_from(words).unwrap().verb
    }

    #[test]
    fn verbs_that_only_look_work_without_secrets_and_keys() {
        for line in [
            "status",
            "logs",
            "backup list",
            "backup pull",
            "destroy",
            "releases",
        ] {
            assert_eq!(verb(line).needs(), Needs::Config, "{line}");
        }
        for line in ["backup", "backup prune", "deploy", "health", "validate"] {
            assert_eq!(verb(line).needs(), Needs::Everything, "{line}");
        }
        assert_eq!(verb("explain").needs(), Needs::Nothing);
    }

    #[test]
    fn a_deploy_minds_an_interruption_itself_and_a_part_of_up_does_not() {
        assert_eq!(verb("deploy").purpose(), Purpose::Command);
        assert_eq!(verb("restore latest").purpose(), Purpose::Command);
        assert_eq!(verb("up").purpose(), Purpose::Part);
        assert_eq!(verb("rebuild --from-backup").purpose(), Purpose::Part);
    }
}
