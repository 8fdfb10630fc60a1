//! A backup that is in a bucket is on the host.

use std::fs::File;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::backup_files::Parts;
use super::backup_uploaded::{is_known, take_proof};
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault, code};
use crate::core::value::{BackupName, checked};
use crate::facts::backups::{self, Accepts, BackupManifest, Judge, PART, PROOF, not_believed};
use crate::facts::bucket_backups::{There, gather, manifest_text};
use crate::host::system::System;
use crate::storage::archive::ArchiveContent;
use crate::storage::bucket::{Bucket, Store};
use crate::storage::disk_reserve::DiskReserve;

/// What is meant when no name is.
pub const LATEST: &str = "latest";

/// `check` asks the bucket even when the host has a whole backup of that name: it may be another one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupDownloaded {
    pub bucket: Bucket,
    /// The name of the backup, or `latest` for the newest of the bucket.
    #[serde(deserialize_with = "checked::<_, BackupName>")]
    pub backup: String,
    /// Which backups may be downloaded beside the stack's own.
    #[serde(default)]
    pub accepts: Accepts,
}

impl Wish<System> for BackupDownloaded {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let there = gather(&self.bucket.open()?, &Judge::on(system)?).await?;
        let backup = self.wished(&there)?;
        is_known(system, backup, is_own(&there, backup))?;
        if self.is_whole(system, &backup.name)? {
            return Ok(CheckResult::same());
        }
        let place = self.bucket.url();
        Ok(CheckResult::absent(format!(
            "{} is in {place}, but not on the host",
            backup.name
        )))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let store = self.bucket.open()?;
        let there = gather(&store, &Judge::on(system)?).await?;
        let backup = self.wished(&there)?;
        let known = is_known(system, backup, is_own(&there, backup))?;
        for content in backup.contents() {
            fetch(system, &store, content).await?;
        }
        if there.backups.proofs.contains_key(&backup.name) {
            let text = store
                .read(&format!("{}{PROOF}", backup.name))
                .await?
                .unwrap_or_default();
            take_proof(system, backup, known, &text).await?;
        }
        // As it is there, with the signature that it has.
        let text = manifest_text(&store, backup).await?;
        let path = backups::manifest(system.app(), &backup.name);
        system
            .write_atomic(path, text.as_bytes(), 0o600, None, &[])
            .await
    }
}

impl BackupDownloaded {
    /// Whether the host has it, byte for byte.
    fn is_whole(&self, system: &System, name: &str) -> Result<bool> {
        let Some(Ok(found)) = backups::read(system, name, &Judge::on(system)?)? else {
            return Ok(false);
        };
        let Ok(backup) = found.accepted(self.accepts) else {
            return Ok(false);
        };
        match Parts::whole(&backup).compare(system) {
            Ok(()) => Ok(true),
            Err(error) if code(&error) == Code::E0422 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// # Errors
    /// E0433 when it is not there, or cannot be used; E0436 when it is not believed.
    fn wished<'t>(&self, there: &'t There) -> Result<&'t BackupManifest> {
        let backups = &there.backups;
        let doubtful = || {
            let mut doubtful = backups.doubtful.iter();
            doubtful.find(|one| one.backup.name == self.backup)
        };
        let found = match (self.backup.as_str(), self.accepts) {
            (LATEST, _) => backups.latest(),
            (name, Accepts::Own) => backups.whole.iter().find(|one| one.name == name),
            (name, _) => backups.all().find(|one| one.name == name),
        };
        let found = match (found, doubtful()) {
            (None, Some(one)) if self.accepts == Accepts::Doubtful => Some(&one.backup),
            (None, Some(one)) => return Err(not_believed(&self.backup, &one.why).into()),
            _ => found,
        };
        found.ok_or_else(|| {
            let place = self.bucket.url();
            let message = match (backups.broken.get(&self.backup), backups.latest()) {
                (Some(why), _) => format!("{} in {place} cannot be used: {why}", self.backup),
                (None, Some(newest)) => format!(
                    "{} is not in {place}; the newest backup there is {}",
                    self.backup, newest.name
                ),
                (None, None) => format!("there is no backup in {place}"),
            };
            Fault::new(Code::E0433, message)
                .hint("nothing was changed; check `bucket` and `prefix` of `backup.s3`")
                .into()
        })
    }
}

fn is_own(there: &There, backup: &BackupManifest) -> bool {
    there.backups.whole.contains(backup)
}

/// Fetches a file, which has its name when it is what its manifest says.
async fn fetch(system: &System, store: &Store, content: &ArchiveContent) -> Result<()> {
    let path = system.app().backup_file(&content.file);
    let part = format!("{path}{PART}");
    let file = system.create(&part)?;
    let fetched = fill(store, content, file).await;
    if fetched.is_err() {
        system.remove(&part)?;
        return fetched;
    }
    system.rename(&part, &path)
}

/// # Errors
/// E0432 when it is something else.
async fn fill(store: &Store, content: &ArchiveContent, file: File) -> Result<()> {
    let context = || format!("could not write {}", content.file);
    let mut file = DiskReserve::new(file).with_context(context)?;
    let found = store.get(&content.file, content.bytes, &mut file).await?;
    if found == (content.sha256.clone(), content.bytes) {
        return file.sync().with_context(context);
    }
    let message = format!(
        "{} in {} does not match its manifest: its hash differs",
        content.file,
        store.bucket().url()
    );
    Err(Fault::new(Code::E0432, message)
        .hint("the download was deleted; run the command again, and name another backup if the error stays")
        .into())
}
