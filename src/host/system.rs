//! All that a task may touch of a host: files below a root, and programs by argument list.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

mod cmd;
mod draft;
mod files;
mod folder;
mod foresight;
mod found;
mod program;
mod walk;

pub use cmd::Cmd;
pub use draft::DRAFT;
pub use files::{OpenSocket, OwnFile, PROGRAM, give_file, random};
pub use folder::{TEXT, running};
pub use foresight::{FutureFile, FutureUnit};
pub use found::{Found, Ids, Kind};
pub use program::Output;

use crate::core::app_profile::AppProfile;
use crate::core::error::{Code, Fault};

/// One host, seen from inside.
#[derive(Clone)]
pub struct System {
    root: PathBuf,
    app: Arc<AppProfile>,
    /// Who beside root may own folders on the way to what is written now, since that will be his.
    owner: Option<Ids>,
    /// What the steps before would have made of it, in a run that only looks.
    foresight: foresight::Foresight,
}

impl System {
    /// The host that this process runs on.
    pub fn host() -> Self {
        Self::at("/")
    }

    /// A host whose files lie below `root`: for tests.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            app: Arc::default(),
            owner: None,
            foresight: foresight::Foresight::default(),
        }
    }

    /// The same host, with this app on it in place of Citrino.
    #[must_use]
    pub fn with_app(self, app: impl Into<Arc<AppProfile>>) -> Self {
        let app = app.into();
        Self { app, ..self }
    }

    /// The same host, where files of this owner are read and written: his own folders lead to them too.
    pub fn of(&self, owner: Option<Ids>) -> Self {
        Self {
            owner,
            ..self.clone()
        }
    }

    /// What is known of the app on it.
    pub fn app(&self) -> &AppProfile {
        &self.app
    }

    /// The same for whoever keeps it.
    pub fn shared_app(&self) -> Arc<AppProfile> {
        self.app.clone()
    }

    /// A place as programs and people name it. Who opens it takes the way of `read`, `open` and the others, never this path.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
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
        let text = self
            .accounts(file)
            .with_context(|| format!("could not read {file}"))?;
        Ok(text
            .lines()
            .map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>())
            .find(|fields| fields[0] == name))
    }

    /// The name of the group that has this number.
    ///
    /// # Errors
    /// When /etc/group cannot be read.
    pub fn name_of_group(&self, gid: &str) -> Result<Option<String>> {
        let text = self.accounts("/etc/group")?;
        let lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let mut found = lines.filter(|fields| fields.get(2) == Some(&gid));
        Ok(found.next().map(|fields| fields[0].to_owned()))
    }

    /// Whether the user or group of this name has this number.
    fn has_number(&self, file: &str, name: &str, number: u32) -> Result<bool> {
        let fields = self.find_account(file, name)?;
        let found = fields.and_then(|fields| fields.get(2)?.parse::<u32>().ok());
        Ok(found == Some(number))
    }
}

fn number(fields: &[String], index: usize) -> Result<u32> {
    fields
        .get(index)
        .and_then(|field| field.parse().ok())
        .with_context(|| format!("an account line has no number in field {}", index + 1))
}
