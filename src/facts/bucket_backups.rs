//! The backups in a bucket: what has a manifest there that is believed, and all of its files, is whole.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::backups::{
    BackupManifest, Backups, Judge, MANIFEST, PROOF, Proof, UnjudgedManifest, manifests, ours,
};
use crate::core::app_profile::AppProfile;
use crate::core::error::{Code, Fault};
use crate::storage::bucket::Store;

/// What a bucket has.
#[derive(Debug, Default)]
pub struct There {
    pub backups: Backups,
    /// All objects by their names, with their lengths in bytes.
    pub objects: BTreeMap<String, u64>,
}

impl There {
    /// Whether this very backup is there, by its manifest and the lengths of its files.
    pub fn has(&self, backup: &BackupManifest) -> bool {
        self.backups.whole.contains(backup)
    }

    /// Objects of our shape that belong to no backup: left by a run that was cut off. What is called otherwise is
    /// somebody else's, here as on a host.
    pub fn strays<'s>(&'s self, app: &'s AppProfile) -> impl Iterator<Item = &'s str> {
        // What cannot be believed stays for a person to look at.
        let known: BTreeSet<&str> = self.backups.names().collect();
        let objects = self.objects.keys().map(String::as_str);
        objects
            .filter(move |object| ours(app, object).is_some_and(|(name, _)| !known.contains(name)))
    }
}

/// What all manifests may have together: those of some thousand backups. Whoever writes to the bucket chooses how many there are.
const MOST: usize = 8 << 20;

/// Looks at all of it; of files only names and lengths. Whoever may write to the bucket chooses all of that: what the judge does not
/// believe is apart.
///
/// # Errors
/// Those of `Store::list`.
pub async fn gather(store: &Store, judge: &Judge) -> Result<There> {
    let listed = store.list().await?.into_iter();
    let objects: BTreeMap<String, u64> = listed.map(|one| (one.name, one.bytes)).collect();
    let names: Vec<String> = objects.keys().cloned().collect();
    let (mut backups, mut left) = (Backups::default(), MOST);
    for name in manifests(&names) {
        let Some(text) = read(store, &format!("{name}{MANIFEST}"), &mut left).await? else {
            continue;
        };
        match parsed(name, &text, &objects) {
            Err(why) => {
                backups.broken.insert(name.to_owned(), why);
            }
            Ok(found) => {
                let judged = judge.judged(found);
                if let Some(proof) = proof(store, &judged.backup, &objects, judge).await? {
                    backups.take_proof(&judged.backup, proof);
                }
                backups.take(judged);
            }
        }
    }
    let backups = backups.sorted();
    Ok(There { backups, objects })
}

/// The file of a manifest as it is there, for who keeps it: it is still the one of this backup.
///
/// # Errors
/// E0432 when it is another one by now.
pub async fn manifest_text(store: &Store, backup: &BackupManifest) -> Result<String> {
    let object = format!("{}{MANIFEST}", backup.name);
    let text = store.read(&object).await?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let found = BackupManifest::parse(&backup.name, &text);
    if found.is_ok_and(|found| found.claims() == backup) {
        return Ok(text);
    }
    let place = store.bucket().url();
    let message = format!("{object} in {place} changed while the backup was downloaded");
    Err(Fault::new(Code::E0432, message)
        .hint("run the command again; find out who writes to the bucket if the error stays")
        .into())
}

/// A manifest's text; none when it is gone meanwhile.
async fn read(store: &Store, object: &str, left: &mut usize) -> Result<Option<Vec<u8>>> {
    let text = store.read(object).await?;
    let length = text.as_ref().map_or(0, Vec::len);
    *left = left.checked_sub(length).ok_or_else(|| {
        let place = store.bucket().url();
        let message = format!("the manifests in {place} have more than {} MB", MOST >> 20);
        Fault::new(Code::E0432, message).hint("find out who writes to the bucket")
    })?;
    Ok(text)
}

/// The backup of this name, or why it is none.
fn parsed(
    name: &str,
    text: &[u8],
    objects: &BTreeMap<String, u64>,
) -> Result<UnjudgedManifest, String> {
    let found = BackupManifest::parse(name, &String::from_utf8_lossy(text))?;
    let contents = found.claims().contents().into_iter();
    let missing = contents
        .filter(|content| objects.get(&content.file) != Some(&content.bytes))
        .map(|content| content.file.clone())
        .next();
    match missing {
        None => Ok(found),
        Some(file) => Err(format!("{file} is missing or incomplete")),
    }
}

async fn proof(
    store: &Store,
    backup: &BackupManifest,
    objects: &BTreeMap<String, u64>,
    judge: &Judge,
) -> Result<Option<Result<Proof, String>>> {
    let object = format!("{}{PROOF}", backup.name);
    if !objects.contains_key(&object) {
        return Ok(None);
    }
    let text = store.read(&object).await?.unwrap_or_default();
    Ok(Some(Proof::of(backup, &text, judge)))
}
