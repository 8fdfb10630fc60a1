//! One command on one stack: what was read for it, who asks, and where it is told.

mod command;
mod issuer;
mod keys;

use anyhow::Result;

use super::inputs;
use crate::cli::Cli;
use crate::config::paths::ConfigPaths;
use crate::config::playbook::Playbooks;
use crate::config::source;
use crate::config::stack::{Host, Relay, Stack};
use crate::config::template::Values;
use crate::core::error::{Code, Fault};
use crate::core::event::Counts;
use crate::core::plan::{Claim, Mode, Plan, Step};
use crate::core::report::Report;
use crate::core::secret::{DOTS, Secret};
use crate::core::stack_key::StackKey;
use crate::core::webhook::Hook;
use crate::facts::backups::Judge;
use crate::facts::certificate::CertificateSettings;
use crate::facts::{CONTAINERS, Facts};
use crate::host::sandbox;
use crate::operator::outside::OutsideProbe;
use crate::operator::preview::Preview;
use crate::operator::stack_key::KnownStackKey;
use crate::planner::alerts::{self, AlertSettings};
use crate::planner::backup::Settings;
use crate::planner::certificate;
use crate::planner::cloud::{PublicKey, Resource};
use crate::planner::monitoring;
use crate::task::Task;
use command::JobCommand;
pub use command::{another_file, typed};

/// What stands for the volume's device until the API has told it.
const A_DEVICE: &str = "/dev/disk/by-id/scsi-0HC_Volume_0";

/// The block device of the stack's volume, as the host knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// The stack has no volume.
    NotWanted,
    /// The API has not told it, or has not made it yet.
    NotMade,
    At(String),
}

impl Device {
    /// As playbooks and templates name it.
    fn path(&self) -> Option<&str> {
        match self {
            Self::NotWanted => None,
            Self::NotMade => Some(A_DEVICE),
            Self::At(path) => Some(path),
        }
    }
}

pub struct Job<'r> {
    pub stack: Stack,
    /// The host that the command is about: the only one of the stack.
    pub host: Host,
    pub playbooks: Playbooks,
    pub report: &'r mut Report,
    /// What backups alone need.
    backup_secrets: Vec<(String, Secret)>,
    /// What alerts alone need.
    alert_secrets: Vec<(String, Secret)>,
    /// The certificate that the server of an ACME issuer is trusted by, as PEM.
    issuer_ca: Option<String>,
    /// The public keys of the operators.
    pub keys: Vec<PublicKey>,
    pub volume: Device,
    pub command: JobCommand,
    /// The digest of citrino.yml, by which a saved plan knows its wishes.
    pub wishes: String,
    /// How this command was begun, up to the verb: for what to type next.
    pub typed: String,
}

impl<'r> Job<'r> {
    /// Reads everything that the operator gives: citrino.yml, secrets, playbooks, templates. What
    /// is wrong in it is refused here, before anything is sent.
    pub fn load(cli: &Cli, report: &'r mut Report) -> Result<Self> {
        let stack = Self::stack_of(cli)?;
        let mut playbooks = Playbooks::load(&stack.folder)?;
        let uses = cli.verb.secrets();
        let reading = uses.backup.reading(&playbooks);
        let secrets = source::secrets(&stack, uses.app.reading(&playbooks))?;
        let backup_secrets = source::backup_secrets(&stack, reading)?;
        let alert_secrets = source::alert_secrets(&stack, uses.alerts.reading(&playbooks))?;
        playbooks.take_secrets(secrets);
        let keys = keys::read(&stack)?;
        let issuer_ca = issuer::ca(&stack)?;
        let mut job = Self::of(cli, stack, playbooks, report);
        job.keys = keys;
        job.issuer_ca = issuer_ca;
        job.backup_secrets = backup_secrets;
        job.alert_secrets = alert_secrets;
        // What is no key is found before anything is sent.
        job.stack_key()?;
        inputs::check(&job.stack, &job.playbooks, &job.values())?;
        Ok(job)
    }

