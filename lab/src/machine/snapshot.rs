//! Snapshots of disks: a copy of the upper layer of a machine's disk.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::cgroup;
use super::handle::Machine;
use crate::lab::{Lab, run};

fn folder(lab: &Lab, id: u64) -> PathBuf {
    lab.images().join(id.to_string())
}

/// Saves a machine's disk under the id of an image. If the kernel can freeze the machine, it does not
/// run meanwhile, and the copy is like a disk after a power failure.
pub fn save(machine: &Machine, id: u64) -> Result<()> {
    let target = folder(&machine.lab, id);
    fs::create_dir_all(&target).with_context(|| format!("could not make {}", target.display()))?;
    fs::write(
        target.join("base"),
        machine.settings()?.image.display().to_string(),
    )?;
    cgroup::freeze(machine, true);
    let copied = copy(&machine.folder().join("upper"), &target.join("upper"));
    cgroup::freeze(machine, false);
    copied
}

/// Restores a saved disk for a machine without one. Returns the image below it.
pub fn restore(machine: &Machine, id: u64) -> Result<PathBuf> {
    let source = folder(&machine.lab, id);
    copy(&source.join("upper"), &machine.folder().join("upper"))?;
    let base = fs::read_to_string(source.join("base"))
        .with_context(|| format!("the disk of image {id} is not there"))?;
    Ok(PathBuf::from(base))
}

/// The size of a saved disk in bytes.
pub fn size(lab: &Lab, id: u64) -> u64 {
    let folder = folder(lab, id).display().to_string();
    let said = run(&["du", "--summarize", "--bytes", &folder]).unwrap_or_default();
    let first = said.split_whitespace().next().unwrap_or_default();
    first.parse().unwrap_or_default()
}

/// Removes it; it may be absent.
pub fn remove(lab: &Lab, id: u64) -> Result<()> {
    super::handle::remove_tree(&folder(lab, id))
}

/// Removes all of them.
pub fn remove_all(lab: &Lab) -> Result<()> {
    for entry in fs::read_dir(lab.images()).into_iter().flatten().flatten() {
        if let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        {
            remove(lab, id)?;
        }
    }
    Ok(())
}

/// Copies everything that an overlay knows of its files: their attributes, and which were deleted.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (from.display().to_string(), to.display().to_string());
    run(&["cp", "--archive", "--reflink=auto", "--", &from, &to]).map(|_| ())
}
