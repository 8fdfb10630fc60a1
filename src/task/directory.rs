//! A directory with this mode and owner.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::permissions::Perm;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::system::{Ids, Kind, System};

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

/// Refuses when a parent is there and is no directory: the directory could never be made.
fn refuse_beneath_a_file(system: &System, path: &str) -> Result<()> {
    for parent in Path::new(path).ancestors().skip(1) {
        if let Some(found) = system.stat(parent)? {
            if found.kind != Kind::Folder {
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
        let system = &system.of(system.ids(&self.owner).ok());
        let Some(found) = system.stat(&self.path)? else {
            refuse_beneath_a_file(system, &self.path)?;
            return Ok(CheckResult::differs(format!(
                "{} does not exist",
                self.path
            )));
        };
        if found.kind != Kind::Folder {
            return Err(refusal(&self.path).into());
        }
        let mut what = Vec::new();
        if found.mode != self.mode.0 {
            what.push(format!(
                "mode is {:04o}, expected {:04o}",
                found.mode, self.mode.0
            ));
        }
        // An owner that is not there yet is a difference: an earlier step will make it.
        if system.ids(&self.owner).ok() != Some(found.ids) {
            let Ids { uid, gid } = found.ids;
            what.push(format!("owner is {uid}:{gid}, expected {}", self.owner));
        }
        Ok(CheckResult::from(what))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let ids = system.ids(&self.owner)?;
        system.make_directory(&self.path, self.mode.0, ids)
    }
}
