//! What this machine keeps of hosts and stacks beside their wishes. All of it can be had again, so losing it
//! loses nothing but time.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::core::value::Sha256;

/// How many releases are kept for later ones to be patches against.
const KEPT: usize = 3;

/// The folder in the user's cache of a host, or of what all hosts of a stack share. The only host of a stack has the stack's
/// name, and its folder.
pub fn folder(name: &str) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    cache
        .unwrap_or_else(std::env::temp_dir)
        .join("citrino-ops")
        .join(name)
}

/// Writes a file there under its name when it is whole: another command of the operator may read it at that moment.
///
/// # Errors
/// When its folder cannot be made or written.
pub fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// The binaries that this machine has brought to hosts of a stack, each under its sha256: all its hosts get the same.
#[derive(Clone)]
pub struct Releases {
    folder: PathBuf,
}

impl Releases {
    pub fn of(stack: &str) -> Self {
        Self {
            folder: folder(stack).join("releases"),
        }
    }

    /// Whether one is kept. Its content is looked at by `read`.
    pub fn has(&self, sha256: &Sha256) -> bool {
        self.folder.join(&**sha256).is_file()
    }

    /// The binary, when it is still what its name says; a damaged one is thrown away.
    pub fn read(&self, sha256: &Sha256) -> Option<Vec<u8>> {
        let path = self.folder.join(&**sha256);
        let bytes = fs::read(&path).ok()?;
        if Sha256::of(&bytes) == *sha256 {
            return Some(bytes);
        }
        // Whether it goes or not, it is not used.
        let _ = fs::remove_file(path);
        None
    }

    /// Keeps a binary as the newest, and the two before it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn keep(&self, sha256: &Sha256, bytes: &[u8]) -> Result<()> {
        let context = || format!("could not store the release in {}", self.folder.display());
        let path = self.folder.join(&**sha256);
        let is_whole = fs::metadata(&path).is_ok_and(|found| found.len() == bytes.len() as u64);
        if !is_whole {
            put(&path, bytes).with_context(context)?;
        }
        File::open(&path)
            .and_then(|file| file.set_modified(SystemTime::now()))
            .with_context(context)?;
        self.forget_old().with_context(context)
    }

    fn forget_old(&self) -> std::io::Result<()> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            found.push((entry.metadata()?.modified()?, entry.path()));
        }
        found.sort();
        found.reverse();
        for (_, path) in found.into_iter().skip(KEPT) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest_three_and_uses_none_that_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Releases {
            folder: folder.path().join("releases"),
        };
        let names: Vec<Sha256> = (0..4_u8).map(|n| Sha256::of(&[n])).collect();
        for (n, name) in (0..4_u8).zip(&names) {
            kept.keep(name, &[n]).unwrap();
            // The first one is deployed again and again.
            kept.keep(&names[0], &[0]).unwrap();
        }
        let there: Vec<bool> = names.iter().map(|name| kept.has(name)).collect();
        assert_eq!(there, [true, false, true, true]);
        assert_eq!(kept.read(&names[3]), Some(vec![3]));
        fs::write(kept.folder.join(&*names[3]), b"x").unwrap();
        assert_eq!(kept.read(&names[3]), None);
        assert!(!kept.has(&names[3]));
    }
}
