//! All that a task may touch of a host: files below a root, and programs by argument list.

use std::ffi::OsStr;
use std::fs::{self, Metadata, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tempfile::TempDir;

mod cmd;
mod program;

pub use cmd::Cmd;
pub use program::Output;

use super::own;
use crate::core::app_profile::AppProfile;
use crate::core::error::{Code, Fault};

/// One host, seen from inside.
pub struct System {
    root: PathBuf,
    app: Arc<AppProfile>,
}

/// Who a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    pub uid: u32,
    pub gid: u32,
}

impl System {
    /// The host that this process runs on.
    pub fn host() -> Self {
        Self::at("/")
    }

    /// A host whose files lie below `root`: for tests.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let app = Arc::default();
        let root = root.into();
        Self { root, app }
    }

    /// The same host, with this app on it in place of Citrino.
    #[must_use]
    pub fn with_app(self, app: impl Into<Arc<AppProfile>>) -> Self {
        let app = app.into();
        Self { app, ..self }
    }

    /// What is known of the app on it.
    pub fn app(&self) -> &AppProfile {
        &self.app
    }

    /// The same for whoever keeps it.
    pub fn shared_app(&self) -> Arc<AppProfile> {
        self.app.clone()
    }

    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The content of a file; `None` when there is none.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Option<Vec<u8>>> {
        let path = self.path(path);
        absent(fs::read(&path)).with_context(|| format!("could not read {}", path.display()))
    }

    pub fn read_text(&self, path: impl AsRef<Path>) -> Result<Option<String>> {
        Ok(self
            .read(path)?
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// What is at the path itself, links not followed.
    pub fn stat(&self, path: impl AsRef<Path>) -> Result<Option<Metadata>> {
        let path = self.path(path);
        absent(fs::symlink_metadata(&path))
            .with_context(|| format!("could not read the metadata of {}", path.display()))
    }

    /// Puts content in place by a rename: it is whole, with mode and owner, or it is not there.
    /// `validate` gets the path of the new file before it takes its place.
    pub async fn write_atomic(
        &self,
        path: impl AsRef<Path>,
        content: &[u8],
        mode: u32,
        ids: Option<Ids>,
        validate: &[String],
    ) -> Result<()> {
        let path = self.path(path);
        let context = || format!("could not write {}", path.display());
        let parent = path.parent().unwrap_or(Path::new("/"));
        let name = path.file_name().unwrap_or(OsStr::new("file"));
        // A folder of its own, so that the new file already has its final name: checkers such as
        // systemd-analyze go by it.
        let folder = draft(parent).with_context(context)?;
        if !validate.is_empty() {
            fs::set_permissions(folder.path(), Permissions::from_mode(0o755))
                .with_context(context)?;
        }
        let fresh = folder.path().join(name);
        write_private(&fresh, content, mode, ids).with_context(context)?;
        if !validate.is_empty() {
            self.validate(&fresh, validate).await?;
        }
        fs::rename(&fresh, &path).with_context(context)?;
        fs::File::open(parent)
            .and_then(|folder| folder.sync_all())
            .with_context(context)
    }

    async fn validate(&self, fresh: &Path, validate: &[String]) -> Result<()> {
        let fresh = fresh.display().to_string();
        let argv: Vec<String> = validate
            .iter()
            .map(|word| word.replace("{file}", &fresh))
            .collect();
        self.run(&Cmd::new(argv))
            .await?
            .success()
            .map_err(|error| {
                anyhow::Error::from(
                    Fault::new(
                        Code::E0403,
                        "the new content was rejected by its checker; the file was not changed",
                    )
                    .hint(
                        "correct the template or the value in citrino.yml that the message names",
                    ),
                )
                .context(format!("{error:#}"))
            })?;
        Ok(())
    }

    /// Takes away what processes that are no more left half made in a folder.
    pub fn sweep(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = self.path(folder);
        sweep(&folder).with_context(|| format!("could not clean up {}", folder.display()))
    }

    pub fn remove(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = self.path(path);
        let context = || format!("could not remove {}", path.display());
        let Some(found) = absent(fs::symlink_metadata(&path)).with_context(context)? else {
            return Ok(());
        };
        if found.is_dir() {
            fs::remove_dir_all(&path).with_context(context)
        } else {
            fs::remove_file(&path).with_context(context)
        }
    }

    /// The ids of an owner given as `user` or `user:group`, or by two numbers, from the host's own files: a static
    /// binary must not ask libc, whose name service would want shared libraries.
    pub fn ids(&self, owner: &str) -> Result<Ids> {
        let (user, group) = owner.split_once(':').unwrap_or((owner, ""));
        if let (Ok(uid), Ok(gid)) = (user.parse(), group.parse()) {
            return Ok(Ids { uid, gid });
        }
        let fields = self.account("/etc/passwd", user)?;
        let uid = number(&fields, 2)?;
        let gid = if group.is_empty() {
            number(&fields, 3)?
        } else {
            number(&self.account("/etc/group", group)?, 2)?
        };
        Ok(Ids { uid, gid })
    }

    fn account(&self, file: &str, name: &str) -> Result<Vec<String>> {
        self.find_account(file, name)?.ok_or_else(|| {
            Fault::new(Code::E0406, format!("`{name}` is not in {file}"))
                .hint("add a step that creates the user or group before this one")
                .into()
        })
    }

    /// The fields of a line of /etc/passwd or /etc/group; `None` when the name is not there.
    pub fn find_account(&self, file: &str, name: &str) -> Result<Option<Vec<String>>> {
        let text = self.read_text(file)?.unwrap_or_default();
        Ok(text
            .lines()
            .map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>())
            .find(|fields| fields[0] == name))
    }
}

