//! A backup of a database: dumped, packed, read back, and only then called by its name.

use std::fs::File;
use std::time::Instant;

use anyhow::Result;
use serde::{Deserialize, Serialize};

mod failure;
mod snapshot;

use failure::failed;
use snapshot::Snapshot;

use super::backup_files::{self, Parts};
use super::drill::{self, ReleaseCheck};
use super::postgres::{clone, reader};
use crate::core::engine::{CheckResult, Wish};
use crate::core::event::now;
use crate::core::value::{BackupName, checked};
use crate::facts::app::{self, Schema};
use crate::facts::backups::{self, Accepts, Format, Judge, PART};
use crate::host::stack_key;
use crate::host::system::System;
use crate::storage::archive::{ArchiveContent, Packer, Recipients};

/// `check` finds nothing to do when it is there, and when the release that it is made before migrates nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The name of the app and the time: `shop_20261125_150000`
    #[serde(deserialize_with = "checked::<_, BackupName>")]
    pub name: String,
    pub stack: String,
    pub database: String,
    #[serde(default)]
    pub format: Format,
    /// age recipients; none for a backup that is not encrypted.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// The binary of the release whose migrations it is made before; only a database that has something to lose then
    /// gets one.
    #[serde(default)]
    pub before: Option<String>,
    /// Only a database that has a table gets one.
    #[serde(default)]
    pub if_any: bool,
    /// It is of what a restore or an import is about to set aside.
    #[serde(default)]
    pub safety: bool,
    /// It must be restored as well, and found whole, before anything else goes on.
    #[serde(default)]
    pub prove: bool,
    /// The release that is asked on what was restored; none where none serves.
    #[serde(default)]
    pub trial: Option<ReleaseCheck>,
}

impl Wish<System> for Backup {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        if let Some(binary) = &self.before {
            match schema(system, binary).await? {
                Err(reason) => return Ok(CheckResult::differs(reason)),
                // A database that was never migrated has nothing to lose.
                Ok(schema) if schema.pending.is_empty() || schema.applied.is_empty() => {
                    return Ok(CheckResult::same());
                }
                Ok(_) => {}
            }
        }
        if self.if_any {
            match is_empty(system, &self.database).await? {
                Err(reason) => return Ok(CheckResult::differs(reason)),
                Ok(true) => return Ok(CheckResult::same()),
                Ok(false) => {}
            }
        }
        let judge = Judge::on(system)?;
        let found = backups::read(system, &self.name, &judge)?;
        let own = found.map(|found| {
            let accepted = found?.accepted(Accepts::Own);
            accepted.map_err(|fault| fault.message)
        });
        Ok(match own {
            Some(Ok(backup))
                if self.prove && backups::valid_proof(system, &backup, &judge)?.is_none() =>
            {
                CheckResult::differs(format!("{} is not proven by a restore", self.name))
            }
            Some(Ok(backup)) => CheckResult::same().with_figure(mb(backup.dump.bytes), "MB", None),
            Some(Err(why)) => CheckResult::differs(format!("{}: {why}", self.name)),
            None => CheckResult::differs(format!("backup {} does not exist", self.name)),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let (at, begun) = (now(), Instant::now());
        // One that nobody could sign would be of no use.
        stack_key::need(system)?;
        // What a run that was killed has left of this name is no backup from now on; nor is what belongs to none.
        system.remove(backups::manifest(system.app(), &self.name))?;
        for file in backups::strays(system, &backups::gather(system)?)? {
            system.remove(system.app().backup_file(&file))?;
        }
        let release = app::live_release(system)?;
        let binary = self.before.clone().or(release
            .as_deref()
            .map(|release| system.app().binary_of(release)));
        let schema = match &binary {
            Some(binary) => self.schema(system, binary).await?,
            None => Some(Schema::default()),
        };
        let to = Recipients::of(&self.recipients)?;
        let snapshot = Snapshot::take(system, &self.database).await?;
        let mut manifest = backups::BackupManifest {
            name: self.name.clone(),
            at,
            stack: self.stack.clone(),
            database: self.database.clone(),
            safety: self.safety,
            release,
            format: self.format,
            recipients: self.recipients.clone(),
            rows: snapshot.rows.clone(),
            schema,
            postgres: snapshot.postgres.clone(),
            postgis: snapshot.postgis.clone(),
            database_bytes: snapshot.bytes,
            ..backups::BackupManifest::default()
        };
        let kind = backup_files::BackupFileKind::of(self.format, &self.database, &snapshot.id);
        let (dump, unpacked) = self.write(system, &kind, &to).await?;
        let (globals, _) = self
            .write(system, &backup_files::BackupFileKind::Globals, &to)
            .await?;
        snapshot.end().await?;
        (manifest.dump, manifest.globals) = (dump, globals);
        manifest.unpacked_bytes = unpacked;
        self.name_it(system, &mut manifest, &to, begun).await
    }
}

impl Backup {
    /// A release that cannot tell it, since it is torn or locked out, is what one wants a backup for; only what a
    /// migration is about to change must be known.
    async fn schema(&self, system: &System, binary: &str) -> Result<Option<Schema>> {
        match schema(system, binary).await? {
            Err(why) if self.before.is_some() => Err(failed(&why).into()),
            told => Ok(told.ok()),
        }
    }

