//! Backups as wishes: taken, proven, pruned, and back in production.

use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::stack::Stack;
use crate::core::app_profile::AppProfile;
use crate::core::plan::Step;
use crate::core::secret::Secret;
use crate::core::stack_key::StackKey;
use crate::core::value::HostName;
use crate::facts::Facts;
use crate::facts::app::AppFacts;
use crate::facts::backups::{self, Accepts, Backups, Format};
use crate::storage::bucket::Bucket;
use crate::storage::retention::Retention;
use crate::task::release_check::ReleaseCheck;
use crate::task::{Backup, BackupDownloaded, Drill, Offsite, Pruned, SigningKey, Task};

mod choice;
mod restore;

pub use choice::{find, wished};
pub use restore::{RestoreSteps, SAFETY, Swapping};

/// The part of a plan that these steps stand in.
const PART: &str = "backup";
/// What a host must know to take backups, with nobody there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    pub stack: String,
    /// The host's name. Absent in what an earlier version wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,
    pub database: String,
    /// age recipients; none leaves the backups readable on the host.
    pub recipients: Vec<String>,
    pub keep: Retention,
    pub proof_max_age_days: u32,
    /// Where they go beside the host.
    #[serde(default)]
    pub s3: Option<Bucket>,
    /// The app whose backups they are. A host keeps it in a file of its own.
    #[serde(skip)]
    pub profile: Arc<AppProfile>,
}

/// What becomes of the databases that restores have set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetAside {
    Kept,
    /// Those go that have no row.
    DroppedIfEmpty,
    Dropped,
}

impl Settings {
    /// With the secrets that were read for backups.
    pub fn of(stack: &Stack, secrets: &[(String, Secret)]) -> Self {
        Self {
            stack: stack.name.to_string(),
            host: Some(stack.only_host().name),
            database: stack.database.name.to_string(),
            recipients: stack.backup.recipients.clone(),
            keep: stack.backup.keep(),
            proof_max_age_days: *stack.backup.proof_max_age_days,
            s3: bucket(stack, secrets),
            profile: stack.profile.clone(),
        }
    }

    /// One of this moment, and what need not be kept any more is gone.
    pub fn taken(&self, app: &AppFacts, at: OffsetDateTime, format: Format) -> Vec<Step<Task>> {
        let backup = Backup {
            format,
            ..self.of_now(app, at)
        };
        vec![
            step("back up the database", backup),
            self.pruned(at, SetAside::Kept),
        ]
    }

    /// The host has the key that backups are signed with: this one, when the operator has one already.
    /// What stands there is signed when it is the stack's first one.
    pub fn signed(&self, key: Option<StackKey>, is_first: bool) -> Step<Task> {
        let signing = SigningKey {
            stack: self.stack.clone(),
            key,
            signs: is_first,
        };
        step("signing key", signing)
    }

    /// What the host has is in the bucket too; nothing where there is none.
    pub fn sent(&self, at: OffsetDateTime) -> Option<Step<Task>> {
        let offsite = self.offsite(at)?;
        let name = format!("copy backups to {}", offsite.bucket.url());
        Some(step(name, offsite))
    }

    /// What need not be kept is gone from the bucket; nothing where there is none.
    pub fn pruned_there(&self, at: OffsetDateTime) -> Option<Step<Task>> {
        let offsite = Offsite {
            only_less: true,
            ..self.offsite(at)?
        };
        let name = format!("delete old backups in {}", offsite.bucket.url());
        Some(step(name, offsite))
    }

    fn offsite(&self, at: OffsetDateTime) -> Option<Offsite> {
        Some(Offsite {
            bucket: self.s3.clone()?,
            keep: Some(self.keep.clone()),
            now: rfc3339(at),
            only_less: false,
        })
    }

    /// A backup of a bucket is on the host.
    pub fn fetched(bucket: &Bucket, name: &str, accepts: Accepts) -> Step<Task> {
        let fetched = BackupDownloaded {
            bucket: bucket.clone(),
            backup: name.to_owned(),
            accepts,
        };
        step(format!("download {name} to the host"), fetched)
    }

