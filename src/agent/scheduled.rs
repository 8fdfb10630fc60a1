//! What timers do on the host with nobody there: the same plans, journal, lock and audit as an operator's verbs.

use anyhow::{Context, Result};
use time::OffsetDateTime;
use time::macros::format_description;

use super::record::AuditRecord;
use crate::agent::guard;
use crate::cli::Scheduled;
use crate::core::audit::AuditAction;
use crate::core::engine;
use crate::core::error::{Code, Fault};
use crate::core::event::{Event, RunPoint};
use crate::core::plan::{Claim, Plan, Purpose, Step};
use crate::core::value::HostName;
use crate::facts::backups::Format;
use crate::facts::certificate::CertificateSettings;
use crate::facts::{self, Facts};
use crate::host::journal::{Journal, TIMER};
use crate::host::lock;
use crate::host::own::BACKUP_SETTINGS;
use crate::host::profile;
use crate::host::system::System;
use crate::planner::backup::Settings;
use crate::planner::certificate as planned;
use crate::task::Task;
use crate::task::certificate::{self, Renew};

/// Runs one to its end.
///
/// # Errors
/// E0504 while another run holds the host: systemd starts it again later. E0426 without settings.
pub async fn run(job: Scheduled, tell: &mut impl FnMut(Event)) -> Result<()> {
    let system = profile::on(System::host())?;
    let Some(wishes) = JobSettings::of(job, &system)? else {
        return Ok(());
    };
    let at = OffsetDateTime::now_utc();
    let claim = claim(job, at)?.on_host(wishes.host());
    let _lock = match lock::take(&system, &claim)? {
        Ok(lock) => lock,
        Err(holder) => {
            let message = format!(
                "{} by {} is running on the host, since {}",
                holder.verb, holder.who, holder.since
            );
            return Err(Fault::new(Code::E0504, message)
                .hint("nothing was started; systemd tries again in some minutes")
                .into());
        }
    };
    guard::refuse_while_armed(&system)?;
    if matches!(wishes, JobSettings::Certificate(_)) && !certificate::is_due(&system).await? {
        return Ok(());
    }
    // Under the lock nobody changes them any more.
    let facts = facts::gather(&system).await?;
    let plan = wishes.plan(job, claim, &facts, at)?;
    let mut journal = Journal::open(&system)?;
    let mut record = AuditRecord::begin(&system, &plan, AuditAction::Begun)?;
    let tally = engine::run(&plan, &system, &mut |event| {
        journal.keep(&event)?;
        record.hear(&event)?;
        tell(event);
        Ok(())
    })
    .await?;
    if tally.failed == 0 {
        // Nobody has to be told of what went well; what did not is told by the next command.
        let point = RunPoint::of(&plan);
        journal.keep(&Event::Heard { point })?;
    }
    Ok(())
}

/// What a job is about, as `converge` wrote it down.
enum JobSettings {
    Backups(Box<Settings>),
    Certificate(Box<CertificateSettings>),
}

impl JobSettings {
    /// None of a certificate that no issuer is asked for.
    fn of(job: Scheduled, system: &System) -> Result<Option<Self>> {
        if job != Scheduled::Certificate {
            let settings = settings(system)?;
            return Ok(Some(Self::Backups(Box::new(settings))));
        }
        let settings = CertificateSettings::read(system)?;
        Ok(settings.map(|settings| Self::Certificate(Box::new(settings))))
    }

    fn host(&self) -> Option<HostName> {
        match self {
            Self::Backups(settings) => settings.host.clone(),
            Self::Certificate(settings) => Some(settings.host.clone()),
        }
    }

    fn plan(
        &self,
        job: Scheduled,
        claim: Claim,
        facts: &Facts,
        at: OffsetDateTime,
    ) -> Result<Plan<Task>> {
        let (stack, plan) = match self {
            Self::Backups(settings) => {
                let steps = steps(job, settings, facts, at)?;
                (&settings.stack, Plan::new(claim, steps))
            }
            Self::Certificate(settings) => {
                let plan = Plan::new(claim, planned::renewed(Renew::Due));
                let way_back = planned::way_back(&facts.certificate);
                (&settings.stack, plan.or_else(way_back))
            }
        };
        Ok(plan.of_stack(stack).purpose(Purpose::Timer))
    }
}

fn settings(system: &System) -> Result<Settings> {
    let absent = || {
        Fault::new(
            Code::E0426,
            format!("{BACKUP_SETTINGS} does not exist or cannot be read"),
        )
        .hint("`citrino-ops converge` writes it")
    };
    let text = system.read(BACKUP_SETTINGS)?.ok_or_else(absent)?;
    let settings: Settings = serde_json::from_slice(&text).with_context(absent)?;
    let profile = system.shared_app();
    Ok(Settings {
        profile,
        ..settings
    })
}

fn claim(job: Scheduled, at: OffsetDateTime) -> Result<Claim> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z-timer");
    let host = nix::unistd::gethostname()?;
    let verb = match job {
        Scheduled::Backup => "backup",
        Scheduled::Drill => "backup drill",
        Scheduled::Offsite => "backup offsite",
        Scheduled::Health | Scheduled::Alert => "scheduled health",
        Scheduled::Certificate => "tls renew",
    };
    Ok(Claim::new(
        at.format(format)?,
        verb,
        format!("{TIMER}{}", host.to_string_lossy()),
    ))
}

fn steps(
    job: Scheduled,
    settings: &Settings,
    facts: &Facts,
    at: OffsetDateTime,
) -> Result<Vec<Step<Task>>> {
    // What is encrypted can be read by who wrote it, while he writes it: so a drill there is of a new one.
    let is_readable = facts.backups.newest().is_some_and(|one| !one.is_sealed());
    match job {
        Scheduled::Backup => Ok(settings.taken(&facts.app, at, Format::Custom)),
        Scheduled::Drill if is_readable => settings.drilled(facts, None, Vec::new()),
        Scheduled::Drill => Ok(settings.taken_and_proven(&facts.app, at)),
        Scheduled::Offsite => Ok(settings.sent(at).into_iter().collect()),
        // The first two change nothing, and have no plan: agent/watch.rs.
        Scheduled::Health | Scheduled::Alert | Scheduled::Certificate => Ok(Vec::new()),
    }
}
