//! The host looks after itself: it asks the checklist every few minutes, hears which units failed, and tells people what changed.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use time::OffsetDateTime;

use super::told::{self, Teller, now};
use crate::core::engine;
use crate::core::error::{Code, Fault};
use crate::core::event::{Change, ErrorInfo, Event, StepState};
use crate::core::http::HttpRequest;
use crate::core::plan::{Claim, Mode, Plan, Step};
use crate::core::webhook::answered;
use crate::facts::backups::{self, BackupManifest};
use crate::facts::{self, Facts};
use crate::host::alert_spool::AlertSpool;
use crate::host::figures::Figures;
use crate::host::journal::TIMER;
use crate::host::lock;
use crate::host::own::{ALERT_SETTINGS, WATCH_UNIT};
use crate::host::profile;
use crate::host::system::System;
use crate::planner::alerts::AlertSettings;
use crate::task::Task;
use crate::task::probe::{Ask, Probe, Recurrence, Unit};

/// Before a bad answer counts it is asked once more: a restart, a burst of requests are over then.
const CONFIRMED_AFTER: Duration = Duration::from_secs(20);
/// A look that takes longer is told as a failure of its own unit.
const WITHIN: Duration = Duration::from_mins(4);
/// What costs too much to be asked each time.
const COSTLY: Recurrence = Recurrence {
    every_min: 60,
    looks: 1,
};
/// Whoever changes the host for longer than this does not keep it from telling.
const EXCUSED: time::Duration = time::Duration::hours(1);

/// A row of the checklist that was asked, and what was wrong.
struct CheckAnswer {
    name: String,
    fault: Option<String>,
    watch: Recurrence,
}

/// Looks once, and tells what changed.
///
/// # Errors
/// E0472 without settings; else what kept it from looking or from remembering.
pub async fn look(tell: &mut impl FnMut(Event)) -> Result<()> {
    let system = profile::on(System::host())?;
    let settings = settings(&system)?;
    let looked = tokio::time::timeout(WITHIN, at_all(&system, &settings));
    let seconds = WITHIN.as_secs();
    let steps = looked.await.map_err(|_| {
        Fault::new(
            Code::E0405,
            format!("the host did not answer its own checks within {seconds} s"),
        )
    })??;
    told::changes(&system, &settings, &rows(&steps), tell).await?;
    keep_samples(&system, &steps, tell).await;
    beat(&settings, tell).await;
    Ok(())
}

/// A unit failed. What the checklist asks about anyway is looked at as a whole: one failure has one notice.
///
/// # Errors
/// As of `look`.
pub async fn failed(unit: &str, tell: &mut impl FnMut(Event)) -> Result<()> {
    let system = profile::on(System::host())?;
    let settings = settings(&system)?;
    let is_slot = unit.starts_with(&format!("{}@", system.app().name));
    // Which slot serves says the host; no other question about a unit needs it, and a storm of failures must cost little.
    let facts = if is_slot {
        facts::gather(&system).await?
    } else {
        Facts::default()
    };
    let steps = settings.steps(system.app(), &facts)?;
    if steps.iter().any(|step| asks_about(step, unit)) {
        return look(tell).await;
    }
    if is_slot {
        // The slot that does not serve is for a deploy to try, which tells whoever started it.
        return Ok(());
    }
    let failure = told::failure_of(&system, unit).await?;
    let mut spool = AlertSpool::take(&system)?;
    spool
        .ledger()
        .failed(unit, &failure.text, &failure.invocation, now());
    spool.save().await?;
    told::changes(&system, &settings, &rows(&steps), tell).await
}

/// Sends one notice to everybody, through the very unit that real ones take.
///
/// # Errors
/// As of `look`; what was not taken is kept for whoever asked.
pub async fn test(id: &str) -> Result<()> {
    let system = System::host();
    let settings = settings(&system)?;
    let mut trial = Teller::of(&system, &settings).test(id).await;
    if let Some(url) = &settings.heartbeat {
        match answered(&HttpRequest::get(url.reveal())).await {
            Ok(()) => trial.taken.push("the heartbeat".to_owned()),
            Err(why) => trial.refused.push(format!("the heartbeat {why}")),
        }
    }
    let mut spool = AlertSpool::take(&system)?;
    spool.keep_trial(trial);
    spool.save().await
}

