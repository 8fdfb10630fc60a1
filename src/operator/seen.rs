//! What was last seen on a host, for completing names in a shell, where a key press must not wait for a connection, and for `doctor`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::core::value::{BackupName, HostName, ReleaseId, ToolVersion, checked_each};
use crate::facts::Facts;
use crate::operator::cache;

/// The names, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenNames {
    #[serde(default, deserialize_with = "checked_each::<_, ReleaseId>")]
    pub releases: Vec<String>,
    #[serde(default, deserialize_with = "checked_each::<_, BackupName>")]
    pub backups: Vec<String>,
    /// The version of the citrino-ops that converged it last.
    #[serde(default)]
    pub converged_by: Option<ToolVersion>,
}

impl SeenNames {
    /// Of what a host says of itself.
    pub fn of(facts: &Facts) -> Self {
        let releases = facts.app.releases.iter().map(|one| one.id.clone());
        let mut releases: Vec<String> = releases.collect();
        releases.sort();
        releases.reverse();
        let backups = facts.backups.all().map(|one| one.name.clone());
        Self {
            releases,
            backups: backups.collect(),
            converged_by: facts.converged_by,
        }
    }

    /// Nothing where no command has spoken to the host yet, or the file cannot be read.
    pub fn read(host: &HostName) -> Self {
        let text = std::fs::read_to_string(path(host)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Keeps them where they are not kept yet. Where that fails, a shell completes less: no command fails for it.
    pub fn keep(&self, host: &HostName) {
        if *self == Self::read(host) {
            return;
        }
        if let Ok(text) = serde_json::to_vec(self) {
            let _ = cache::put(&path(host), &text);
        }
    }
}

fn path(host: &HostName) -> PathBuf {
    cache::folder(host).join("seen.json")
}
