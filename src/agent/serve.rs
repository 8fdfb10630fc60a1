//! The host's side of a run: facts out, plan in, events out. It knows no YAML and no templates.
//!
//! Once it applies, it needs nobody: it ignores a hang-up, writes its journal before it speaks,
//! and finishes or undoes the plan whether or not anyone listens.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Stdin};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use super::event_writer::EventWriter;
use super::operator_input::OperatorInput;
use super::{attach, described, unfinished};

use super::record::AuditRecord;
use super::unfinished::Work;
use crate::agent::guard::{self, Guard};
use crate::core::audit::{AuditAction, AuditEntry, Head};
use crate::core::engine;
use crate::core::error::{Code, Fault, error_info};
use crate::core::event::{Counts, Event, RunPoint, Side, StepState};
use crate::core::outage::{self, Watch};
use crate::core::plan::{Claim, Mode, Plan};
use crate::core::value::{Sha256, ToolVersion};
use crate::facts::{self, patch_base};
use crate::host::audit;
use crate::host::journal::{self, Journal};
use crate::host::lock;
use crate::host::own;
use crate::host::profile;
use crate::host::stack_key;
use crate::host::system::System;
use crate::protocol::{AuditDelta, FromAgent, ToAgent};
use crate::storage::blob;
use crate::task::Task;

/// The folders in which the agent keeps its own files.
const OWN: [&str; 4] = [own::STATE, own::BLOBS, own::STAMPS, own::GUARD];

/// Speaks the protocol on stdin and stdout until a plan has run or stdin ends.
///
/// # Errors
/// What could not even be told to the other side; all else goes there as `Stop`.
pub async fn serve() -> Result<()> {
    let writer = EventWriter::start();
    if let Err(error) = converse(&writer).await {
        writer.say(FromAgent::Stop(error_info(&error)));
    }
    writer.finish();
    Ok(())
}

async fn converse(writer: &EventWriter) -> Result<()> {
    let mut input = BufReader::new(std::io::stdin());
    let system = &host(&mut input)?;
    let facts = facts::gather(system).await?;
    writer.say(FromAgent::Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        facts: Box::new(facts),
    });
    match listen(system, writer, &mut input).await? {
        None => Ok(()),
        Some(Wanted::Check(plan)) => check(system, writer, &plan).await,
        Some(Wanted::Attach) => attach::follow(system, writer, &OperatorInput::open(input)).await,
        Some(Wanted::Work(order, seen)) => {
            apply(
                system,
                writer,
                order,
                seen.as_ref(),
                &OperatorInput::open(input),
            )
            .await
        }
    }
}

/// This host, with the app that the operator's side tells of in its first line. Where nobody says anything, the host knows
/// it itself.
fn host(input: &mut impl BufRead) -> Result<System> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return profile::on(System::host());
    }
    match serde_json::from_str(&line).context("the operator's side sent an unknown message")? {
        ToAgent::Profile(app) => Ok(System::host().with_app(*app)),
        _ => bail!("the operator's side did not say which app this is about"),
    }
}

/// What the operator's side wants.
enum Wanted {
    Check(Box<Plan<Task>>),
    /// The operator's side has seen the audit up to that head.
    Work(RunOrder, Option<Head>),
    /// To hear the run that is under way.
    Attach,
}

/// What it wants done.
enum RunOrder {
    Run(Box<Plan<Task>>),
    /// End the run that was cut off.
    Resume(Claim),
    /// Undo it.
    Abort(Claim),
}

/// Takes blobs in until an order comes; `None` when stdin ends before one.
async fn listen(
    system: &System,
    writer: &EventWriter,
    input: &mut BufReader<Stdin>,
) -> Result<Option<Wanted>> {
    let mut line = String::new();
    let mut base = None;
    let mut seen = None;
    let wanted = loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match serde_json::from_str(&line).context("the operator's side sent an unknown message")? {
            ToAgent::Offer { blobs, bases } => {
                let missing: Vec<Sha256> = blobs
                    .into_iter()
                    .filter_map(|address| match blob::present(system, &address) {
                        Ok(true) => None,
                        Ok(false) => Some(Ok(address)),
                        Err(error) => Some(Err(error)),
                    })
                    .collect::<Result<_>>()?;
                if !missing.is_empty() {
                    base = patch_base::base(system, &bases)?;
                }
                writer.say(FromAgent::Missing {
                    blobs: missing,
                    base: base.as_ref().map(|base| base.sha256.clone()),
                });
            }
            ToAgent::Blob {
                sha256,
                bytes,
                packed_bytes,
                patch,
            } => {
                let mut packed = vec![0; packed_bytes];
                input.read_exact(&mut packed)?;
                let base = base.as_ref().filter(|_| patch);
                let base = base.map_or(&[][..], |base| &base.bytes);
                blob::store(system, &sha256, &packed, base, bytes).await?;
            }
            ToAgent::Disarm { run, by } => {
                guard::disarm(system, &run, &by).await?;
                tell_audit(system, writer, seen.as_ref())?;
                writer.say(FromAgent::Disarmed);
            }
            ToAgent::Session { stack, by, command } => {
                note_session(system, &stack, &by, command)?;
                tell_audit(system, writer, seen.as_ref())?;
                writer.say(FromAgent::Noted);
            }
            ToAgent::StackKey => writer.say(FromAgent::StackKey(stack_key::read(system)?)),
            ToAgent::Describe(release) => {
                let said = described::migrations(system, &release).await?;
                writer.say(FromAgent::Described(said));
            }
            ToAgent::Mirror(head) => seen = Some(head),
            ToAgent::Audit(head) => tell_audit(system, writer, Some(&head))?,
            ToAgent::Run(plan) if plan.mode == Mode::Check => break Wanted::Check(plan),
            ToAgent::Run(plan) => break Wanted::Work(RunOrder::Run(plan), seen),
            ToAgent::Resume(claim) => break Wanted::Work(RunOrder::Resume(claim), seen),
            ToAgent::Abort(claim) => break Wanted::Work(RunOrder::Abort(claim), seen),
            ToAgent::Attach => break Wanted::Attach,
            ToAgent::Halt | ToAgent::Begin | ToAgent::Heard | ToAgent::Profile(_) => {}
        }
    };
    Ok(Some(wanted))
}

