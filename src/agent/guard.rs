//! The dead man's switch (docs/decisions/0010-dead-mans-switch.md). Before the first guarded step of
//! a plan changes anything, what all of them may change is written down as ordinary wishes, and
//! systemd is told to make them so. Only who comes back over a fresh connection calls that off.

use std::cell::{Cell, RefCell};
use std::ptr;
use std::time::Duration;

use anyhow::Result;

use super::record::AuditRecord;
use crate::core::audit::{AuditAction, AuditEntry};
use crate::core::engine::{self, CheckResult, Wish};
use crate::core::error::{Code, Fault, code};
use crate::core::event::{Counts, Event};
use crate::core::plan::{Claim, Plan, Step};
use crate::host::armed::{Armed, REVERT};
use crate::host::audit;
use crate::host::journal::Journal;
use crate::host::lock;
use crate::host::profile;
use crate::host::system::System;
use crate::task::Task;

mod before;
mod switch;

use before::WayBackSteps;
use switch::{stop, take_away, way_back};

/// How often a host that could not be put back whole is tried again: programs fail for a moment.
const TRIES: usize = 3;
const BETWEEN_TRIES: Duration = Duration::from_secs(5);
/// Between two looks at what may change any moment.
const PAUSE: Duration = Duration::from_millis(200);
/// How long disarming waits for a run that is about to end.
const IDLE_WITHIN: Duration = Duration::from_secs(15);

/// The switch of one run.
pub struct Guard<'p> {
    plan: &'p Plan<Task>,
    armed: Cell<bool>,
    before: RefCell<WayBackSteps>,
    /// A guarded step has failed: then nobody has to be waited for.
    failed: Cell<bool>,
}

/// A task; a guarded one arms the switch before it changes anything. The undo of a plan that has any ends with what reverts
/// them, when one of them has failed.
pub enum Guarded<'g> {
    Free(&'g Task),
    Guards {
        task: &'g Task,
        index: usize,
        guard: &'g Guard<'g>,
        /// Whether it was applied: what still differs then is a failure.
        applied: Cell<bool>,
    },
    Revert(&'g Guard<'g>),
}

impl<'p> Guard<'p> {
    pub fn of(plan: &'p Plan<Task>) -> Self {
        Self {
            plan,
            armed: Cell::new(false),
            before: RefCell::default(),
            failed: Cell::new(false),
        }
    }

