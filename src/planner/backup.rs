//! Backups as wishes: taken, proven, pruned, and back in production.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::stack::Stack;
use crate::core::error::{Code, Fault};
use crate::core::plan::Step;
use crate::core::secret::Secret;
use crate::facts::Facts;
use crate::facts::app::{AppFacts, binary};
use crate::facts::backups::{self, Backups, Format};
use crate::planner::release;
use crate::storage::bucket::Bucket;
use crate::storage::retention::Retention;
use crate::task::release_check::ReleaseCheck;
use crate::task::{
    Backup, BackupDownloaded, Drill, Offsite, PostgresDatabase, Pruned, Recovered, Restored,
    SwapReverted, Task, backup_downloaded::LATEST, recovered,
};

/// The part of a plan that these steps stand in.
const PART: &str = "backup";
/// The wish that what a restore sets aside is a backup as well.
pub const SAFETY: &str = "back up the current database";

/// What playbooks/pitr.yml calls the cluster before pgBackRest.
const STANZA: &str = "citrino";

/// What a host must know to take backups, with nobody there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    pub stack: String,
    pub database: String,
    /// age recipients; none leaves the backups readable on the host.
    pub recipients: Vec<String>,
    pub keep: Retention,
    pub proof_max_age_days: u32,
    /// Where they go beside the host.
    #[serde(default)]
    pub s3: Option<Bucket>,
}

/// A way back to older data.
pub struct Restore {
    pub steps: Vec<Step<Task>>,
    pub on_failure: Vec<Step<Task>>,
    /// The step in which the databases change their names: what it would change is what is given up.
    pub swap: Step<Task>,
}

impl Settings {
    /// With the secrets that were read for backups.
    pub fn of(stack: &Stack, secrets: &[(String, Secret)]) -> Self {
        Self {
            stack: stack.name.to_string(),
            database: stack.database.name.to_string(),
            recipients: stack.backup.recipients.clone(),
            keep: stack.backup.keep(),
            proof_max_age_days: *stack.backup.proof_max_age_days,
            s3: bucket(stack, secrets),
        }
    }

