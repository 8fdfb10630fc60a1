//! Every whole backup of the host is in a bucket too. Of a backup that the host has, it is the host that knows
//! whether it was proven.

use std::collections::BTreeSet;
use std::fs::File;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::core::digest;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault, code};
use crate::facts::backups::{self, BackupManifest, Backups, Judge, MANIFEST, PROOF, SentBackups};
use crate::facts::bucket_backups::{There, gather};
use crate::host::own;
use crate::host::system::System;
use crate::storage::bucket::{Bucket, Store};
use crate::storage::retention::Retention;

/// So that it can be asked without the bucket, the host keeps which backup was the newest when that was so. `check` goes by manifests and lengths; what `apply` has sent it reads back, byte for byte.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offsite {
    pub bucket: Bucket,
    /// What stays there; all of it when it is not said, or where nothing may be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Retention>,
    /// The time by which days are counted, RFC 3339.
    pub now: String,
    /// What need not be kept goes there, and nothing is sent.
    #[serde(default)]
    pub only_less: bool,
}

/// What differs between the host and the bucket.
struct OffsiteTodo {
    /// Newest first: should the way be cut, the best of them is there.
    send: Vec<BackupManifest>,
    /// Whose proof is newer on the host.
    prove: Vec<BackupManifest>,
    /// Which are proven there and not on the host: a drill has failed since.
    disprove: Vec<BackupManifest>,
    drop: Vec<BackupManifest>,
    strays: Vec<String>,
    /// What the host is to know of it afterwards; none when it does.
    sent: Option<SentBackups>,
}

impl Wish<System> for Offsite {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let todo = self.todo(system, &self.bucket.open()?).await?;
        let place = self.bucket.url();
        let send = todo
            .send
            .iter()
            .map(|one| format!("{} is not in {place}", one.name));
        let prove = todo
            .prove
            .iter()
            .map(|one| format!("the proof of {} is not in {place}", one.name));
        let disprove = todo
            .disprove
            .iter()
            .map(|one| format!("the proof of {} in {place} is no longer valid", one.name));
        let drop = todo
            .drop
            .iter()
            .map(|one| format!("{} need not be kept in {place}", one.name));
        let is_there = |sent: &&SentBackups| todo.send.iter().all(|one| one.name != sent.backup);
        let sent = todo.sent.iter().filter(is_there).map(|sent| {
            format!(
                "the host does not know yet that {} is in {place}",
                sent.backup
            )
        });
        let strays = todo
            .strays
            .iter()
            .map(|name| format!("{name} in {place} belongs to no backup"));
        Ok(CheckResult::from(
            send.chain(prove)
                .chain(disprove)
                .chain(drop)
                .chain(strays)
                .chain(sent)
                .collect::<Vec<_>>(),
        ))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let store = self.bucket.open()?;
        let todo = self.todo(system, &store).await?;
        let mut spoiled = None;
        for backup in &todo.send {
            match send(system, &store, backup).await {
                // One that is broken on the host must not keep the others there.
                Err(error) if code(&error) == Code::E0422 => spoiled = spoiled.or(Some(error)),
                sent => sent?,
            }
        }
        for backup in &todo.prove {
            let proof = backups::proof(system.app(), &backup.name);
            let name = format!("{}{PROOF}", backup.name);
            put(system, &store, &name, &proof).await?;
        }
        for backup in &todo.disprove {
            store.delete(&format!("{}{PROOF}", backup.name)).await?;
        }
        if let Some(error) = spoiled {
            return Err(error);
        }
        for backup in &todo.drop {
            drop_it(&store, backup).await?;
        }
        for name in &todo.strays {
            store.delete(name).await?;
        }
        if let Some(sent) = &todo.sent {
            let text = serde_json::to_string(sent)?;
            system
                .write_atomic(own::SENT, text.as_bytes(), 0o644, None, &[])
                .await?;
        }
        Ok(())
    }
}

impl Offsite {
    async fn todo(&self, system: &System, store: &Store) -> Result<OffsiteTodo> {
        let here = backups::gather(system)?;
        let there = gather(store, &Judge::on(system)?).await?;
        let dropped = self.dropped(&here, &there.backups);
        let stays = |one: &&BackupManifest| !dropped.contains(&one.name);
        let proofs = &there.backups.proofs;
        let is_unproven = |one: &&BackupManifest| {
            let proof = here.proofs.get(&one.name);
            proof.is_some_and(|proof| proof.is_newer_than(proofs.get(&one.name)))
        };
        let is_disproved = |one: &&BackupManifest| {
            let proven = proofs.contains_key(&one.name) && !here.proofs.contains_key(&one.name);
            proven && !self.bucket.append_only
        };
        let staying = here
            .whole
            .iter()
            .filter(|one| !self.only_less && stays(one));
        Ok(OffsiteTodo {
            send: staying
                .clone()
                .filter(|one| !there.has(one))
                .cloned()
                .collect(),
            prove: staying.clone().filter(is_unproven).cloned().collect(),
            disprove: staying.filter(is_disproved).cloned().collect(),
            drop: there
                .backups
                .whole
                .iter()
                .filter(|one| !stays(one))
                .cloned()
                .collect(),
            strays: self.strays(system, store, (&here, &there)).await?,
            sent: self
                .sent(&here)
                .filter(|sent| !self.only_less && here.sent.as_ref() != Some(sent)),
        })
    }

