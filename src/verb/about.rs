//! What is known of each verb before it runs.

use crate::cli::{
    BackupCommand, ConfigCommand, Db, MonitoringCommand, Rebuild, Rollback, SecretsCommand,
    TlsCommand, Verb,
};
use crate::config::playbook::Playbooks;
use crate::config::source::SecretReading;
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

/// Whether a verb's work has secrets in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uses {
    No,
    /// Where the playbook of this name, or a template of that folder, may name them.
    IfNamedIn(&'static str),
    Yes,
    WithoutCommands,
}

impl Uses {
    pub fn reading(self, playbooks: &Playbooks) -> SecretReading {
        match self {
            Uses::Yes => SecretReading::All,
            Uses::IfNamedIn(name) if playbooks.may_name_secrets(name) => SecretReading::All,
            Uses::WithoutCommands => SecretReading::WithoutCommands,
            Uses::No | Uses::IfNamedIn(_) => SecretReading::Nothing,
        }
    }
}

/// Of which secrets a verb has need: those that citrino.yml names for the app, those of backups, and those of alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretUse {
    pub app: Uses,
    pub backup: Uses,
    pub alerts: Uses,
}

impl Verb {
    /// The name that is typed.
    pub fn name(&self) -> &'static str {
        match self {
            Verb::Init(_) => "init",
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
            Verb::Maintenance { .. } => "maintenance",
            Verb::Lock { .. } => "lock",
            Verb::Unlock { .. } => "unlock",
            Verb::Tls {
                what: TlsCommand::Status,
            } => "tls status",
            Verb::Tls {
                what: TlsCommand::Renew,
            } => "tls renew",
            Verb::Doctor => "doctor",
            Verb::Logs(_) => "logs",
            Verb::Audit { .. } => "audit",
            Verb::Alerts { .. } => "alerts test",
            Verb::Monitoring { what } => match what {
                MonitoringCommand::Prometheus { .. } => "monitoring prometheus",
                MonitoringCommand::Dashboards { .. } => "monitoring dashboards",
                MonitoringCommand::ExportKuma => "monitoring export-kuma",
            },
            Verb::Ssh { .. } => "ssh",
            Verb::Exec(_) => "exec",
            Verb::Psql(_) => "psql",
            Verb::Proxy(_) => "proxy",
            Verb::Secrets { what } => match what {
                SecretsCommand::List { .. } => "secrets list",
                SecretsCommand::Set { .. } => "secrets set",
                SecretsCommand::Edit => "secrets edit",
                SecretsCommand::Rotate(_) => "secrets rotate",
            },
            Verb::Adopt(_) => "adopt",
            Verb::Rebuild(_) => "rebuild",
            Verb::Gc { .. } => "gc",
            Verb::Destroy { .. } => "destroy",
            Verb::Config { what } => match what {
                ConfigCommand::Show => "config show",
                ConfigCommand::Schema => "config schema",
                ConfigCommand::Docs { .. } => "config docs",
            },
            Verb::Docs { .. } => "docs",
            Verb::Explain { .. } => "explain",
            Verb::Completions { .. } => "completions",
            Verb::Agent => "agent",
            Verb::Guard => "guard",
            Verb::Scheduled { .. } => "scheduled",
        }
    }

    /// Which secrets its work has in it. Only their sources are asked: a check by a timer, or by somebody without them, must not
    /// want the keys of production.
    pub fn secrets(&self) -> SecretUse {
        use Uses::{IfNamedIn, No, WithoutCommands, Yes};
        let (app, backup, alerts) = match self {
            // Who validates a file from elsewhere wants to see its commands first.
            Verb::Validate { resolve: false } => {
                (WithoutCommands, WithoutCommands, WithoutCommands)
            }
            Verb::Deploy { cut_off, .. } if cut_off.is_any() => (No, No, No),
            Verb::Health => (IfNamedIn("health"), IfNamedIn("health"), No),
            // It looks at all that `converge` would change, too.
            Verb::Rollback(Rollback { check: true, .. }) => (Yes, Yes, Yes),
            // What was rolled back is told to webhooks.
            Verb::Rollback(_) => (IfNamedIn("smoke"), IfNamedIn("smoke"), Yes),
            Verb::Provision(_)
            | Verb::Rebuild(Rebuild {
                from_backup: None, ..
            }) => (IfNamedIn("cloud-init"), IfNamedIn("cloud-init"), No),
            Verb::Backup {
                what: Some(BackupCommand::Verify { .. } | BackupCommand::Drill { .. }),
                ..
            }
            | Verb::Adopt(_)
            | Verb::Tls { .. }
            | Verb::Gc { .. }
            | Verb::Maintenance { .. } => (No, No, No),
            Verb::Backup { .. } | Verb::Restore(_) => (No, Yes, No),
            Verb::Secrets { .. } => (Yes, No, No),
            // It deploys the app where none serves yet.
            Verb::Db { .. } => (IfNamedIn("smoke"), Yes, Yes),
            _ => (Yes, Yes, Yes),
        };
        SecretUse {
            app,
            backup,
            alerts,
        }
    }

    pub fn needs(&self) -> Needs {
        match self {
            Verb::Config {
                what: ConfigCommand::Schema | ConfigCommand::Docs { .. },
            }
            | Verb::Docs { .. }
            | Verb::Init(_)
            | Verb::Explain { .. }
            | Verb::Completions { .. }
            | Verb::Agent
            | Verb::Guard
            | Verb::Scheduled { .. } => Needs::Nothing,
            Verb::Logs(_)
            | Verb::Lock { .. }
            | Verb::Unlock { .. }
            | Verb::Tls { .. }
            | Verb::Audit { .. }
            | Verb::Alerts { .. }
            | Verb::Monitoring { .. }
            | Verb::Ssh { .. }
            | Verb::Exec(_)
            | Verb::Psql(_)
            | Verb::Proxy(_)
            | Verb::Secrets {
                what:
                    SecretsCommand::List { .. } | SecretsCommand::Set { .. } | SecretsCommand::Edit,
            }
            | Verb::Releases
            | Verb::Doctor
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
            | Verb::Maintenance { .. }
            | Verb::Secrets {
                what: SecretsCommand::Rotate(_),
            }
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
