//! A directory with this mode and owner.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result};
use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};

use super::permissions::Perm;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::system::{Ids, System, ids_of, mode_of};

/// Only the directory itself: what is in it is the wish of other steps. Parents that are not there
/// are made with mode 0755 and belong to root.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    pub path: String,
    #[serde(default = "default_mode")]
    pub mode: Perm,
    /// `user` or `user:group`.
    #[serde(default = "root")]
    pub owner: String,
}

fn default_mode() -> Perm {
    Perm(0o755)
}

fn root() -> String {
    "root".to_owned()
}

/// Makes a directory, or gives the one that is there its mode and owner.
pub fn make(system: &System, path: &str, mode: u32, ids: Ids) -> Result<()> {
    let context = || format!("could not create directory {path}");
    let place = system.path(path);
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).with_context(context)?;
    }
    if system.stat(path)?.is_none() {
        DirBuilder::new()
            .mode(0o700)
            .create(&place)
            .with_context(context)?;
    }
    // Opened without following a link: the owner of the parent could put one there meanwhile, and
    // root would hand the target over to them.
    let folder = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits())
        .open(&place)
        .with_context(context)?;
    std::os::unix::fs::fchown(&folder, Some(ids.uid), Some(ids.gid)).with_context(context)?;
    folder
        .set_permissions(Permissions::from_mode(mode))
        .with_context(context)
}

/// Refuses when a parent is there and is no directory: the directory could never be made.
fn refuse_beneath_a_file(system: &System, path: &str) -> Result<()> {
    for parent in Path::new(path).ancestors().skip(1) {
        if system.stat(parent)?.is_some() {
            if !system.path(parent).is_dir() {
                return Err(refusal(&parent.display().to_string()).into());
            }
            break;
        }
    }
    Ok(())
}

fn refusal(path: &str) -> Fault {
    Fault::new(Code::E0408, format!("{path} exists and is not a directory"))
        .hint("move it away by hand if it is not needed")
}

impl Wish<System> for Directory {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let Some(found) = system.stat(&self.path)? else {
            refuse_beneath_a_file(system, &self.path)?;
            return Ok(CheckResult::differs(format!(
                "{} does not exist",
                self.path
            )));
        };
        if !found.is_dir() {
            return Err(refusal(&self.path).into());
        }
        let mut what = Vec::new();
        if mode_of(&found) != self.mode.0 {
            what.push(format!(
                "mode is {:04o}, expected {:04o}",
                mode_of(&found),
                self.mode.0
            ));
        }
        // An owner that is not there yet is a difference: an earlier step will make it.
        if system.ids(&self.owner).ok() != Some(ids_of(&found)) {
            let Ids { uid, gid } = ids_of(&found);
            what.push(format!("owner is {uid}:{gid}, expected {}", self.owner));
        }
        Ok(CheckResult::from(what))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let ids = system.ids(&self.owner)?;
        make(system, &self.path, self.mode.0, ids)
    }
}
