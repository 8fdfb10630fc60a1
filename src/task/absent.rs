//! What shall not be on the host.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::engine::{CheckResult, Wish};
use crate::core::event::Act;
use crate::host::system::System;

/// A file, a link or a folder with all that is in it. A link is removed, and not what it leads to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absent {
    pub path: String,
}

impl Wish<System> for Absent {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        Ok(match system.stat(&self.path)? {
            None => CheckResult::same(),
            Some(_) => CheckResult::differs(format!("{} exists", self.path)).by(Act::Delete),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        system.remove(&self.path)
    }
}
