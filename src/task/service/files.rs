//! The files that a unit goes by: what is in them, or will be, and when they last changed.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::core::digest::{self, sha256};
use crate::host::system::{FutureFile, Kind, System};

/// Which paths are newer than what runs: those that earlier steps would change, else what lies on the disk.
pub fn changed(to_come: &[&str], on_disk: &str) -> String {
    let paths = if to_come.is_empty() {
        on_disk.to_owned()
    } else {
        to_come.join(" and ")
    };
    format!("{paths} changed")
}

/// Of a link counts where it leads too: what it leads to may be a folder.
pub fn digest(system: &System, paths: &[String]) -> Result<String> {
    let mut all = Vec::new();
    for path in paths {
        all.extend_from_slice(path.as_bytes());
        all.push(0);
        let (link, content) = match system.future_file(path) {
            None => (
                system.read_link(itself(system, path)?)?,
                content(system, path)?,
            ),
            Some(FutureFile::Content(sha256)) => (None, sha256),
            Some(FutureFile::Absent) => (None, sha256(&[])),
            Some(FutureFile::Unknown) => (None, String::new()),
            Some(FutureFile::Link(to)) => {
                let content = content(system, &to.to_string_lossy())?;
                (Some(to), content)
            }
        };
        if let Some(to) = link {
            all.extend_from_slice(to.as_os_str().as_encoded_bytes());
            all.push(0);
        }
        all.extend_from_slice(content.as_bytes());
    }
    Ok(sha256(&all))
}

/// Of what the unit reads there, which may be behind links: those of the slots, or of the certificate that is live.
fn content(system: &System, path: &str) -> Result<String> {
    let real = system.resolve(path)?;
    let found = system.stat(&real)?;
    if found.is_none_or(|found| found.kind == Kind::Folder) {
        return Ok(sha256(&[]));
    }
    let mut file = system.open(&real)?;
    let digest = file.as_mut().map(digest::sha256_of).transpose()?;
    Ok(digest.map_or_else(|| sha256(&[]), |(digest, _)| digest))
}

/// When a path last changed (content, owner, mode or by rename), in microseconds of the epoch.
pub fn changed_us(system: &System, path: &str) -> Result<i128> {
    let found = system.stat(itself(system, path)?)?;
    Ok(found.map_or(0, |found| found.changed_us))
}

/// The path whose folders are no links; itself it may be one.
fn itself(system: &System, path: &str) -> Result<PathBuf> {
    let path = Path::new(path);
    let folder = system.resolve(path.parent().unwrap_or(path))?;
    Ok(folder.join(path.file_name().unwrap_or_default()))
}

/// Reads systemd's `Tue 2026-11-24 08:52:54.123456 UTC`.
pub fn timestamp_us(text: &str) -> Option<i128> {
    let format = time::macros::format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second][optional [.[subsecond]]]"
    );
    let (_, text) = text.split_once(' ')?;
    let text = text.strip_suffix(" UTC")?;
    let at = time::PrimitiveDateTime::parse(text, format)
        .ok()?
        .assume_utc();
    Some(at.unix_timestamp_nanos() / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As that of the certificate that is live.
    #[test]
    fn a_file_below_a_link_of_roots_is_read_and_another_target_is_another_content() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let system = System::at(root.path());
        let tls = system.path("/etc/tls");
        for name in ["a", "b"] {
            std::fs::create_dir_all(tls.join(name)).unwrap();
            std::fs::write(tls.join(name).join("chain.pem"), name).unwrap();
        }
        let paths = ["/etc/tls/live/chain.pem".to_owned()];
        let mut digests = vec![digest(&system, &paths).unwrap()];
        for name in ["a", "b"] {
            symlink(name, tls.join("next")).unwrap();
            std::fs::rename(tls.join("next"), tls.join("live")).unwrap();
            digests.push(digest(&system, &paths).unwrap());
            assert!(changed_us(&system, &paths[0]).unwrap() > 0);
        }
        digests.dedup();
        assert_eq!(digests.len(), 3);
    }

    #[test]
    fn reads_the_time_that_systemd_prints() {
        assert_eq!(
            timestamp_us("Tue 1970-01-01 00:00:01.000002 UTC"),
            Some(1_000_002)
        );
        assert_eq!(timestamp_us("Tue 1970-01-01 00:00:01 UTC"), Some(1_000_000));
        assert_eq!(timestamp_us(""), None);
    }
}