    /// The names that need not be there, of all that are known here or there: so nothing is sent to be deleted.
    fn dropped(&self, here: &Backups, there: &Backups) -> BTreeSet<String> {
        let Some(keep) = self.keep.as_ref().filter(|_| !self.bucket.append_only) else {
            return BTreeSet::new();
        };
        let mut all = there.dated();
        for one in here.dated() {
            match all.iter_mut().find(|known| known.name == one.name) {
                // One that a drill has disproved must not pass for the last proven one, for whose sake others go.
                Some(known) => known.proven = one.proven,
                None => all.push(one),
            }
        }
        let dropped = keep.dropped(&all, backups::at(&self.now));
        dropped.into_iter().map(str::to_owned).collect()
    }

    /// What is so when all of it is.
    fn sent(&self, here: &Backups) -> Option<SentBackups> {
        let newest = here.newest()?;
        Some(SentBackups {
            backup: newest.name.clone(),
            at: newest.at.clone(),
            place: self.bucket.url(),
        })
    }

    async fn strays(
        &self,
        system: &System,
        store: &Store,
        (here, there): (&Backups, &There),
    ) -> Result<Vec<String>> {
        let mut strays = Vec::new();
        if self.keep.is_none() || self.bucket.append_only {
            return Ok(strays);
        }
        // What was begun for a backup of this host is gone on with.
        let is_begun = |name: &str| {
            here.whole
                .iter()
                .any(|one| name.starts_with(&format!("{}.", one.name)))
        };
        for name in there.strays(system.app()).filter(|name| !is_begun(name)) {
            if store.is_ours(name).await? {
                strays.push(name.to_owned());
            }
        }
        Ok(strays)
    }
}

/// Sends a backup, its manifest last: what has one there is whole.
async fn send(system: &System, store: &Store, backup: &BackupManifest) -> Result<()> {
    for content in backup.contents() {
        let path = system.app().backup_file(&content.file);
        let wished = (content.sha256.clone(), content.bytes);
        let Some(file) = digest(system, &path)?.filter(|(_, found)| *found == wished) else {
            let message = format!(
                "{} is missing or was changed, so it was not sent",
                content.file
            );
            let hint = "the other backups were sent; take a new one with `citrino-ops backup`, and delete this one by hand";
            return Err(Fault::new(Code::E0422, message).hint(hint).into());
        };
        // A run that was cut off may have sent it.
        let head = store.head(&content.file).await?;
        if head != Some((content.bytes, Some(content.sha256.clone()))) {
            store.put(&content.file, file.0, &content.sha256).await?;
        }
        read_back(store, &content.file, &wished).await?;
    }
    let manifest = backups::manifest(system.app(), &backup.name);
    put(
        system,
        store,
        &format!("{}{MANIFEST}", backup.name),
        &manifest,
    )
    .await
}

/// Puts a small file, and reads it back.
async fn put(system: &System, store: &Store, name: &str, path: &str) -> Result<()> {
    let found = digest(system, path)?.with_context(|| format!("{path} no longer exists"))?;
    let (file, wished) = found;
    store.put(name, file, &wished.0).await?;
    read_back(store, name, &wished).await
}

/// # Errors
/// E0432 when it is not what was sent.
async fn read_back(store: &Store, name: &str, wished: &(String, u64)) -> Result<()> {
    if store.digest(name).await? == *wished {
        return Ok(());
    }
    let message = format!(
        "{name} was sent to {}, but reads back with other content",
        store.bucket().url()
    );
    Err(Fault::new(Code::E0432, message)
        .hint("the backup on the host is unchanged; run `citrino-ops backup` again, and ask the provider if the error stays")
        .into())
}

/// Takes a backup away; without its manifest it is none, whatever comes between.
async fn drop_it(store: &Store, backup: &BackupManifest) -> Result<()> {
    store.delete(&format!("{}{MANIFEST}", backup.name)).await?;
    store.delete(&format!("{}{PROOF}", backup.name)).await?;
    for content in backup.contents() {
        store.delete(&content.file).await?;
    }
    Ok(())
}

/// A file of the host, with its sha256 and length; none when it is not there. What is sent is the very file that was looked at.
fn digest(system: &System, path: &str) -> Result<Option<(File, (String, u64))>> {
    let Some(mut file) = system.open(path)? else {
        return Ok(None);
    };
    let found = digest::sha256_of(&mut file).with_context(|| format!("could not read {path}"))?;
    Ok(Some((file, found)))
}
