//! Are there backups that help: young ones, proven ones, whole ones.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::measured::measured;
use crate::core::engine::CheckResult;
use crate::core::error::{Code, error_info};
use crate::core::secret::Secret;
use crate::core::value::{BackupName, checked};
use crate::facts::backups::{self, Accepts};
use crate::host::system::System;
use crate::storage::archive;
use crate::task::backup_files::{self, Parts};

/// The newest backup is at most so old: what would be lost now.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupAge {
    pub max_h: f64,
}

/// The newest backup that is known to be off the host is at most so old: what would be lost with the host.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffsiteAge {
    pub max_h: f64,
}

/// The newest restore that went well is at most so long ago.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofAge {
    pub max_days: f64,
}

/// The backup is what was written, and can be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whole {
    /// Its name.
    #[serde(deserialize_with = "checked::<_, BackupName>")]
    pub backup: String,
    /// What opens it when it is encrypted; without any its hash alone is looked at.
    #[serde(default)]
    pub identities: Vec<Secret>,
}

impl BackupAge {
    pub fn answer(&self, system: &System) -> Result<CheckResult> {
        let found = backups::gather(system)?;
        let newest = found.newest().map_or("", |one| &one.name);
        if let Some((name, why)) = found.broken.last_key_value()
            && name.as_str() > newest
        {
            return Ok(CheckResult::differs(format!(
                "the newest backup, {name}, cannot be used: {why}; `citrino-ops backup` takes another"
            )));
        }
        if let Some(one) = found.newer_in_doubt() {
            return Ok(CheckResult::differs(format!(
                "what looks like the newest backup, {}, cannot be verified: {}; find out who wrote it",
                one.backup.name, one.why
            )));
        }
        Ok(match found.newest() {
            Some(backup) => measured(
                "age of the newest backup is",
                hours(&backup.at),
                "h",
                Some(self.max_h),
            ),
            None => CheckResult::differs("there is no backup; `citrino-ops backup` takes one"),
        })
    }
}

impl OffsiteAge {
    pub fn answer(&self, system: &System) -> Result<CheckResult> {
        let found = backups::gather(system)?;
        Ok(match found.sent {
            Some(sent) => measured(
                &format!("age of the newest backup in {} is", sent.place),
                hours(&sent.at),
                "h",
                Some(self.max_h),
            ),
            None => CheckResult::differs(
                "no backup was copied off the host yet; `citrino-ops backup` does that",
            ),
        })
    }
}

impl ProofAge {
    pub fn answer(&self, system: &System) -> Result<CheckResult> {
        let found = backups::gather(system)?;
        if let Some((_, proof)) = found.proven() {
            return Ok(measured(
                "age of the newest proof is",
                hours(&proof.at) / 24.0,
                "days",
                Some(self.max_days),
            ));
        }
        let next = "`citrino-ops backup drill` does that";
        let worthless = found.no_proofs.last_key_value();
        Ok(CheckResult::differs(match worthless {
            Some((name, why)) => format!(
                "no backup was proven by a restore yet; {next}; the proof of {name} does not count: {why}"
            ),
            None => format!("no backup was proven by a restore yet; {next}"),
        }))
    }
}

impl Whole {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let identities = archive::identities(&self.identities)?;
        let verified = match backup_files::find(system, &self.backup, Accepts::Foreign) {
            Ok(backup) => Parts::whole(&backup).verify(system, &identities).await,
            Err(error) => Err(error),
        };
        let Err(error) = verified else {
            return Ok(CheckResult::same());
        };
        let trouble = error_info(&error);
        // A key that does not fit says nothing of the backup.
        if trouble.code == Code::E0425 {
            return Err(error);
        }
        Ok(CheckResult::differs(trouble.message))
    }
}

/// Never less than none: what is later than now was left out before.
fn hours(at: &str) -> f64 {
    let age = OffsetDateTime::now_utc() - backups::at(at);
    age.as_seconds_f64().max(0.0) / 3600.0
}
