//! The supervisor of one machine: it outlives the API, and starts nspawn and the network again on a
//! reboot.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::handle::Machine;
use super::settings::Settings;
use super::{cgroup, network, volume};
use crate::lab::{PATIENCE, start_apart, until};

/// nspawn's exit code for a reboot (systemd-nspawn(1), Exit Status).
const REBOOT: i32 = 133;

/// Joins the control groups before it becomes nspawn, so that the whole machine is in them and the
/// supervisor is not. nspawn dies with its supervisor, and the machine with nspawn.
const JOIN: &str = r#"while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 1; shift; done; shift; exec setpriv --pdeathsig KILL "$@""#;

/// Starts the supervisor in the background, and waits until it holds the lock.
pub fn spawn(machine: &Machine) -> Result<()> {
    for mark in ["off", "halted", "stopping"] {
        machine.unmark(mark)?;
    }
    let log = machine.folder().join("supervisor.log");
    start_apart(&["machine", &machine.number.to_string()], &log, || {
        machine.is_running()
    })
}

/// Runs one machine until it is off. Writes `halted` if the machine stopped by itself.
pub fn run(machine: &Machine) -> Result<()> {
    let lock = File::create(machine.folder().join("lock"))?;
    // Whoever checks whether the machine runs holds the lock for a moment.
    if !until(Duration::from_secs(10), || lock.try_lock().is_ok()) {
        bail!("machine {} runs already", machine.number);
    }
    loop {
        let code = boot(machine, &machine.settings()?)?;
        if machine.is_marked("off") {
            return Ok(());
        }
        if code != Some(REBOOT) {
            return machine.mark("halted");
        }
        machine.unmark("stopping")?;
    }
}

/// Runs the machine from boot to shutdown.
fn boot(machine: &Machine, settings: &Settings) -> Result<Option<i32>> {
    let groups = cgroup::make(machine, settings.memory_bytes)?;
    network::plug_in(machine, settings)?;
    let volumes = volumes(machine, settings)?;
    let console = File::create(machine.folder().join("console"))?;
    let name = machine.long_name();
    let mut child = Command::new("sh")
        .args(["-c", JOIN, "sh"])
        .args(groups)
        .args([
            "--",
            "systemd-nspawn",
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--boot",
            "--console=read-only",
        ])
        .args([
            "--capability=CAP_NET_ADMIN",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
        ])
        .arg(format!("--machine={name}"))
        .arg(format!("--directory={}", machine.root().display()))
        .arg(format!("--network-namespace-path=/run/netns/{name}"))
        .args(volumes)
        // The machine may change the settings of its own network, but not those of the kernel.
        .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
        .stdin(Stdio::null())
        .stdout(console.try_clone()?)
        .stderr(console)
        .spawn()
        .context("could not start systemd-nspawn")?;
    fs::write(machine.folder().join("nspawn.pid"), child.id().to_string())?;
    let ended = |child: &mut Child| child.try_wait().map_or(true, |code| code.is_some());
    until(PATIENCE, || {
        cgroup::limit_inside(machine, settings.memory_bytes) || ended(&mut child)
    });
    Ok(child.wait()?.code())
}

/// nspawn's options for the machine's volumes, which are there before its PID 1.
fn volumes(machine: &Machine, settings: &Settings) -> Result<Vec<String>> {
    let bind = |id: &u64| {
        let held = volume::hold(&machine.lab, *id)?;
        Ok(format!("--bind={held}:{}", volume::device(*id)))
    };
    settings.volumes.iter().map(bind).collect()
}
