//! The key of the stack on the operator's machine: who has lost the host knows its backups by it. It is no cache: without it nobody
//! can say any more which backups are genuine.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use anyhow::Result;

use super::mirror::state_folder;
use crate::core::error::{Code, Fault};
use crate::core::stack_key::StackKey;
use crate::core::value::HostName;

/// The file of a host's key, in the user's state.
#[derive(Clone, Debug)]
pub struct KnownStackKey {
    path: PathBuf,
}

impl KnownStackKey {
    pub fn of(host: &HostName) -> Self {
        Self {
            path: state_folder(host).join("stack.key"),
        }
    }

    /// The key; none when this machine has not seen it yet.
    ///
    /// # Errors
    /// E0437 when the file is there and has none.
    pub fn read(&self) -> Result<Option<StackKey>> {
        match fs::read_to_string(&self.path) {
            Ok(text) => {
                let key = StackKey::parse(&text).map_err(|why| self.unusable(&why))?;
                Ok(Some(key))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unusable(&format!("could not be read: {error}")).into()),
        }
    }

    /// Keeps a key that this machine has not seen before, for its user alone. One that is there is never written over.
    ///
    /// # Errors
    /// E0437 when it cannot be kept.
    pub fn keep(&self, key: &StackKey) -> Result<()> {
        let write = || {
            let folder = self.path.parent().unwrap_or(&self.path);
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
            let mut draft = tempfile::Builder::new().make_in(folder, |path| {
                let mut options = OpenOptions::new();
                options.write(true).create_new(true).mode(0o600).open(path)
            })?;
            draft.write_all(key.line().as_bytes())?;
            draft.as_file().sync_all()?;
            match draft.persist_noclobber(&self.path) {
                // Two commands of one operator may bring the same.
                Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error),
                _ => Ok(()),
            }
        };
        write().map_err(|error: std::io::Error| {
            self.unusable(&format!("could not be written: {error}"))
                .into()
        })
    }

    fn unusable(&self, why: &str) -> Fault {
        let message = format!("{} {why}", self.path.display());
        Fault::new(Code::E0437, message)
            .hint("it is what this machine knows the stack's own backups by; `citrino-ops explain E0437` says how to get it back")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_kept_for_its_user_alone_and_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownStackKey {
            path: folder.path().join("state/prod/stack.key"),
        };
        assert!(known.read().unwrap().is_none());
        let (first, second) = (StackKey::of([1; 32]), StackKey::of([2; 32]));
        for key in [&first, &second] {
            known.keep(key).unwrap();
            assert_eq!(known.read().unwrap().as_ref(), Some(&first));
        }
        let mode =
            |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let parent = known.path.parent().unwrap();
        assert_eq!((mode(&known.path), mode(parent)), (0o600, 0o700));
        assert_eq!(fs::read_dir(parent).unwrap().count(), 1, "no draft is left");
        fs::write(&known.path, "hunter2").unwrap();
        let told = format!("{:?}", known.read().unwrap_err());
        assert!(
            told.contains("stack.key") && !told.contains("hunter2"),
            "{told}"
        );
    }
}
