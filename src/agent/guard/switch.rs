//! The switch itself: what it has on disk, and the timer that fires it.

use std::path::Path;

use anyhow::{Context, Result};

use crate::core::plan::{Claim, Plan, Purpose, Step};
use crate::host::armed::{ARMED, Armed, FOLDER, way_back_of};
use crate::host::journal;
use crate::host::own::{
    self, GUARD_AT_BOOT as AT_BOOT, GUARD_BINARY as BINARY, GUARD_UNIT as UNIT,
    GUARD_WANTED as WANTED, WAY_BACK,
};
use crate::host::sandbox;
use crate::host::system::{Cmd, System};
use crate::storage::blob;
use crate::task::Task;

/// The file that says so comes last: a timer that finds none does nothing.
pub async fn arm(
    system: &System,
    plan: &Plan<Task>,
    within_s: u64,
    back: Vec<Step<Task>>,
) -> Result<()> {
    system.make_folders(FOLDER)?;
    take_away(system)?;
    let armed = Armed::by(system, plan, within_s)?;
    write_way_back(system, plan, back).await?;
    system.copy_running(BINARY)?;
    at_boot(system).await?;
    stop(system).await?;
    system.run(&timer(within_s)).await?.success()?;
    armed.note_boot(system).await?;
    armed.write(system).await
}

/// Writes down what reverts a plan.
pub async fn write_way_back(
    system: &System,
    plan: &Plan<Task>,
    steps: Vec<Step<Task>>,
) -> Result<()> {
    let run = way_back_of(&plan.run);
    let claim = Claim::new(run, journal::WAY_BACK, &plan.who).on_host(plan.host.clone());
    let back = Plan::new(claim, steps)
        .of_stack(&plan.stack)
        .purpose(Purpose::WayBack);
    let text = serde_json::to_vec(&back)?;
    system.write_atomic(WAY_BACK, &text, 0o600, None, &[]).await
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
        "[Unit]\nDescription=citrino-ops reverts changes that nobody confirmed\nConditionPathExists={ARMED}\nAfter=ssh.service ufw.service postgresql.service nginx.service\n\n[Service]\nType=exec\nTimeoutStartSec=1min\nExecStart={BINARY} guard\nRestart=on-failure\nRestartSec=1\n{limits}\n"
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
pub async fn stop(system: &System) -> Result<()> {
    let units = [format!("{UNIT}.timer"), format!("{UNIT}.service")];
    for unit in units {
        system.run(&Cmd::new(["systemctl", "stop", &unit])).await?;
    }
    Ok(())
}

/// Takes away what the switch had on disk; that it was armed goes first.
pub fn take_away(system: &System) -> Result<()> {
    system.remove(ARMED)?;
    if let Some(text) = system.read(WAY_BACK)? {
        // One that cannot be read has no content that anybody could ask for.
        if let Ok(plan) = serde_json::from_slice::<Plan<Task>>(&text) {
            for address in plan.steps.iter().filter_map(|step| step.task.blob()) {
                blob::forget(system, address)?;
            }
        }
    }
    for path in [WAY_BACK, BINARY, own::RELOADED, own::ARMED_THIS_BOOT] {
        system.remove(path)?;
    }
    Ok(())
}

/// What would be reverted.
pub fn way_back(system: &System) -> Result<Plan<Task>> {
    let text = system
        .read(WAY_BACK)?
        .with_context(|| format!("{WAY_BACK} does not exist"))?;
    serde_json::from_slice(&text).with_context(|| format!("{WAY_BACK} cannot be read"))
}
