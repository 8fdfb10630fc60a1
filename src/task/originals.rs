//! What a file was before the first of the stack's took its place: kept once, with its mode and owner, where only root comes.
//! `cp -a /var/lib/citrino/originals/. /` puts all of it back.

use std::path::Path;

use anyhow::Result;

use crate::host::neighbours::is_ours;
use crate::host::own::{ORIGINALS, SETTINGS};
use crate::host::system::{Ids, Kind, System, TEXT};

/// Where others have their settings.
const OF_OTHERS: [&str; 2] = ["/etc/", "/root/"];

/// Where what is there would be kept, when somebody else made it and nothing is kept of the place yet.
///
/// # Errors
/// When the place cannot be looked at.
pub fn place(system: &System, path: &str, content: &[u8]) -> Result<Option<String>> {
    let is_others = OF_OTHERS.iter().any(|place| path.starts_with(place));
    if !is_others
        || path.starts_with(&format!("{SETTINGS}/"))
        || is_ours(&String::from_utf8_lossy(content))
    {
        return Ok(None);
    }
    let place = format!("{ORIGINALS}{path}");
    Ok(system.stat(&place)?.is_none().then_some(place))
}

/// Keeps it there.
///
/// # Errors
/// When it cannot be kept: then it is not replaced.
pub async fn keep(system: &System, path: &str, coming: &[u8]) -> Result<()> {
    let found = system.stat(path)?;
    let Some(found) = found.filter(|found| found.kind == Kind::File && found.bytes <= TEXT) else {
        return Ok(());
    };
    let content = system.read(path)?.unwrap_or_default();
    let Some(place) = place(system, path, &content)?.filter(|_| content != coming) else {
        return Ok(());
    };
    if system.stat(ORIGINALS)?.is_none() {
        system.make_directory(ORIGINALS, 0o700, Ids::own())?;
    }
    if let Some(folder) = Path::new(&place).parent() {
        system.make_folders(folder)?;
    }
    system
        .write_atomic(&place, &content, found.mode, Some(found.ids), &[])
        .await
}
