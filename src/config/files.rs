//! Files that the binary brings, and those on the operator's disk.

use std::path::Path;

use anyhow::{Context as _, Result};
use include_dir::Dir;

use super::text;
use crate::core::error::{Code, Fault};

/// A file by its path below its folder, and what is in it.
pub type NamedFiles = (String, String);

/// Every file below an embedded folder, by its path.
pub fn embedded(folder: &'static Dir<'static>) -> Vec<NamedFiles> {
    let mut found: Vec<_> = folder
        .files()
        .filter_map(|file| {
            let name = file.path().to_str()?.to_owned();
            Some((name, file.contents_utf8()?.to_owned()))
        })
        .collect();
    for inner in folder.dirs() {
        found.extend(embedded(inner));
    }
    found.sort();
    found
}

/// Every file below a folder on disk, by its path there; none when the folder is absent. What editors and people leave beside
/// them is passed over: hidden files, copies that end in `~`, README.md.
///
/// # Errors
/// `code` with the file when one is no text, or too large.
pub fn files_below(folder: &Path, code: Code) -> Result<Vec<NamedFiles>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        if !inner.is_dir() {
            continue;
        }
        let entries = std::fs::read_dir(&inner)
            .with_context(|| format!("could not read {}", inner.display()))?;
        for entry in entries {
            let path = entry?.path();
            if is_passed_over(&path) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = text::read(&path).map_err(|unreadable| {
                Fault::new(code, format!("{} {}", path.display(), unreadable.why()))
            })?;
            let name = path.strip_prefix(folder).unwrap_or(&path);
            found.push((name.display().to_string(), text));
        }
    }
    found.sort();
    Ok(found)
}

fn is_passed_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.ends_with('~') || name == "README.md"
}
