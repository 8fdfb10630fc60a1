//! A symbolic link to this place.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::system::{Kind, System};

/// The link changes by a rename, so that a reader sees the old target or the new one and never
/// none: a release is switched so. The target need not be there yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub path: String,
    /// What the link says, as it stands in the link: absolute, or relative to the link's folder.
    pub to: String,
}

impl Link {
    /// What the link says now; `None` when nothing is there.
    ///
    /// # Errors
    /// E0408 when something is there that is no link: replacing it could lose data.
    fn target(&self, system: &System) -> Result<Option<PathBuf>> {
        let Some(found) = system.stat(&self.path)? else {
            return Ok(None);
        };
        if found.kind != Kind::Link {
            let kind = found.kind.named();
            return Err(Fault::new(
                Code::E0408,
                format!("{} is {kind}, expected a link", self.path),
            )
            .hint("move it away by hand if it is not needed")
            .into());
        }
        system.read_link(&self.path)
    }
}

impl Wish<System> for Link {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        Ok(match self.target(system)? {
            None => CheckResult::differs(format!("{} does not exist", self.path)),
            Some(target) if target == Path::new(&self.to) => CheckResult::same(),
            Some(target) => CheckResult::differs(format!(
                "{} points to {}, expected {}",
                self.path,
                target.display(),
                self.to
            )),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        self.target(system)?;
        system.write_link(&self.path, Path::new(&self.to))
    }
}
