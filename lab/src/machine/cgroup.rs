//! The memory of a server type, held by control groups of either version.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::handle::Machine;
use crate::lab::{PATIENCE, until};

const ROOT: &str = "/sys/fs/cgroup";

/// Every hierarchy in which a machine needs a place of its own: with version 2 it is the root,
/// with version 1 and hybrid the memory controller and the two that systemd itself keeps.
fn hierarchies() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").exists() {
        return vec![root.to_owned()];
    }
    let names = ["memory", "systemd", "unified"];
    names
        .iter()
        .map(|name| root.join(name))
        .filter(|path| path.join("cgroup.procs").exists())
        .collect()
}

fn folder(machine: &Machine, hierarchy: &Path) -> PathBuf {
    hierarchy.join(machine.long_name())
}

/// Makes the machine's groups anew, with its limit; what joins them is to write itself into their
/// `cgroup.procs`.
///
/// Anew for each boot: nspawn divides the group that it finds itself in, and with version 2 no
/// process can join a group that is divided.
pub fn make(machine: &Machine, memory_bytes: u64) -> Result<Vec<PathBuf>> {
    remove(machine)?;
    let mut folders = Vec::new();
    for hierarchy in hierarchies() {
        // With version 2 a controller reaches a group only where its parent hands it down. Where
        // systemd runs it has done so; an answer of "busy" leaves the machine without the limit.
        if hierarchy.join("cgroup.subtree_control").exists() {
            let _ = fs::write(hierarchy.join("cgroup.subtree_control"), "+memory");
        }
        let folder = folder(machine, &hierarchy);
        fs::create_dir_all(&folder)
            .with_context(|| format!("could not make the control group {}", folder.display()))?;
        limit(&folder, memory_bytes)?;
        folders.push(folder);
    }
    Ok(folders)
}

fn limit(folder: &Path, memory_bytes: u64) -> Result<()> {
    for name in ["memory.max", "memory.limit_in_bytes"] {
        let path = folder.join(name);
        if path.exists() {
            fs::write(&path, memory_bytes.to_string())
                .with_context(|| format!("could not write {}", path.display()))?;
        }
    }
    Ok(())
}

/// The part of the group that nspawn gives to the machine, and that the machine sees as its whole.
const INSIDE: &str = "payload";

/// Lets the machine see its limit, once nspawn has divided the group. With version 1 it does, as the
/// controller of memory is not divided. Answers whether it is done.
pub fn limit_inside(machine: &Machine, memory_bytes: u64) -> bool {
    hierarchies().iter().all(|hierarchy| {
        let group = folder(machine, hierarchy);
        !group.join("memory.max").exists()
            || fs::write(
                group.join(INSIDE).join("memory.max"),
                memory_bytes.to_string(),
            )
            .is_ok()
    })
}

/// Halts all of the machine, or lets it go on, where the kernel has version 2 in any form.
pub fn freeze(machine: &Machine, halt: bool) {
    for hierarchy in hierarchies() {
        let switch = folder(machine, &hierarchy).join("cgroup.freeze");
        if switch.exists() {
            // One that cannot be halted is copied as it runs.
            let _ = fs::write(switch, if halt { "1" } else { "0" });
        }
    }
}

/// Bytes in use; `None` when the machine has no group.
pub fn memory_used(machine: &Machine) -> Option<u64> {
    hierarchies().iter().find_map(|hierarchy| {
        let folder = folder(machine, hierarchy);
        let names = ["memory.current", "memory.usage_in_bytes"];
        let text = names
            .iter()
            .find_map(|name| fs::read_to_string(folder.join(name)).ok())?;
        text.trim().parse().ok()
    })
}

/// Every process of the machine, as the host numbers them: what is in its groups is its own.
pub fn processes(machine: &Machine) -> Vec<i32> {
    let mut pids = Vec::new();
    for hierarchy in hierarchies() {
        collect(&folder(machine, &hierarchy), &mut pids);
    }
    pids.sort_unstable();
    pids.dedup();
    pids
}

fn collect(folder: &Path, pids: &mut Vec<i32>) {
    let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    pids.extend(
        text.lines()
            .filter_map(|line| line.parse::<i32>().ok())
            .filter(|pid| *pid > 0),
    );
    for entry in fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
    {
        collect(&entry.path(), pids);
    }
}

/// Removes the machine's groups; nothing may run in them any more.
pub fn remove(machine: &Machine) -> Result<()> {
    let remove = || {
        hierarchies()
            .iter()
            .try_for_each(|hierarchy| remove_tree(&folder(machine, hierarchy)))
    };
    // The kernel empties a group a moment after the last process died.
    until(PATIENCE, || remove().is_ok());
    remove()
}

/// Groups are removed from the leaves up; their files go with them.
fn remove_tree(folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
        remove_tree(&entry.path())?;
    }
    fs::remove_dir(folder)
        .with_context(|| format!("could not remove the control group {}", folder.display()))
}