fn settings(system: &System) -> Result<AlertSettings> {
    let absent = || {
        Fault::new(
            Code::E0472,
            format!("{ALERT_SETTINGS} does not exist or cannot be read"),
        )
        .hint("`citrino-ops converge` writes it")
    };
    let text = system.read(ALERT_SETTINGS)?.ok_or_else(absent)?;
    serde_json::from_slice(&text).with_context(absent)
}

/// What the disks hold now. A disk that takes nothing is told by another row.
async fn keep_samples(system: &System, steps: &[Step<Task>], tell: &mut impl FnMut(Event)) {
    for step in steps {
        if let Task::Probe(Probe {
            ask: Ask::DiskForecast(forecast),
            ..
        }) = &step.task
            && let Err(error) = forecast.keep(system).await
        {
            tell(Event::note(format!("{error:#}")));
        }
    }
}

/// What the answers so far and the facts are in figures.
fn figures(system: &System, steps: &[Step<Task>], facts: &Facts) -> Result<Figures> {
    let mut spool = AlertSpool::take(system)?;
    let ledger = spool.ledger();
    let checks = steps.iter().map(|step| step.name.clone());
    let backups = &facts.backups;
    let made = |backup: &BackupManifest| backups::at(&backup.at).unix_timestamp();
    let mut proven = backups.whole.iter();
    let live = format!("{}/live", system.app().folder);
    let since = system.stat(live)?.map(|live| live.modified);
    let since = since.map(|since| OffsetDateTime::from(since).unix_timestamp());
    let certificate = facts.certificate.live.as_ref();
    Ok(Figures {
        checks: checks
            .map(|name| (!ledger.is_bad(&name), name))
            .map(|(is_well, name)| (name, is_well))
            .collect(),
        checked: now(),
        backup: backups.whole.first().map(made),
        backup_proven: proven
            .find(|backup| backups.proofs.contains_key(&backup.name))
            .map(made),
        certificate_end: certificate.map(|live| live.leaf.ends.unix_timestamp()),
        release: facts.app.live_release().map(str::to_owned).zip(since),
        is_maintenance: facts.maintenance.is_some(),
    })
}

/// Asks what is due, and remembers the answers. Gives the whole checklist.
async fn at_all(system: &System, settings: &AlertSettings) -> Result<Vec<Step<Task>>> {
    let facts = facts::gather(system).await?;
    let steps = settings.steps(system.app(), &facts)?;
    let mut spool = AlertSpool::take(system)?;
    let ledger = spool.ledger();
    let names: BTreeSet<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    ledger.keep_rows(|name| names.contains(name));
    let is_due = |step: &&Step<Task>| {
        let within = i64::from(watch_of(step).every_min) * 60 - 60;
        ledger.is_bad(&step.name) || !ledger.was_looked_at(&step.name, within, now())
    };
    let due: Vec<Step<Task>> = steps.iter().filter(is_due).cloned().collect();
    let was_bad: Vec<bool> = due.iter().map(|step| ledger.is_bad(&step.name)).collect();
    // Whoever else has something to tell must not wait for the answers.
    spool.save().await?;
    let mut answers = ask(system, settings, due.clone()).await?;
    confirm(system, settings, &due, &was_bad, &mut answers).await?;
    // What is part of a failure that is certain is told with it.
    let is_certain = answers
        .iter()
        .any(|it| it.fault.is_some() && it.watch.looks <= 1);
    let is_excused = facts.maintenance.is_some() || is_excused(system)?;
    let units = told::units(system, &AlertSpool::take(system)?.ledger().units_down()).await?;
    let mut spool = AlertSpool::take(system)?;
    for answer in answers
        .iter()
        .filter(|it| it.fault.is_none() || !is_excused)
    {
        let looks = match answer.watch.looks {
            0..=2 if is_certain => 1,
            looks => looks,
        };
        let fault = answer.fault.as_deref();
        spool.ledger().looked(&answer.name, fault, looks, now());
    }
    for unit in units.iter().map(String::as_str).chain([WATCH_UNIT]) {
        spool.ledger().recovered(unit, now());
    }
    spool.save().await?;
    if settings.figures {
        figures(system, &steps, &facts)?.write(system).await?;
    }
    Ok(steps)
}

