//! Volumes: block devices over sparse files at the path that Hetzner uses, and the fstab entries that
//! mount them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::handle::Machine;
use super::process;
use crate::lab::{Lab, run};

fn file(lab: &Lab, id: u64) -> PathBuf {
    lab.volumes().join(id.to_string())
}

/// The path of a volume in a machine.
pub fn device(id: u64) -> String {
    format!("/dev/disk/by-id/scsi-0HC_Volume_{id}")
}

fn mount_point(id: u64) -> String {
    format!("/mnt/HC_Volume_{id}")
}

/// Creates a volume of this many gigabytes; the host stores only what is written.
pub fn create(lab: &Lab, id: u64, gigabytes: u64, format: Option<&str>) -> Result<()> {
    fs::create_dir_all(lab.volumes())?;
    let path = file(lab, id);
    File::create(&path)
        .and_then(|file| file.set_len(gigabytes << 30))
        .with_context(|| format!("could not make {}", path.display()))?;
    let path = path.display().to_string();
    match format {
        Some("xfs") => run(&["mkfs.xfs", "-q", &path]).map(|_| ()),
        Some(_) => run(&["mkfs.ext4", "-q", "-F", &path]).map(|_| ()),
        None => Ok(()),
    }
}

/// Enlarges it; a machine that has it sees the new size at once.
pub fn resize(lab: &Lab, id: u64, gigabytes: u64) -> Result<()> {
    let path = file(lab, id);
    File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_len(gigabytes << 30))
        .with_context(|| format!("could not resize {}", path.display()))?;
    for found in loops(&path)? {
        run(&["losetup", "--set-capacity", &found])?;
    }
    Ok(())
}

/// Removes it; it may be absent.
pub fn remove(lab: &Lab, id: u64) -> Result<()> {
    release(lab, id)?;
    match fs::remove_file(file(lab, id)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Removes all of them.
pub fn remove_all(lab: &Lab) -> Result<()> {
    for entry in fs::read_dir(lab.volumes()).into_iter().flatten().flatten() {
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

/// The loop devices over a file.
fn loops(path: &Path) -> Result<Vec<String>> {
    let path = path.display().to_string();
    let said = run(&[
        "losetup",
        "--noheadings",
        "--output=NAME",
        "--associated",
        &path,
    ])?;
    Ok(said.split_whitespace().map(str::to_owned).collect())
}

/// The block device of a volume. It is created if it is missing, because it does not survive a reboot of the host.
pub fn hold(lab: &Lab, id: u64) -> Result<String> {
    let path = file(lab, id);
    if let Some(found) = loops(&path)?.into_iter().next() {
        return Ok(found);
    }
    if !path.exists() {
        bail!("{} is not there", path.display());
    }
    let said = run(&["losetup", "--find", "--show", &path.display().to_string()])?;
    Ok(said.trim().to_owned())
}

/// Releases the block device; if it is still mounted, the kernel releases it after the last use.
pub fn release(lab: &Lab, id: u64) -> Result<()> {
    for found in loops(&file(lab, id))? {
        run(&["losetup", "--detach", &found])?;
    }
    Ok(())
}

/// Runs a script with arguments in a machine, if it runs.
fn inside(machine: &Machine, script: &str, arguments: &[&str]) -> Result<()> {
    let shell = ["sh", "-ec", script, "sh"];
    process::inside(machine, &[&shell, arguments].concat(), "").map(|_| ())
}

/// $1 the path, $2 and $3 the numbers of the device.
const PLUG: &str = r#"mkdir -p "${1%/*}"; [ -b "$1" ] || mknod "$1" b "$2" "$3""#;

/// $1 the path: of a bind mount, when the volume was there at boot, or of a node.
const UNPLUG: &str = r#"umount --lazy "$2" 2>/dev/null || true
umount --lazy "$1" 2>/dev/null || true; rm -f "$1""#;

/// Attaches a volume to a machine; a running machine has it at once.
pub fn attach(machine: &Machine, id: u64) -> Result<()> {
    machine.configure(|settings| {
        settings.volumes.retain(|held| *held != id);
        settings.volumes.push(id);
    })?;
    let held = hold(&machine.lab, id)?;
    let name = held.trim_start_matches("/dev/");
    let numbers = fs::read_to_string(format!("/sys/block/{name}/dev"))?;
    let (major, minor) = numbers.trim().split_once(':').unwrap_or_default();
    inside(machine, PLUG, &[&device(id), major, minor])
}

/// Detaches it, from a running machine like a pulled plug.
pub fn detach(machine: &Machine, id: u64) -> Result<()> {
    machine.configure(|settings| settings.volumes.retain(|held| *held != id))?;
    inside(machine, UNPLUG, &[&device(id), &mount_point(id)])?;
    release(&machine.lab, id)
}

/// Writes a volume into the fstab of a machine; a running machine mounts it at once.
pub fn automount(machine: &Machine, id: u64) -> Result<()> {
    let (device, point) = (device(id), mount_point(id));
    let root = machine.root();
    fs::create_dir_all(root.join(point.trim_start_matches('/')))?;
    let fstab = root.join("etc/fstab");
    let before = fs::read_to_string(&fstab).unwrap_or_default();
    if !before.contains(&device) {
        let line = format!("{device} {point} auto discard,nofail,defaults 0 0\n");
        fs::write(&fstab, before + &line)?;
    }
    inside(machine, r#"mountpoint -q "$1" || mount "$1""#, &[&point])
}