    /// The same plan, whose guarded steps arm the switch.
    pub fn plan(&self) -> Plan<Guarded<'_>> {
        let mut plan = self.plan.map(|step| {
            let task = &step.task;
            let mut steps = self.plan.steps.iter();
            let index = steps.position(|own| step.guard && ptr::eq(own, step));
            let Some(index) = index else {
                return Guarded::Free(task);
            };
            Guarded::Guards {
                task,
                index,
                guard: self,
                applied: Cell::new(false),
            }
        });
        if self.plan.guard_s.is_some() {
            let revert = Step::new("guard", "revert guarded changes", Guarded::Revert(self));
            plan.on_failure.push(revert.with_id(REVERT));
        }
        plan
    }

    /// Notes that a guarded step could not be; before anything was changed there is nothing to revert.
    fn has_failed(&self, has: bool) {
        self.failed
            .set(self.failed.get() || (has && self.armed.get()));
    }

    /// Whether something was changed that a step could not be run with.
    fn has_to_revert(&self) -> bool {
        self.armed.get() && self.failed.get()
    }

    /// Whether an event tells of the revert where there is nothing to revert.
    pub fn is_idle(&self, event: &Event) -> bool {
        match event {
            Event::Begin { label, .. } | Event::Step { label, .. } => {
                label.id == REVERT && !self.failed.get()
            }
            _ => false,
        }
    }

    /// What the switch would do when its time has come, at once.
    ///
    /// # Errors
    /// E0512 with what could not be reverted.
    async fn revert(&self, system: &System) -> Result<()> {
        let plan = way_back(system)?;
        let mut left = None;
        for _ in 0..TRIES {
            left = engine_failure(system, &plan).await?;
            if left.is_none() {
                break;
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        take_away(system)?;
        stop(system).await?;
        self.armed.set(false);
        match left {
            None => Ok(()),
            Some(why) => Err(Fault::new(Code::E0512, why)
                .hint("run `citrino-ops converge` with what citrino.yml said before")
                .into()),
        }
    }

    /// The run has ended: from now on somebody must come back in time.
    ///
    /// # Errors
    /// When that cannot be written; then the time counts from the arming.
    pub async fn ended(&self, system: &System) -> Result<()> {
        if !self.armed.get() {
            return Ok(());
        }
        match Armed::read(system)? {
            Some(armed) => armed.begin_anew(system).await,
            None => Ok(()),
        }
    }

    /// Before the guarded step at this index changes anything: it is known how to revert it, and the switch is armed.
    async fn arm(&self, system: &System, index: usize) -> Result<()> {
        let Some(within_s) = self.plan.guard_s else {
            return Ok(());
        };
        let armed = self.note(system, within_s, index).await;
        armed.map_err(|error| {
            Fault::new(
                Code::E0514,
                format!(
                    "the dead man's switch could not be armed, so the step did not run: {error:#}"
                ),
            )
            .hint(
                "act on the message and run the command again; the steps before this one are done",
            )
        })?;
        Ok(())
    }

    /// What can be noted from the start is: a step may change what a later one rests on. A place that is not safe yet may become so
    /// by the steps before its own, which notes it then.
    async fn note(&self, system: &System, within_s: u64, index: usize) -> Result<()> {
        let is_armed = self.armed.get();
        if is_armed && self.before.borrow().knows(index) {
            return Ok(());
        }
        let mut before = self.before.take();
        let steps = self.plan.steps.iter().enumerate();
        let steps = steps.filter(|(at, step)| step.guard && (*at == index || !is_armed));
        for (at, step) in steps {
            match before.note(system, at, &step.task).await {
                Err(error) if at != index && code(&error) == Code::E0409 => {}
                noted => noted?,
            }
        }
        let steps = before.steps();
        self.before.replace(before);
        if is_armed {
            return switch::write_way_back(system, self.plan, steps).await;
        }
        switch::arm(system, self.plan, within_s, steps).await?;
        self.armed.set(true);
        Ok(())
    }
}

/// Puts back what it can; gives the first step that could not be.
async fn engine_failure(system: &System, plan: &Plan<Task>) -> Result<Option<String>> {
    let mut first = None;
    engine::put_back(plan, system, &mut |event| {
        if let Event::Step {
            label,
            error: Some(error),
            ..
        } = event
        {
            first.get_or_insert(format!("{}: {}", label.name, error.message));
        }
        Ok(())
    })
    .await?;
    Ok(first)
}

impl Wish<System> for Guarded<'_> {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        match self {
            Self::Free(task) => task.check(system).await,
            Self::Guards {
                task,
                guard,
                applied,
                ..
            } => {
                let seen = task.check(system).await;
                let is_bad = match &seen {
                    Ok(seen) => applied.get() && seen.change.is_some(),
                    Err(_) => true,
                };
                guard.has_failed(is_bad);
                seen
            }
            Self::Revert(guard) if guard.has_to_revert() => Ok(CheckResult::differs(
                "what the guarded steps of this run changed is reverted",
            )),
            Self::Revert(_) => Ok(CheckResult::same()),
        }
    }

    async fn apply(&self, system: &System) -> Result<()> {
        match self {
            Self::Free(task) => task.apply(system).await,
            Self::Guards {
                task,
                index,
                guard,
                applied,
            } => {
                guard.arm(system, *index).await?;
                applied.set(true);
                let done = task.apply(system).await;
                guard.has_failed(done.is_err());
                done
            }
            Self::Revert(guard) => guard.revert(system).await,
        }
    }
}