/// Before the session begins: who has worked on the host cannot take that out again.
fn note_session(system: &System, stack: &str, by: &Claim, command: String) -> Result<()> {
    let deed = AuditEntry {
        did: AuditAction::Session,
        command: Some(command),
        ..AuditEntry::default()
    };
    audit::write(system, stack, by, deed)
}

async fn check(system: &System, writer: &EventWriter, plan: &Plan<Task>) -> Result<()> {
    let system = &system.foreseeing();
    engine::run(plan, system, &mut |event| {
        foresee(system, plan, &event);
        writer.say(FromAgent::Event(Box::new(event)));
        Ok(())
    })
    .await?;
    Ok(())
}

/// What a step would leave is known to those after it.
fn foresee(system: &System, plan: &Plan<Task>, event: &Event) {
    let Event::Step {
        n,
        state: StepState::Differs,
        ..
    } = event
    else {
        return;
    };
    if let Some(step) = n.checked_sub(1).and_then(|index| plan.steps.get(index)) {
        step.task.foresee(system);
    }
}

async fn apply(
    system: &System,
    writer: &EventWriter,
    order: RunOrder,
    seen: Option<&Head>,
    input: &OperatorInput,
) -> Result<()> {
    let _lock = match lock::take(system, &claim_of(&order))? {
        Ok(lock) => lock,
        Err(holder) => {
            writer.say(FromAgent::Locked(holder));
            return Ok(());
        }
    };
    if !passes_freeze(&order) {
        lock::refuse_while_frozen(system)?;
    }
    guard::refuse_while_armed(system)?;
    // Who holds it was written as it was taken.
    let begun = system
        .stat(own::LOCK)?
        .context("the lock is gone")?
        .modified;
    let way = way_of(&order);
    let work = work_of(system, order)?;
    let plan = &work.plan;
    wait_to_begin(plan, writer, input)?;
    tidy(system, plan)?;
    // Taking the signals in is what ignores them: a cut connection must not stop the host half-way.
    let _hangup = signal(SignalKind::hangup())?;
    let _terminate = signal(SignalKind::terminate())?;
    unfinished::keep(system, plan).await?;
    keep_version(system, plan).await?;
    let mut journal = Journal::open(system)?;
    let mut record = AuditRecord::begin(system, plan, way)?;
    let mut tell = |event: Event| {
        journal.keep(&event)?;
        record.hear(&event)?;
        if matches!(event, Event::End { .. }) {
            tell_audit(system, writer, seen)?;
        }
        writer.say(FromAgent::Event(Box::new(event)));
        Ok(())
    };
    let guard = Guard::of(plan);
    let tally = watched(system, &work, &guard, input, &mut tell).await?;
    unfinished::forget(system)?;
    guard.ended(system).await?;
    keep_time(system, plan, tally).await?;
    let beside = Duration::from_secs(plan.waits.after_s.unwrap_or_default().into());
    if input.heard(beside) {
        let point = RunPoint::of(plan);
        journal.keep(&Event::Heard { point })?;
    }
    if tally.failed == 0 {
        // What was made from them has its own copy.
        for address in plan.steps.iter().filter_map(|step| step.task.blob()) {
            blob::forget(system, address)?;
        }
        // Nobody asks any more for what runs before this one left; what others sent meanwhile stays.
        blob::forget_until(system, begun)?;
    }
    Ok(())
}

