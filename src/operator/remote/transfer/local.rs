//! Files and parts of this machine.

use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use nix::sys::statvfs::statvfs;

use super::PART;
use crate::core::digest::sha256_of;

/// The sha256 and length of a file of this machine; none when it is not there.
pub fn here(path: &Path) -> Result<Option<(String, u64)>> {
    let found = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found.and_then(|mut file| sha256_of(&mut file)),
    };
    found
        .map(Some)
        .with_context(|| format!("could not read {}", path.display()))
}

/// How many bytes the disk has free on which a file would lie.
pub fn free_beside(path: &Path) -> Result<u64> {
    let folder = folder_of(path);
    let found = statvfs(folder).with_context(|| format!("could not read {}", folder.display()))?;
    Ok(found.blocks_available() * found.fragment_size())
}

/// Takes away parts of what the source was before.
pub fn forget_others(to: &Path, part: &Path) -> Result<()> {
    let folder = folder_of(to);
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    for entry in
        fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))?
    {
        let path = entry?.path();
        let found = path.file_name().unwrap_or_default().to_string_lossy();
        let of_it = found
            .strip_prefix(&format!("{name}."))
            .is_some_and(|rest| rest.ends_with(PART));
        if of_it && path != part {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Gives a part its name.
pub fn take_place(part: &Path, to: &Path) -> Result<()> {
    only_ours(part)?;
    let folder = folder_of(to);
    fs::rename(part, to)
        .and_then(|()| File::open(folder)?.sync_all())
        .with_context(|| format!("could not write {}", to.display()))
}

/// Mode 0600.
pub fn only_ours(path: &Path) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o600))
        .with_context(|| format!("could not write {}", path.display()))
}

fn folder_of(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    parent.unwrap_or(Path::new("."))
}