    /// One of this moment, and what need not be kept any more is gone.
    pub fn taken(&self, app: &AppFacts, at: OffsetDateTime, format: Format) -> Vec<Step<Task>> {
        let backup = Backup {
            format,
            ..self.one(app, at)
        };
        vec![step("back up the database", backup), self.pruned(at, false)]
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
    pub fn fetched(bucket: &Bucket, name: &str) -> Step<Task> {
        let fetched = BackupDownloaded {
            bucket: bucket.clone(),
            backup: name.to_owned(),
        };
        step(format!("download {name} to the host"), fetched)
    }

    /// The same, restored before it counts.
    pub fn taken_and_proven(&self, app: &AppFacts, at: OffsetDateTime) -> Vec<Step<Task>> {
        let backup = Backup {
            prove: true,
            ..self.one(app, at)
        };
        vec![
            step("back up the database and prove the backup", backup),
            self.pruned(at, false),
        ]
    }

    /// One from before the migrations of a release; proven when the last proof is too old to rely on.
    pub fn before_migrations(&self, facts: &Facts, at: OffsetDateTime, binary: &str) -> Backup {
        Backup {
            before: Some(binary.to_owned()),
            prove: !self.is_proven(&facts.backups, at),
            ..self.one(&facts.app, at)
        }
    }

    fn one(&self, app: &AppFacts, at: OffsetDateTime) -> Backup {
        Backup {
            name: backups::name(at),
            stack: self.stack.clone(),
            database: self.database.clone(),
            format: Format::Custom,
            recipients: self.recipients.clone(),
            before: None,
            if_any: false,
            prove: false,
            trial: trial(app),
        }
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
        let backup = wished(&facts.backups, name)?;
        backup.is_of(
            &self.stack,
            "drill it on a host of that stack, or restore it here with `restore --from-other-stack`",
        )?;
        let proofs = &facts.backups.proofs;
        let drill = Drill {
            backup: backup.name.clone(),
            after: proofs.get(&backup.name).map(|proof| proof.at.clone()),
            identities,
            trial: trial(&facts.app),
        };
        Ok(vec![step(format!("prove {}", backup.name), drill)])
    }

    /// What need not be kept is gone; the databases that restores have set aside too, when that is asked for.
    pub fn pruned(&self, at: OffsetDateTime, previous: bool) -> Step<Task> {
        self.without(at, previous, false)
    }

    /// The same with those alone of the databases set aside that have no row.
    pub fn pruned_of_empty(&self, at: OffsetDateTime) -> Step<Task> {
        self.without(at, true, true)
    }

    fn without(&self, at: OffsetDateTime, previous: bool, if_empty: bool) -> Step<Task> {
        let pruned = Pruned {
            database: self.database.clone(),
            keep: self.keep.clone(),
            now: rfc3339(at),
            previous,
            if_empty,
        };
        step("delete old backups", pruned)
    }

    /// The database is that of a backup; the one of now is backed up before, and stays aside.
    pub fn restored(
        &self,
        stack: &Stack,
        app: &AppFacts,
        at: OffsetDateTime,
        backup: &backups::Backup,
        identities: Vec<Secret>,
    ) -> Restore {
        let previous = backups::previous(&self.database, at);
        let restored = Restored {
            database: self.database.clone(),
            backup: backup.name.clone(),
            previous: previous.clone(),
            owner: (backup.stack != self.stack).then(|| stack.database.user.to_string()),
            identities,
        };
        self.came_back(stack, app, at, step(restored.wish(), restored), previous)
    }

    /// The same with the database as it was at a point in time.
    pub fn recovered(
        &self,
        stack: &Stack,
        app: &AppFacts,
        at: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Restore {
        let previous = backups::previous(&self.database, at);
        let recovered = Recovered {
            database: self.database.clone(),
            to: recovered::shown(to),
            previous: previous.clone(),
            stanza: STANZA.to_owned(),
        };
        self.came_back(stack, app, at, step(recovered.wish(), recovered), previous)
    }

    /// What stands around any way in which another database takes the live one's place.
    pub fn came_back(
        &self,
        stack: &Stack,
        app: &AppFacts,
        at: OffsetDateTime,
        swap: Step<Task>,
        previous: String,
    ) -> Restore {
        let there = PostgresDatabase::owned(&self.database, &stack.database.user);
        let safety = Backup {
            if_any: true,
            ..self.one(app, at)
        };
        let mut steps = vec![step("database", there), step(SAFETY, safety), swap.clone()];
        steps.extend(release::serves_on(stack, app));
        let back = SwapReverted {
            database: self.database.clone(),
            previous,
        };
        let mut on_failure = vec![step("switch back to the previous database", back)];
        on_failure.extend(release::answers_again(stack, app));
        Restore {
            steps,
            on_failure,
            swap,
        }
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

/// The backup of the host that is meant: by its name or the begin or end of it, or the newest.
///
/// # Errors
/// E0422 when there is none.
pub fn wished<'a>(backups: &'a Backups, name: Option<&str>) -> Result<&'a backups::Backup> {
    let name = name.filter(|name| *name != LATEST);
    if name.is_none() && backups.newest().is_none() {
        return Err(none_of_its_own(backups).into());
    }
    find(backups, name).map_err(|why| {
        Fault::new(Code::E0422, why)
            .hint("nothing was changed; `citrino-ops backup list` shows the names")
            .into()
    })
}

fn none_of_its_own(backups: &Backups) -> Fault {
    if let Some(foreign) = backups.foreign.first() {
        let message = format!(
            "the host has no backup of this stack; {} is from stack {}",
            foreign.name, foreign.stack
        );
        let hint =
            "nothing was changed; to use it, name it and add --from-other-stack to `restore`";
        return Fault::new(Code::E0422, message).hint(hint);
    }
    if let Some((name, why)) = backups.broken.last_key_value() {
        return Fault::new(Code::E0422, format!("backup {name} cannot be used: {why}"))
            .hint("nothing was changed; there is no other backup: `citrino-ops backup` takes one");
    }
    Fault::new(Code::E0422, "there is no backup on the host").hint("`citrino-ops backup` takes one")
}

/// The same wherever they are.
///
/// # Errors
/// Why there is none, as a sentence.
pub fn find<'a>(backups: &'a Backups, name: Option<&str>) -> Result<&'a backups::Backup, String> {
    let cannot = |name: &str, why: &str| format!("backup {name} cannot be used: {why}");
    let Some(name) = name.filter(|name| *name != LATEST) else {
        let why = || match backups.broken.last_key_value() {
            Some((name, why)) => cannot(name, why),
            None => "there is no backup".to_owned(),
        };
        return backups.newest().ok_or_else(why);
    };
    if let Some(why) = backups.broken.get(name) {
        return Err(cannot(name, why));
    }
    let fits = |one: &&backups::Backup| one.name.starts_with(name) || one.name.ends_with(name);
    let found: Vec<_> = backups.all().filter(fits).collect();
    match found.as_slice() {
        [backup] => Ok(backup),
        [] => Err(format!("there is no backup {name}")),
        several => Err(format!("{} backups match {name}", several.len())),
    }
}

/// The release that serves, to be asked on a copy.
fn trial(app: &AppFacts) -> Option<ReleaseCheck> {
    app.live_release()
        .map(|release| ReleaseCheck::of(binary(release)))
}

fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

fn step(name: impl Into<String>, task: impl Into<Task>) -> Step<Task> {
    Step::new(PART, name, task)
}

#[cfg(test)]
mod tests;
