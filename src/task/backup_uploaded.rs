//! A backup that the operator sent is one of the host's.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::core::digest;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::value::{BackupName, checked};
use crate::facts::backups::{self, Accepts, BackupManifest, Judge, MANIFEST, PROOF, Proof};
use crate::host::system::{Ids, System, give_file};
use crate::storage::archive::ArchiveContent;

/// `check` finds nothing to do when the host has a backup of that name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupUploaded {
    /// The name of the backup.
    #[serde(deserialize_with = "checked::<_, BackupName>")]
    pub backup: String,
    /// Which backups may come beside the stack's own.
    #[serde(default)]
    pub accepts: Accepts,
}

impl Wish<System> for BackupUploaded {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let name = &self.backup;
        if system
            .stat(format!("{}/{name}{MANIFEST}", system.app().incoming()))?
            .is_some()
        {
            return Ok(CheckResult::absent(format!(
                "{name} was uploaded, but is not among the host's backups yet"
            )));
        }
        let found = backups::read(system, name, &Judge::on(system)?)?;
        let accepted = found.map(|found| {
            let accepted = found?.accepted(self.accepts);
            accepted.map_err(|fault| fault.message)
        });
        Ok(match accepted {
            Some(Ok(_)) => CheckResult::same(),
            Some(Err(why)) => CheckResult::differs(format!("{}: {why}", self.backup)),
            None => CheckResult::absent(format!("{} is not on the host", self.backup)),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let name = &self.backup;
        let incoming = system.app().incoming();
        let text = |ending: &str| system.read_text(format!("{incoming}/{name}{ending}"));
        let manifest = text(MANIFEST)?.unwrap_or_default();
        let found = BackupManifest::parse(name, &manifest).map_err(|why| wrong(name, &why))?;
        let found = Judge::on(system)?.judged(found);
        let is_own = found.is_own();
        let backup = found.accepted(self.accepts)?;
        let known = is_known(system, &backup, is_own)?;
        for content in backup.contents() {
            take_in(system, name, content)?;
        }
        if let Some(proof) = text(PROOF)? {
            take_proof(system, &backup, known, proof.as_bytes()).await?;
        }
        // What has a manifest is whole: it comes last.
        let path = backups::manifest(system.app(), name);
        system
            .write_atomic(path, manifest.as_bytes(), 0o600, None, &[])
            .await?;
        system.remove(&incoming)
    }
}

/// Whether the host has this very backup: a sound copy may mend one that was spoiled here, and takes no other's place. One that is
/// the stack's own takes the place of what is not believed.
///
/// # Errors
/// E0422 when the host has another one of that name.
pub fn is_known(system: &System, backup: &BackupManifest, is_own: bool) -> Result<bool> {
    let Some(Ok(there)) = backups::read(system, &backup.name, &Judge::on(system)?)? else {
        return Ok(false);
    };
    if is_own && !there.is_own() {
        return Ok(false);
    }
    if there.backup == *backup {
        return Ok(true);
    }
    Err(wrong(&backup.name, "the host has another backup with this name").into())
}

/// Writes the proof that a copy has brought along. Of a backup that is known here it gives way to what the host says:
/// to a newer proof, and to none, which is what a drill that failed has left.
pub async fn take_proof(
    system: &System,
    backup: &BackupManifest,
    known: bool,
    text: &[u8],
) -> Result<()> {
    let judge = Judge::on(system)?;
    let own = backups::valid_proof(system, backup, &judge)?;
    let holds = |came: &Proof| !known || own.is_some() && came.is_newer_than(own.as_ref());
    if !Proof::of(backup, text, &judge).is_ok_and(|came| holds(&came)) {
        return Ok(());
    }
    let path = backups::proof(system.app(), &backup.name);
    system.write_atomic(path, text, 0o600, None, &[]).await
}

fn take_in(system: &System, name: &str, content: &ArchiveContent) -> Result<()> {
    let from = format!("{}/{}", system.app().incoming(), content.file);
    let context = || format!("could not move {from} to the backups");
    let missing = || wrong(name, &format!("{} is missing", content.file));
    let mut file = system.open(&from)?.ok_or_else(missing)?;
    let found = digest::sha256_of(&mut file).with_context(context)?;
    if found != (content.sha256.clone(), content.bytes) {
        let why = format!(
            "{} does not match its manifest: its hash differs",
            content.file
        );
        return Err(wrong(name, &why).into());
    }
    give_file(&file, Ids::own(), 0o600).with_context(context)?;
    system.rename(&from, system.app().backup_file(&content.file))
}

fn wrong(name: &str, why: &str) -> Fault {
    Fault::new(Code::E0422, format!("backup {name} cannot be used: {why}"))
        .hint("nothing was restored; name another backup")
}
