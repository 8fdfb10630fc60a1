//! The dead man's switch (docs/decisions/0010-dead-mans-switch.md). Before the first guarded step of
//! a plan changes anything, what all of them may change is written down as ordinary wishes, and
//! systemd is told to make them so. Only who comes back over a fresh connection calls that off.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::record::AuditRecord;
use crate::core::audit::{AuditAction, AuditEntry};
use crate::core::engine::{self, CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::event::Counts;
use crate::core::plan::{Claim, Plan, Purpose};
use crate::host::armed::{ARMED, Armed, FOLDER};
use crate::host::audit;
use crate::host::journal::{self, Journal};
use crate::host::lock;
use crate::host::own::{
    GUARD_AT_BOOT as AT_BOOT, GUARD_BINARY as BINARY, GUARD_UNIT as UNIT, GUARD_WANTED as WANTED,
    WAY_BACK,
};
use crate::host::profile;
use crate::host::sandbox;
use crate::host::system::{Cmd, System};
use crate::storage::blob;
use crate::task::Task;

mod before;

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
}

/// A task; a guarded one arms the switch before it changes anything.
pub struct Guarded<'g> {
    task: &'g Task,
    guard: Option<&'g Guard<'g>>,
}

impl<'p> Guard<'p> {
    pub fn of(plan: &'p Plan<Task>) -> Self {
        Self {
            plan,
            armed: Cell::new(false),
        }
    }

    /// The same plan, whose guarded steps arm the switch.
    pub fn plan(&self) -> Plan<Guarded<'_>> {
        self.plan.map(|step| Guarded {
            task: &step.task,
            guard: step.guard.then_some(self),
        })
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

    async fn arm(&self, system: &System) -> Result<()> {
        let Some(within_s) = self.plan.guard_s.filter(|_| !self.armed.get()) else {
            return Ok(());
        };
        arm(system, self.plan, within_s).await.map_err(|error| {
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
        self.armed.set(true);
        Ok(())
    }
}

impl Wish<System> for Guarded<'_> {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        self.task.check(system).await
    }

    async fn apply(&self, system: &System) -> Result<()> {
        if let Some(guard) = self.guard {
            guard.arm(system).await?;
        }
        self.task.apply(system).await
    }
}

/// The file that says so comes last: a timer that finds none does nothing.
async fn arm(system: &System, plan: &Plan<Task>, within_s: u64) -> Result<()> {
    system.make_folders(FOLDER)?;
    take_away(system)?;
    let armed = Armed::by(system, plan, within_s)?;
    let back = Plan::new(
        Claim::new(armed.way_back(), journal::WAY_BACK, &plan.who).on_host(plan.host.clone()),
        before::steps(system, plan).await?,
    )
    .of_stack(&plan.stack)
    .purpose(Purpose::WayBack);
    let text = serde_json::to_vec(&back)?;
    system
        .write_atomic(WAY_BACK, &text, 0o600, None, &[])
        .await?;
    system.copy_running(BINARY)?;
    at_boot(system).await?;
    stop(system).await?;
    system.run(&timer(within_s)).await?.success()?;
    armed.write(system).await
}

fn timer(within_s: u64) -> Cmd {
    let mut argv: Vec<String> = [
        "systemd-run",
        "--quiet",
        "--collect",
        "--timer-property=AccuracySec=1s",
        "--property=Type=exec",
        "--property=TimeoutStartSec=1min",
        "--property=Restart=on-failure",
        "--property=RestartSec=1",
        "--property=StartLimitIntervalSec=0",
    ]
    .map(str::to_owned)
    .into();
    argv.push(format!("--unit={UNIT}"));
    argv.push(format!("--on-active={within_s}"));
    argv.extend(limits().map(|property| format!("--property={property}")));
    argv.extend([BINARY, "guard"].map(str::to_owned));
    Cmd::new(argv)
}

/// What the switch cannot do, whatever the plan on the host's disk says.
fn limits() -> impl Iterator<Item = &'static str> {
    let all = sandbox::HARDENING.iter().chain(&sandbox::OF_THE_SWITCH);
    all.copied()
}

/// What starts at the next boot is read from disk then: systemd need not be told now.
async fn at_boot(system: &System) -> Result<()> {
    let limits = limits().collect::<Vec<_>>().join("\n");
    let unit = format!(
        "[Unit]\nDescription=citrino-ops reverts changes that nobody confirmed\nConditionPathExists={ARMED}\nAfter=ssh.service ufw.service nginx.service\n\n[Service]\nType=exec\nTimeoutStartSec=1min\nExecStart={BINARY} guard\nRestart=on-failure\nRestartSec=1\n{limits}\n"
    );
    if system.read_text(AT_BOOT)?.as_deref() != Some(&unit) {
        system
            .write_atomic(AT_BOOT, unit.as_bytes(), 0o644, None, &[])
            .await?;
    }
    if system.stat(WANTED)?.is_none() {
        if let Some(folder) = Path::new(WANTED).parent() {
            system.make_folders(folder)?;
        }
        system.write_link(WANTED, Path::new(AT_BOOT))?;
    }
    Ok(())
}

/// Stops timer and service. That one of them is not there is no error.
async fn stop(system: &System) -> Result<()> {
    let units = [format!("{UNIT}.timer"), format!("{UNIT}.service")];
    for unit in units {
        system.run(&Cmd::new(["systemctl", "stop", &unit])).await?;
    }
    Ok(())
}

/// Takes away what the switch had on disk; that it was armed goes first.
fn take_away(system: &System) -> Result<()> {
    system.remove(ARMED)?;
    if let Some(text) = system.read(WAY_BACK)? {
        // One that cannot be read has no content that anybody could ask for.
        if let Ok(plan) = serde_json::from_slice::<Plan<Task>>(&text) {
            for address in plan.steps.iter().filter_map(|step| step.task.blob()) {
                blob::forget(system, address)?;
            }
        }
    }
    for path in [WAY_BACK, BINARY, before::RELOADED] {
        system.remove(path)?;
    }
    Ok(())
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

fn way_back(system: &System) -> Result<Plan<Task>> {
    let text = system
        .read(WAY_BACK)?
        .with_context(|| format!("{WAY_BACK} does not exist"))?;
    serde_json::from_slice(&text).with_context(|| format!("{WAY_BACK} cannot be read"))
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