    /// Reads citrino.yml alone, for verbs that only look or take away: they must work where secrets
    /// and keys of the stack are not at hand.
    pub fn look(cli: &Cli, report: &'r mut Report) -> Result<Self> {
        Ok(Self::of(
            cli,
            Self::stack_of(cli)?,
            Playbooks::own()?,
            report,
        ))
    }

    fn stack_of(cli: &Cli) -> Result<Stack> {
        let environment = cli.environment.as_deref();
        Stack::load(&ConfigPaths::find(cli.config.as_deref(), environment)?)
    }

    fn of(cli: &Cli, stack: Stack, playbooks: Playbooks, report: &'r mut Report) -> Self {
        let wishes = stack.digest.clone();
        let volume = stack.cloud.iter().find_map(|cloud| cloud.volume_gb);
        let volume = volume.map_or(Device::NotWanted, |_| Device::NotMade);
        Self {
            host: stack.only_host(),
            stack,
            playbooks,
            report,
            keys: Vec::new(),
            issuer_ca: None,
            backup_secrets: Vec::new(),
            alert_secrets: Vec::new(),
            volume,
            command: JobCommand::of(cli),
            wishes,
            typed: typed(cli),
        }
    }

    /// The steps as a plan of this command for its host.
    pub fn plan(
        &self,
        mode: Mode,
        steps: Vec<Step<Task>>,
        on_failure: Vec<Step<Task>>,
    ) -> Plan<Task> {
        self.plan_of(self.claim(), mode, steps).or_else(on_failure)
    }

    /// The steps as a plan of this command for the cloud.
    pub fn cloud_plan(&self, mode: Mode, steps: Vec<Step<Resource>>) -> Plan<Resource> {
        self.plan_of(self.command.claim(), mode, steps)
    }

    /// The questions as a plan of this command that is asked from here.
    pub fn outside_plan(&self, mode: Mode, steps: Vec<Step<OutsideProbe>>) -> Plan<OutsideProbe> {
        self.plan_of(self.claim(), mode, steps)
    }

    fn plan_of<T>(&self, claim: Claim, mode: Mode, steps: Vec<Step<T>>) -> Plan<T> {
        Plan::new(claim, steps)
            .of_stack(self.stack.name.to_string())
            .in_mode(mode)
            .purpose(self.command.purpose)
    }

    /// What playbooks and templates may name, without what only a host knows.
    pub fn values(&self) -> Values {
        let values = self.values_without_alerts();
        // A checklist that is missing is told by whoever reads it.
        let whole = AlertSettings::of(&self.stack, &self.alert_secrets, &self.playbooks, &values);
        let whole = whole.ok();
        let open = whole.as_ref().map(AlertSettings::with_dots);
        values.with_hidden("alert_settings", &whole, &open)
    }

    fn values_without_alerts(&self) -> Values {
        let stack = &self.stack;
        Values::new(self.playbooks.secrets())
            .with_secrets("backup_secrets", &self.backup_secrets)
            .with_secrets("alert_secrets", &self.alert_secrets)
            .with("stack", &stack.name)
            .with("domain", &stack.domain)
            .with("ssh_port", &stack.ssh_port())
            .with(
                "ssh_keys",
                &self.keys.iter().map(|key| &key.line).collect::<Vec<_>>(),
            )
            .with("volume", &self.volume.path())
            .with("tls", &stack.tls)
            .with("https", &stack.tls.https())
            .with("profile", &*stack.profile)
            .with("trial_user", &stack.profile.trial_user())
            .with("sandbox", &sandbox::of_app(&stack.profile))
            .with("hardening", &sandbox::HARDENING)
            .with("ssh_user", &stack.login())
            .with("app", &stack.app)
            .with("database", &stack.database)
            .with("backup", &stack.backup)
            .with_hidden(
                "backup_settings",
                &self.backups(),
                &self.backups_with_dots(),
            )
            .with("certificate_settings", &self.certificate())
            .with("hardening_settings", &stack.hardening)
            .with("spared", &stack.spared())
            .with("containers", &CONTAINERS)
            .with("alerts", &stack.alerts)
            .with("alerts_wanted", &alerts::looks(stack))
            .with("alert_units", &alerts::units(&stack.profile))
            .with("mail_from", &stack.alerts.sender(&stack.domain))
            .with("monitoring", &stack.monitoring)
            .with_hidden(
                "metrics_login",
                &monitoring::login(stack, &self.alert_secrets),
                &stack.monitoring.exporters.then(|| DOTS.to_owned()),
            )
            .with("relay_port", &stack.alerts.relay.as_ref().map(Relay::port))
    }