/// Bad answers that are new are asked for once more.
async fn confirm(
    system: &System,
    settings: &AlertSettings,
    due: &[Step<Task>],
    was_bad: &[bool],
    answers: &mut [CheckAnswer],
) -> Result<()> {
    let is_new = |index: &usize| answers[*index].fault.is_some() && !was_bad[*index];
    let new: Vec<usize> = (0..answers.len()).filter(is_new).collect();
    if new.is_empty() {
        return Ok(());
    }
    tokio::time::sleep(CONFIRMED_AFTER).await;
    let again = new.iter().map(|index| due[*index].clone()).collect();
    for (index, answer) in new.into_iter().zip(ask(system, settings, again).await?) {
        answers[index] = answer;
    }
    Ok(())
}

/// One answer for each step, in order.
async fn ask(
    system: &System,
    settings: &AlertSettings,
    steps: Vec<Step<Task>>,
) -> Result<Vec<CheckAnswer>> {
    let claim = Claim::new("watch", "scheduled health", TIMER).on_host(Some(settings.host.clone()));
    let plan = Plan::new(claim, steps).in_mode(Mode::Check);
    let mut answers = Vec::new();
    engine::run(&plan, system, &mut |event| {
        if let Event::Step {
            n,
            label,
            state,
            change,
            error,
            ..
        } = event
        {
            let watch = plan.steps.get(n.saturating_sub(1)).map_or(COSTLY, watch_of);
            let fault = fault(state, change, error);
            answers.push(CheckAnswer {
                name: label.name,
                fault,
                watch,
            });
        }
        Ok(())
    })
    .await?;
    Ok(answers)
}

/// What is wrong; none when nothing is.
fn fault(state: StepState, change: Option<Change>, error: Option<ErrorInfo>) -> Option<String> {
    match state {
        StepState::Same | StepState::Changed => None,
        StepState::Differs => Some(change.unwrap_or_default().what.join("\n")),
        StepState::Failed => Some(error.map_or_else(String::new, |error| error.message)),
    }
}

fn watch_of(step: &Step<Task>) -> Recurrence {
    match &step.task {
        Task::Probe(probe) => probe.watch,
        _ => COSTLY,
    }
}

fn asks_about(step: &Step<Task>, unit: &str) -> bool {
    matches!(&step.task, Task::Probe(Probe { ask: Ask::Unit(Unit { name }), .. }) if name == unit)
}

/// The rows of the checklist in order, and whether each is about mail.
fn rows(steps: &[Step<Task>]) -> Vec<(String, bool)> {
    let is_about_mail = |step: &Step<Task>| {
        matches!(
            &step.task,
            Task::Probe(Probe {
                ask: Ask::MailWaits(_),
                ..
            })
        )
    };
    let rows = steps.iter();
    rows.map(|step| (step.name.clone(), is_about_mail(step)))
        .collect()
}

/// Whether an operator changes the host right now, who sees for himself what becomes of it.
fn is_excused(system: &System) -> Result<bool> {
    let Some(holder) = lock::holder_now(system)? else {
        return Ok(false);
    };
    let is_young = holder
        .began()
        .is_some_and(|began| OffsetDateTime::now_utc() - began < EXCUSED);
    Ok(is_young && !holder.who.starts_with(TIMER))
}

/// Tells somebody else that this host lives. That nobody hears it is for that one to notice.
async fn beat(settings: &AlertSettings, tell: &mut impl FnMut(Event)) {
    let Some(url) = &settings.heartbeat else {
        return;
    };
    if let Err(why) = answered(&HttpRequest::get(url.reveal())).await {
        tell(Event::note(format!("the heartbeat {why}")));
    }
}
