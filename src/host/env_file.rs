//! Environment files as systemd reads them.

use anyhow::Result;

use crate::host::system::System;

/// The `KEY=value` lines of a file, comments and quotes aside; none when it is not there.
///
/// # Errors
/// When it cannot be read.
pub fn read(system: &System, path: &str) -> Result<Vec<(String, String)>> {
    Ok(lines(&system.read_text(path)?.unwrap_or_default()))
}

fn lines(text: &str) -> Vec<(String, String)> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| {
            let value = value.trim();
            let bare = value
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .map(|quoted| quoted.replace("\\\"", "\"").replace("\\\\", "\\"));
            (
                key.trim().to_owned(),
                bare.unwrap_or_else(|| value.to_owned()),
            )
        })
        .collect()
}