    /// What a host must know of the issuer of its certificate; none where none is asked.
    fn certificate(&self) -> Option<CertificateSettings> {
        certificate::settings(&self.stack, self.issuer_ca.clone())
    }

    /// What a host must know of backups.
    pub fn backups(&self) -> Settings {
        Settings::of(&self.stack, &self.backup_secrets)
    }

    /// The key of the stack, where this machine has it: of citrino.yml, else the one that it has seen on the host.
    ///
    /// # Errors
    /// E0103 and E0437 when it is there and is none.
    pub fn stack_key(&self) -> Result<Option<StackKey>> {
        let mut secrets = self.backup_secrets.iter();
        let named = secrets.find(|(name, _)| name == source::SIGNING_KEY);
        match named.filter(|(_, secret)| !secret.is_stand_in()) {
            Some((_, secret)) => {
                let key = StackKey::parse(secret.reveal()).map_err(|why| {
                    Fault::new(Code::E0103, format!("backup.signing_key {why}"))
                        .hint("nothing was changed; give it another value")
                })?;
                Ok(Some(key))
            }
            None => KnownStackKey::of(&self.host.name).read(),
        }
    }

    /// Who says here which backups are the stack's own.
    ///
    /// # Errors
    /// As of `stack_key`.
    pub fn judge(&self) -> Result<Judge> {
        Ok(Judge::new(self.stack_key()?, Some(&self.stack.name)))
    }

    fn backups_with_dots(&self) -> Settings {
        Settings::of(&self.stack, &dotted(&self.backup_secrets))
    }

    /// The webhooks that hear of what happens.
    pub fn hooks(&self) -> Vec<Hook> {
        alerts::hooks(&self.stack, &self.alert_secrets)
    }

    /// The same with what a host says of itself.
    pub fn values_on(&self, facts: &Facts) -> Values {
        let tables = facts.backups.data_tables(&self.stack.profile);
        self.values()
            .with("facts", facts)
            .with("data_tables", &tables)
    }

    /// Tells what was seen.
    ///
    /// # Errors
    /// The first step that could not be looked at.
    pub fn show(&mut self, preview: &Preview) -> Result<()> {
        for event in &preview.events {
            self.report.tell(event.clone());
        }
        self.ended(preview.tally).map(drop)
    }

    /// Who wants what of the host, for others who want the same.
    pub fn claim(&self) -> Claim {
        let host = self.host.name.clone();
        self.command.claim().on_host(Some(host))
    }

    /// The first step that failed since it was last asked for is the error of a run.
    pub fn ended(&mut self, tally: Counts) -> Result<Counts> {
        match self.report.take_failure() {
            None => Ok(tally),
            Some(fault) => Err(fault.into()),
        }
    }
}

/// The same names, with nothing to read.
fn dotted(secrets: &[(String, Secret)]) -> Vec<(String, Secret)> {
    let secrets = secrets.iter();
    secrets
        .map(|(name, _)| (name.clone(), Secret::new(DOTS)))
        .collect()
}
