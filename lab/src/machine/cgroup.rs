//! Limits memory to that of the server type, with control groups of version 1, hybrid or 2.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::handle::Machine;
use crate::lab::{PATIENCE, until};

const ROOT: &str = "/sys/fs/cgroup";

/// Every hierarchy in which a machine needs its own group: with version 2 it is the root, with
/// version 1 and hybrid the memory controller and the two that systemd itself uses.
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

/// Creates the machine's groups with its limit. A process joins them by writing itself into
/// `cgroup.procs`.
///
/// They are created again for each boot: nspawn splits its group, and with version 2 no process can
/// join a group that has subgroups.
pub fn make(machine: &Machine, memory_bytes: u64) -> Result<Vec<PathBuf>> {
    remove(machine)?;
    let mut folders = Vec::new();
    for hierarchy in hierarchies() {
        // With version 2 a group only has a controller if its parent enables it. systemd does so where it
        // runs. If the kernel answers "busy", the machine has no limit.
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

/// The subgroup that nspawn gives to the machine, which the machine sees as its root.
const INSIDE: &str = "payload";

/// Makes the limit visible inside, after nspawn has split the group. With version 1 it is visible
/// anyway. Returns whether it is done.
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

/// Freezes the whole machine, or thaws it, if the kernel has version 2 in any form.
pub fn freeze(machine: &Machine, halt: bool) {
    for hierarchy in hierarchies() {
        let switch = folder(machine, &hierarchy).join("cgroup.freeze");
        if switch.exists() {
            // A machine that cannot be frozen is copied while it runs.
            let _ = fs::write(switch, if halt { "1" } else { "0" });
        }
    }
}

/// Bytes in use; `None` if the machine has no group.
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

/// The host's pids of all processes of the machine: those in its groups.
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

/// Removes the machine's groups; no process may run in them any more.
pub fn remove(machine: &Machine) -> Result<()> {
    let remove = || {
        hierarchies()
            .iter()
            .try_for_each(|hierarchy| remove_tree(&folder(machine, hierarchy)))
    };
    // The kernel empties a group a moment after its last process has died.
    until(PATIENCE, || remove().is_ok());
    remove()
}

/// Removes groups from the leaves up; their files go with them.
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