/// Takes away what a killed run left half made in the places of this one.
fn tidy(system: &System, plan: &Plan<Task>) -> Result<()> {
    let steps = plan.steps.iter().chain(&plan.on_failure);
    let places: BTreeSet<&Path> = steps.filter_map(|step| step.task.folder()).collect();
    let backups = system.app().backups();
    let own = OWN.map(Path::new).into_iter().chain([Path::new(&backups)]);
    for folder in places.into_iter().chain(own) {
        system.sweep(folder)?;
    }
    Ok(())
}

/// Only a change of release has a point of no return; how long the last one took is what the next is
/// expected to take.
async fn keep_time(system: &System, plan: &Plan<Task>, tally: Counts) -> Result<()> {
    let went_over = tally.changed > 0 && tally.failed + tally.skipped == 0;
    if plan.no_return.is_none() || !went_over {
        return Ok(());
    }
    let text = format!("{}\n", tally.took_ms);
    system
        .write_atomic(own::SWITCHED, text.as_bytes(), 0o644, None, &[])
        .await
}

/// Written before the first step: a run that is cut off half-way has put some of this version there.
async fn keep_version(system: &System, plan: &Plan<Task>) -> Result<()> {
    if !plan.converges {
        return Ok(());
    }
    let text = format!("{}\n", ToolVersion::own());
    system
        .write_atomic(own::CONVERGED, text.as_bytes(), 0o644, None, &[])
        .await
}

/// Tells what is new in the audit since it was seen by the operator's side, when that side has said so.
fn tell_audit(system: &System, writer: &EventWriter, seen: Option<&Head>) -> Result<()> {
    let Some(seen) = seen else { return Ok(()) };
    let bytes = audit::since(system, seen)?;
    writer.say(FromAgent::Audit(AuditDelta::of(bytes.as_deref())?));
    Ok(())
}

/// Runs the plan, and asks meanwhile what users ask.
async fn watched(
    system: &System,
    work: &Work,
    guard: &Guard<'_>,
    input: &OperatorInput,
    tell: &mut impl FnMut(Event) -> Result<()>,
) -> Result<Counts> {
    let plan = &work.plan;
    let mut watch = Watch::begin(Side::Host, &plan.watch, outage::ON_HOST);
    let halted = || work.turned_back || input.halted();
    engine::run_unless(&guard.plan(), system, &halted, &mut |event| {
        if guard.is_idle(&event) {
            return Ok(());
        }
        if matches!(event, Event::End { .. })
            && let Some(watch) = watch.take()
            && let Some(outage) = watch.end()?
        {
            let point = RunPoint::of(plan);
            tell(Event::Outage { point, outage })?;
        }
        tell(event)
    })
    .await
}

/// The operator's own programs run under the lock, before anything is changed. A connection that is lost meanwhile is a no.
fn wait_to_begin(plan: &Plan<Task>, writer: &EventWriter, input: &OperatorInput) -> Result<()> {
    let Some(seconds) = plan.waits.before_s else {
        return Ok(());
    };
    writer.say(FromAgent::Ready);
    if input.may_begin(Duration::from_secs(seconds.into())) {
        return Ok(());
    }
    let message = "the operator's side did not let the run begin";
    Err(Fault::new(Code::E0528, message)
        .hint("nothing was changed; run the command again")
        .into())
}

/// To end or to undo a run that was cut off is a change like any other.
fn passes_freeze(order: &RunOrder) -> bool {
    match order {
        RunOrder::Run(plan) => plan.in_freeze,
        RunOrder::Resume(_) | RunOrder::Abort(_) => false,
    }
}

fn claim_of(order: &RunOrder) -> Claim {
    match order {
        RunOrder::Run(plan) => Claim::of(plan),
        RunOrder::Resume(claim) | RunOrder::Abort(claim) => claim.clone(),
    }
}

fn way_of(order: &RunOrder) -> AuditAction {
    match order {
        RunOrder::Run(_) => AuditAction::Begun,
        RunOrder::Resume(_) => AuditAction::Resumed,
        RunOrder::Abort(_) => AuditAction::Aborted,
    }
}

/// What the order means on this host, when it still fits it.
fn work_of(system: &System, order: RunOrder) -> Result<Work> {
    let last = journal::last_run(system)?;
    let (mut work, claim) = match order {
        RunOrder::Run(plan) => {
            if last.map(|last| last.seen()) != plan.after {
                return Err(Fault::new(Code::E0508, "another run changed the host after its state was read, so nothing of this plan was done")
                    .hint("run the command again")
                    .into());
            }
            return Ok(Work {
                plan: *plan,
                turned_back: false,
            });
        }
        RunOrder::Resume(claim) => (unfinished::rest(system, last.as_ref())?, claim),
        RunOrder::Abort(claim) => (unfinished::way_back(system, last.as_ref())?, claim),
    };
    work.plan.who = claim.who;
    // One that an earlier version kept does not say it.
    work.plan.host = claim.host.or(work.plan.host);
    Ok(work)
}
