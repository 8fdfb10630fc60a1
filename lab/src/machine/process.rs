//! The processes of a machine, found by the pid that its supervisor wrote.

use std::fs;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill as signal};
use nix::unistd::Pid;

use super::{Machine, cgroup};
use crate::lab::run;

/// SIGRTMIN+5, which asks systemd for a reboot (systemd(1), Signals).
const REBOOT: &str = "-39";

/// The pid of systemd-nspawn.
fn nspawn(machine: &Machine) -> Option<i32> {
    let text = fs::read_to_string(machine.folder().join("nspawn.pid")).ok()?;
    let pid: i32 = text.trim().parse().ok()?;
    // A pid may have been given to somebody else since.
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let directory = format!("--directory={}", machine.root().display());
    let mut words = command.split('\0');
    (words.next()?.ends_with("systemd-nspawn") && words.any(|word| word == directory))
        .then_some(pid)
}

/// PID 1 of the machine, as the host numbers it: the child of nspawn.
pub fn leader(machine: &Machine) -> Option<i32> {
    let parent = nspawn(machine)?;
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().last()?.parse().ok()
}

/// nspawn turns a TERM into the signal that asks systemd to power off.
pub fn terminate(machine: &Machine) -> Result<()> {
    nspawn(machine).map_or(Ok(()), |pid| send(pid, Signal::SIGTERM))
}

/// Asks systemd inside to reboot. The shell sends it: it can name realtime signals.
pub fn reboot(machine: &Machine) -> Result<()> {
    if let Some(pid) = leader(machine) {
        run(&[
            "sh",
            "-c",
            "kill \"$1\" \"$2\"",
            "sh",
            REBOOT,
            &pid.to_string(),
        ])?;
    }
    Ok(())
}

/// Kills all of the machine. Its PID 1 outlives a killed nspawn, so it is the control groups that
/// say who belongs to it. Answers whether nothing is left.
pub fn kill(machine: &Machine) -> Result<bool> {
    let pids = cgroup::processes(machine);
    pids.iter()
        .try_for_each(|pid| send(*pid, Signal::SIGKILL))?;
    Ok(pids.is_empty())
}

fn send(pid: i32, what: Signal) -> Result<()> {
    match signal(Pid::from_raw(pid), what) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("could not signal process {pid}")),
    }
}