    /// The same, restored before it counts.
    pub fn taken_and_proven(&self, app: &AppFacts, at: OffsetDateTime) -> Vec<Step<Task>> {
        let backup = Backup {
            prove: true,
            ..self.of_now(app, at)
        };
        vec![
            step("back up the database and prove the backup", backup),
            self.pruned(at, SetAside::Kept),
        ]
    }

    /// One from before the migrations of a release; proven when the last proof is too old to rely on.
    pub fn before_migrations(&self, facts: &Facts, at: OffsetDateTime, binary: &str) -> Backup {
        Backup {
            before: Some(binary.to_owned()),
            prove: !self.is_proven(&facts.backups, at),
            ..self.of_now(&facts.app, at)
        }
    }

    /// A backup of this moment.
    fn of_now(&self, app: &AppFacts, at: OffsetDateTime) -> Backup {
        Backup {
            name: self.profile.backup_name(at),
            stack: self.stack.clone(),
            database: self.database.clone(),
            format: Format::Custom,
            recipients: self.recipients.clone(),
            before: None,
            if_any: false,
            safety: false,
            prove: false,
            trial: self.trial(app),
        }
    }

    /// The release that serves, to be asked on a copy.
    fn trial(&self, app: &AppFacts) -> Option<ReleaseCheck> {
        app.live_release()
            .map(|release| ReleaseCheck::of(&self.profile, release))
    }

    fn is_proven(&self, backups: &Backups, at: OffsetDateTime) -> bool {
        let oldest = at - time::Duration::days(self.proof_max_age_days.into());
        backups
            .proven()
            .is_some_and(|(_, proof)| backups::at(&proof.at) >= oldest)
    }

    /// A backup is proven by a restore of it, once more when it was before.
    ///
    /// # Errors
    /// E0422 when there is none, or none of that name; E0423 when it is of another stack.
    pub fn drilled(
        &self,
        facts: &Facts,
        name: Option<&str>,
        identities: Vec<Secret>,
    ) -> Result<Vec<Step<Task>>> {
        let backup = wished(&facts.backups, name, Accepts::Foreign)?;
        backup.is_of(
            &self.stack,
            "drill it on a host of that stack, or restore it here with `restore --from-other-stack`",
        )?;
        let proofs = &facts.backups.proofs;
        let drill = Drill {
            backup: backup.name.clone(),
            after: proofs.get(&backup.name).map(|proof| proof.at.clone()),
            identities,
            trial: self.trial(&facts.app),
        };
        Ok(vec![step(format!("prove {}", backup.name), drill)])
    }

    /// What need not be kept is gone; of the databases that restores have set aside, as many as is said.
    pub fn pruned(&self, at: OffsetDateTime, aside: SetAside) -> Step<Task> {
        let pruned = Pruned {
            database: self.database.clone(),
            keep: self.keep.clone(),
            now: rfc3339(at),
            previous: aside != SetAside::Kept,
            if_empty: aside == SetAside::DroppedIfEmpty,
        };
        step("delete old backups", pruned)
    }
}

/// The bucket of citrino.yml; without a prefix of its own the stack's name is one.
fn bucket(stack: &Stack, secrets: &[(String, Secret)]) -> Option<Bucket> {
    let s3 = stack.backup.s3.as_ref()?;
    let secret = |wished: &str| {
        let found = secrets.iter().find(|(name, _)| name == wished);
        found.map_or(Secret::new(""), |(_, secret)| secret.clone())
    };
    Some(Bucket {
        bucket: s3.bucket.clone(),
        endpoint: s3.endpoint.as_ref().map(ToString::to_string),
        region: s3.region.clone(),
        prefix: s3.prefix.clone().unwrap_or_else(|| stack.name.to_string()),
        key_id: secret("S3_KEY_ID"),
        secret: secret("S3_SECRET"),
        append_only: s3.append_only,
    })
}

fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

fn step(name: impl Into<String>, task: impl Into<Task>) -> Step<Task> {
    Step::new(PART, name, task)
}

#[cfg(test)]
mod tests;
