//! The processes of a machine, found by the pid that its supervisor wrote.

use std::fs;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill as signal};
use nix::unistd::Pid;

use super::cgroup;
use super::handle::Machine;
use crate::lab::{PATIENCE, run, run_with, until};

/// Signals to systemd as PID 1 (systemd(1), Signals).
#[derive(Clone, Copy)]
pub enum Order {
    /// SIGRTMIN+4
    PowerOff = 38,
    /// SIGRTMIN+5
    Reboot = 39,
}

/// The pid of systemd-nspawn.
fn nspawn(machine: &Machine) -> Option<i32> {
    let text = fs::read_to_string(machine.folder().join("nspawn.pid")).ok()?;
    let pid: i32 = text.trim().parse().ok()?;
    // The pid may belong to another process by now.
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let directory = format!("--directory={}", machine.root().display());
    let mut words = command.split('\0');
    (words.next()?.ends_with("systemd-nspawn") && words.any(|word| word == directory))
        .then_some(pid)
}

/// The host's pid of the machine's PID 1, once it accepts signals.
///
/// Before that, nspawn's child is not systemd yet: a signal would kill it or be lost.
pub fn leader(machine: &Machine) -> Option<i32> {
    let parent = nspawn(machine)?;
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    let pids = children.split_whitespace().map(str::parse);
    pids.map_while(Result::ok).find(|pid| takes_orders(*pid))
}

/// systemd blocks its signals before it reads them from a signalfd(2); from then on none is lost.
fn takes_orders(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let is_first = field("NSpid:").is_some_and(|pids| pids.split_whitespace().last() == Some("1"));
    let blocked = field("SigBlk:").and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    is_first && blocked.is_some_and(|mask| mask & (1 << (Order::Reboot as u64 - 1)) != 0)
}

/// Signals systemd inside as soon as it accepts signals. Returns the pid. The shell sends the signal,
/// because it can name realtime signals.
pub fn order(machine: &Machine, order: Order) -> Result<Option<i32>> {
    until(PATIENCE, || {
        leader(machine).is_some() || !machine.is_running()
    });
    let told = leader(machine);
    if let Some(pid) = told {
        let signal = format!("-{}", order as u8);
        run(&[
            "sh",
            "-c",
            "kill \"$1\" \"$2\"",
            "sh",
            &signal,
            &pid.to_string(),
        ])?;
    }
    Ok(told)
}

/// Runs a program in the namespaces of a running machine as the host's root. Returns whether the
/// machine runs.
pub fn inside(machine: &Machine, argv: &[&str], input: &str) -> Result<bool> {
    let Some(pid) = leader(machine) else {
        return Ok(false);
    };
    let target = format!("--target={pid}");
    let enter = ["nsenter", &target, "--mount", "--pid", "--root", "--wd"];
    run_with(&[&enter, argv].concat(), input).map(|_| true)
}

/// Kills all processes of the machine. Its PID 1 outlives a killed nspawn, so the processes are taken
/// from the control groups. Returns whether nothing is left.
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
