//! What timers do on the host with nobody there: the same plans, journal, lock and audit as an operator's verbs.

use anyhow::{Context, Result};
use time::OffsetDateTime;

use crate::audit::{Did, Record};
use crate::backup::{SETTINGS, Settings};
use crate::cli::Scheduled;
use crate::engine;
use crate::error::Fault;
use crate::event::{Event, now};
use crate::facts::backups::Format;
use crate::facts::{self, Facts};
use crate::guard;
use crate::journal::Journal;
use crate::lock;
use crate::plan::{Claim, Mode, Plan, Step};
use crate::system::System;
use crate::task::Task;

/// Runs one to its end.
///
/// # Errors
/// E0504 while another run holds the host: systemd starts it again later. E0426 without settings.
pub async fn run(job: Scheduled, tell: &mut impl FnMut(Event)) -> Result<()> {
    let system = System::host();
    let settings = settings(&system)?;
    let facts = facts::gather(&system).await?;
    let plan = plan(job, &settings, &facts, OffsetDateTime::now_utc())?;
    let _lock = match lock::take(&system, &Claim::of(&plan))? {
        Ok(lock) => lock,
        Err(holder) => {
            let message = format!(
                "{} by {} is at work on the host, since {}",
                holder.verb, holder.who, holder.since
            );
            return Err(Fault::new("E0504", message)
                .hint("nothing was begun; systemd tries again in some minutes")
                .into());
        }
    };
    guard::refuse_while_armed(&system)?;
    let mut journal = Journal::open(&system)?;
    let mut record = Record::begin(&system, &plan, Did::Begun)?;
    let tally = engine::run(&plan, &system, &mut |event| {
        journal.keep(&event)?;
        record.hear(&event)?;
        tell(event);
        Ok(())
    })
    .await?;
    if tally.failed == 0 {
        // Nobody has to be told of what went well; what did not is told by the next command.
        let (at, run) = (now(), plan.run);
        journal.keep(&Event::Heard { at, run })?;
    }
    Ok(())
}

fn settings(system: &System) -> Result<Settings> {
    let absent = || {
        Fault::new(
            "E0426",
            format!("{SETTINGS} is not there or cannot be read"),
        )
        .hint("`citrino-ops converge` writes it")
    };
    let text = system.read(SETTINGS)?.ok_or_else(absent)?;
    serde_json::from_slice(&text).with_context(absent)
}

fn plan(
    job: Scheduled,
    settings: &Settings,
    facts: &Facts,
    at: OffsetDateTime,
) -> Result<Plan<Task>> {
    let run = format!(
        "{}-timer",
        crate::facts::backups::name(at).replace("citrino_", "")
    );
    Ok(Plan {
        run,
        stack: settings.stack.clone(),
        verb: match job {
            Scheduled::Backup => "backup".to_owned(),
            Scheduled::Drill => "backup drill".to_owned(),
            Scheduled::Offsite => "backup offsite".to_owned(),
        },
        who: format!("timer@{}", facts.hostname),
        mode: Mode::Apply,
        after: None,
        guard_s: None,
        steps: steps(job, settings, facts, at)?,
        on_failure: Vec::new(),
        no_return: None,
        watch: Vec::new(),
    })
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
        Scheduled::Drill if is_readable => settings.drilled(facts, at, None, Vec::new()),
        Scheduled::Drill => Ok(settings.taken_and_proven(&facts.app, at)),
        Scheduled::Offsite => Ok(settings.sent(at).into_iter().collect()),
    }
}
