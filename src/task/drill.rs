//! A backup is restored into a scratch database, compared with what was written, and asked as the app asks.

use std::time::Instant;

use age::x25519::Identity;
use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::backup_files::{self, Parts};
use super::postgres::app_role::AppRole;
use super::postgres::archive::RestoreTarget;
use super::postgres::{clone, surroundings};
pub use super::release_check::ReleaseCheck;
use super::release_check::clear;
use super::scratch::Scratch;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::event::now;
use crate::core::secret::Secret;
use crate::core::value::{BackupName, checked};
use crate::facts::backups::{self, Accepts, BackupManifest, Proof};
use crate::host::stack_key;
use crate::host::system::System;
use crate::storage::archive;

/// What `PostGIS` must be able to do on it: a restore can leave tables that are counted well and cannot be asked where they are.
const SPATIAL: &str = "SELECT ST_DWithin(ST_MakePoint(-63.182, -17.783)::geography, ST_MakePoint(-63.18, -17.78)::geography, 2000);\n";

/// `check` finds nothing to do when this very dump was proven, by another restore than the one that is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drill {
    /// The name of the backup.
    #[serde(deserialize_with = "checked::<_, BackupName>")]
    pub backup: String,
    /// The time of the proof that no longer counts.
    #[serde(default)]
    pub after: Option<String>,
    /// What opens it when it is encrypted, as age key files have it.
    #[serde(default)]
    pub identities: Vec<Secret>,
    /// The release that is asked on it; none where none serves.
    #[serde(default)]
    pub trial: Option<ReleaseCheck>,
}

impl Wish<System> for Drill {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let proofs = backups::gather(system)?.proofs;
        let proof = proofs.get(&self.backup);
        let proof = proof.filter(|proof| self.after.as_ref() != Some(&proof.at));
        Ok(match proof {
            Some(proof) => {
                CheckResult::same().with_figure(seconds(proof.took_ms), "s to restore", None)
            }
            None => CheckResult::differs(format!("{} is not proven by a restore", self.backup)),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let backup = backup_files::find(system, &self.backup, Accepts::Own)?;
        let identities = archive::identities(&self.identities)?;
        prove(system, &backup, &identities, self.trial.as_ref()).await
    }
}

/// For a figure.
#[allow(clippy::cast_precision_loss)]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1e3
}

/// Restores it into a scratch database, checks that, and deletes it. An earlier proof is kept only when the drill succeeds.
///
/// # Errors
/// E0422 and E0425 as for a restore, E0424 when the release does not answer on what was restored.
pub async fn prove(
    system: &System,
    backup: &BackupManifest,
    identities: &[Identity],
    trial: Option<&ReleaseCheck>,
) -> Result<()> {
    let scratch = Scratch::of(&backup.database);
    // A drill that was killed has left its own behind.
    clear(system, &scratch).await?;
    let begun = Instant::now();
    let passed = pass(system, backup, identities, trial, &scratch).await;
    let took = begun.elapsed();
    let cleared = clear(system, &scratch).await;
    passed?;
    cleared?;
    let proof = Proof {
        sha256: backup.dump.sha256.clone(),
        at: now(),
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        release: trial.map(|trial| trial.release().to_owned()),
    };
    let text = proof.text(backup, &stack_key::need(system)?)?;
    let path = backups::proof(system.app(), &backup.name);
    system
        .write_atomic(path, text.as_bytes(), 0o600, None, &[])
        .await
}

async fn pass(
    system: &System,
    backup: &BackupManifest,
    identities: &[Identity],
    trial: Option<&ReleaseCheck>,
    scratch: &Scratch,
) -> Result<()> {
    let parts = Parts::whole(backup);
    parts.verify(system, identities).await?;
    clone::has_room_for(system, &backup.database, backup.database_bytes).await?;
    scratch.create(system).await?;
    let role = AppRole::of(system, &backup.database).await?;
    let target = RestoreTarget {
        live: &backup.database,
        fresh: &scratch.name,
        role: &role,
        grants: true,
    };
    parts.restore(system, identities, &target).await?;
    surroundings::proven(system, &backup.database, &scratch.name).await?;
    role.analyze(system, &scratch.name).await?;
    if backup.postgis.is_some() {
        let asked = role.ask_as_app(system, &scratch.name, SPATIAL).await;
        asked.map_err(|error| {
            backup_files::broken(
                backup,
                &format!("PostGIS does not work on the restored database: {error:#}"),
            )
        })?;
    }
    let Some(trial) = trial else {
        return Ok(());
    };
    // One of an older schema: a restore of it in earnest would be brought up to date as well.
    let answers = async {
        trial.migrate(system, scratch).await?;
        trial.serve(system, scratch).await
    };
    answers.await.map_err(|error| failed(backup, &error).into())
}

fn failed(backup: &BackupManifest, error: &anyhow::Error) -> Fault {
    Fault::new(
        Code::E0424,
        format!(
            "{} was restored, but the release does not answer on it: {error:#}",
            backup.name
        ),
    )
    .hint("the live database was only read; find out why the release fails, and drill again")
}