    /// Writes a file under a name that says that it is not whole.
    async fn write(
        &self,
        system: &System,
        kind: &backup_files::BackupFileKind<'_>,
        to: &Recipients,
    ) -> Result<(ArchiveContent, u64)> {
        let sealed = if self.recipients.is_empty() {
            ""
        } else {
            ".age"
        };
        let file = format!("{}{}{sealed}", self.name, kind.ending());
        let path = system.app().backup_file(&format!("{file}{PART}"));
        let part = system.create(&path)?;
        let packed = pack(system, part, kind, to).await;
        if packed.is_err() {
            system.remove(&path)?;
        }
        let (sha256, bytes, unpacked) = packed.map_err(|error| failed(&format!("{error:#}")))?;
        Ok((
            ArchiveContent {
                file,
                sha256,
                bytes,
            },
            unpacked,
        ))
    }

    /// Reads it back, and gives it its name: the manifest comes last.
    async fn name_it(
        &self,
        system: &System,
        manifest: &mut backups::BackupManifest,
        to: &Recipients,
        begun: Instant,
    ) -> Result<()> {
        let identities = to.identities();
        let parts = Parts::of(manifest, PART);
        if let Err(error) = parts.verify(system, &identities).await {
            parts.remove(system)?;
            return Err(error);
        }
        for content in manifest.contents() {
            let name = system.app().backup_file(&content.file);
            system.rename(format!("{name}{PART}"), &name)?;
        }
        manifest.took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let path = backups::manifest(system.app(), &self.name);
        let text = manifest.text(&stack_key::need(system)?)?;
        system
            .write_atomic(path, text.as_bytes(), 0o600, None, &[])
            .await?;
        if self.prove {
            let proven = drill::prove(system, manifest, &identities, self.trial.as_ref()).await;
            if proven.is_err() {
                // It was to be proven, so it counts for nothing; kept, it would be one more with each try.
                system.remove(backups::manifest(system.app(), &self.name))?;
                Parts::whole(manifest).remove(system)?;
            }
            proven?;
        }
        Ok(())
    }
}

/// Dumps into a file: its hash, its length, and the length before it was packed.
async fn pack(
    system: &System,
    part: File,
    kind: &backup_files::BackupFileKind<'_>,
    to: &Recipients,
) -> Result<(String, u64, u64)> {
    let mut packer = Packer::new(part, kind.packing(), to)?;
    system.drain(&kind.program(), &mut packer).await?;
    Ok(packer.finish()?)
}

async fn schema(system: &System, binary: &str) -> Result<Result<Schema, String>> {
    if system.stat(binary)?.is_none() {
        return Ok(Err(format!("{binary} is not on the host yet")));
    }
    app::schema(system, binary).await
}

/// Whether nothing can be lost with it; the reason when that cannot be known.
async fn is_empty(system: &System, database: &str) -> Result<Result<bool, String>> {
    Ok(match clone::exists(system, database).await? {
        Ok(true) => Ok(reader::rows(system, database).await?.is_empty()),
        Ok(false) => Ok(true),
        Err(reason) => Err(reason),
    })
}

/// For a figure; a backup of more than 2^52 bytes is none of ours.
#[allow(clippy::cast_precision_loss)]
fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
