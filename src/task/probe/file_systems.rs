//! The file systems that some places are on.

use anyhow::Result;
use nix::sys::statvfs::Statvfs;

use crate::host::system::System;

/// Each once, by the first place that is on it. The first place must be there; of the others, what is not there is left out.
pub fn file_systems<'p>(
    path: &'p str,
    also: &'p [String],
    system: &System,
) -> Result<Vec<(&'p str, Statvfs)>> {
    let mut found: Vec<(&str, Statvfs)> = vec![(path, system.disk(path)?)];
    for place in also {
        if !is_there(system, place)? {
            continue;
        }
        let disk = system.disk(place)?;
        // Some file systems have no number; they are told each time.
        let id = disk.filesystem_id();
        let is_known = id != 0 && found.iter().any(|(_, it)| it.filesystem_id() == id);
        if !is_known {
            found.push((place, disk));
        }
    }
    Ok(found)
}

/// A folder, through whatever links lead to it.
fn is_there(system: &System, place: &str) -> Result<bool> {
    Ok(system.stat(system.resolve(place)?)?.is_some())
}