/// Refuses another run while the switch is armed: what it would put back must not be built upon.
///
/// # Errors
/// E0513 when it is.
pub fn refuse_while_armed(system: &System) -> Result<()> {
    let Some(armed) = Armed::read(system)? else {
        return Ok(());
    };
    let left = armed.left(system)?.as_secs();
    Err(Fault::new(Code::E0513, format!(
            "the changes of {} by {} (started {}) will be reverted in {left} s, because nobody has connected yet to confirm that the host can be reached",
            armed.verb, armed.who, armed.since))
        .hint("run `citrino-ops converge`: if it reaches host and site, the changes are kept; or wait until they are reverted")
        .into())
}

/// Calls it off: the host was reached by a fresh connection after this run.
///
/// # Errors
/// E0512 when it is not armed by this run any more, E0504 while the run is still at work.
pub async fn disarm(system: &System, run: &str, by: &Claim) -> Result<()> {
    let begun = std::time::Instant::now();
    let (_lock, plan) = loop {
        let gone = || Fault::new(Code::E0512, "the dead man's switch is no longer armed");
        let armed = Armed::read(system)?
            .filter(|armed| armed.run == run)
            .ok_or_else(gone)?;
        let plan = way_back(system)?;
        match lock::take(system, &Claim::of(&plan))? {
            Ok(lock) => break (lock, plan),
            Err(holder) if begun.elapsed() > IDLE_WITHIN => {
                let message = format!(
                    "{} by {} is still running on the host, since {}",
                    holder.verb, armed.who, holder.since
                );
                return Err(Fault::new(Code::E0504, message).into());
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    };
    if Armed::read(system)?.is_none_or(|armed| armed.run != run) {
        return Err(Fault::new(Code::E0512, "the dead man's switch has just fired").into());
    }
    take_away(system)?;
    stop(system).await?;
    let claim = Claim {
        run: run.to_owned(),
        ..by.clone()
    };
    let deed = AuditEntry {
        did: AuditAction::Disarmed,
        ..AuditEntry::default()
    };
    audit::write(system, &plan.stack, &claim, deed)
}

/// This host. A profile that cannot be read must not keep it from being put back: only few of its steps ask for the app.
fn host() -> System {
    profile::on(System::host()).unwrap_or_else(|_| System::host())
}

/// What systemd starts: waits until it is due and nobody works on the host, and puts back.
///
/// # Errors
/// When nothing could be put back; systemd then starts it again.
pub async fn fire() -> Result<()> {
    let system = host();
    while let Some(armed) = Armed::read(&system)? {
        let left = armed.left(&system)?;
        if !left.is_zero() {
            // In short pieces: the run may end, or be heard, meanwhile.
            tokio::time::sleep(left.min(PAUSE)).await;
            continue;
        }
        let plan = way_back(&system)?;
        let Ok(_lock) = lock::take(&system, &Claim::of(&plan))? else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // The run that held the lock may have begun its time anew.
        match Armed::read(&system)? {
            Some(armed) if armed.left(&system)?.is_zero() => {}
            _ => continue,
        }
        for _ in 0..TRIES {
            if put_back(&system, &plan).await?.failed == 0 {
                break;
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        return take_away(&system);
    }
    Ok(())
}

/// Journal and audit must not keep it from helping: on a full disk it is told to nobody.
async fn put_back(system: &System, plan: &Plan<Task>) -> Result<Counts> {
    let mut journal = Journal::open(system).ok();
    let mut record = AuditRecord::begin(system, plan, AuditAction::Begun).ok();
    let kept = &mut |event| {
        if let Some(journal) = &mut journal {
            let _ = journal.keep(&event);
        }
        if let Some(record) = &mut record {
            let _ = record.hear(&event);
        }
        Ok(())
    };
    engine::put_back(plan, system, kept).await
}