/// How the folder of something half made is called; then comes who makes it.
pub const DRAFT: &str = own::DRAFT;

/// A folder for something new, beside the place that it will take. What the dead left half made there goes first.
pub fn draft(parent: &Path) -> std::io::Result<TempDir> {
    sweep(parent)?;
    tempfile::Builder::new()
        .prefix(&format!("{DRAFT}{}-", std::process::id()))
        .tempdir_in(parent)
}

fn sweep(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        let maker = name
            .to_str()
            .and_then(|name| name.strip_prefix(DRAFT)?.split_once('-'));
        if maker.is_some_and(|(pid, _)| !Path::new("/proc").join(pid).exists()) {
            // Two may tidy up at once.
            absent(fs::remove_dir_all(entry))?;
        }
    }
    Ok(())
}

/// Permission bits of a file.
pub fn mode_of(found: &Metadata) -> u32 {
    found.mode() & 0o7777
}

pub fn ids_of(found: &Metadata) -> Ids {
    Ids {
        uid: found.uid(),
        gid: found.gid(),
    }
}

/// "Not there" as a value; every other failure stays one.
fn absent<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Creates a file that is 0600 before it has content, and gets owner and mode before its name.
fn write_private(path: &Path, content: &[u8], mode: u32, ids: Option<Ids>) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    if let Some(ids) = ids {
        std::os::unix::fs::fchown(&file, Some(ids.uid), Some(ids.gid))?;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

fn number(fields: &[String], index: usize) -> Result<u32> {
    fields
        .get(index)
        .and_then(|field| field.parse().ok())
        .with_context(|| format!("an account line has no number in field {}", index + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_dead_left_half_made_is_swept_away() {
        let folder = tempfile::tempdir().unwrap();
        let ours = draft(folder.path()).unwrap();
        // No process has so large a number.
        for name in [".citrino-999999999-x", "999999999-x", ".citrino-notes"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        // By itself, and before somebody makes something new.
        System::at(folder.path()).sweep("/").unwrap();
        fs::create_dir(folder.path().join(".citrino-999999999-y")).unwrap();
        drop(draft(folder.path()).unwrap());
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        let mut wished = vec![
            ours.path().file_name().unwrap().to_owned(),
            ".citrino-notes".into(),
            "999999999-x".into(),
        ];
        wished.sort();
        assert_eq!(left, wished);
    }
}
