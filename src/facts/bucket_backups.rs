//! The backups in a bucket: what has a manifest there that is believed, and all of its files, is whole.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::backups::{BackupManifest, Backups, MANIFEST, PROOF, Proof, ours};
use crate::core::app_profile::AppProfile;
use crate::core::error::{Code, Fault};
use crate::core::value::BackupName;
use crate::storage::bucket::Store;

/// What a bucket has.
#[derive(Debug, Default)]
pub struct There {
    pub backups: Backups,
    /// All objects by their names, with their lengths in bytes.
    pub objects: BTreeMap<String, u64>,
}

impl There {
    /// Those of other stacks apart: two may share a place by mistake.
    pub fn of(mut self, stack: Option<&str>) -> Self {
        self.backups = self.backups.sorted(stack);
        self
    }

    /// Whether this very backup is there, by its manifest and the lengths of its files.
    pub fn has(&self, backup: &BackupManifest) -> bool {
        self.backups.whole.contains(backup)
    }

    /// Objects of our shape that belong to no backup: left by a run that was cut off. What is called otherwise is
    /// somebody else's, here as on a host.
    pub fn strays<'s>(&'s self, app: &'s AppProfile) -> impl Iterator<Item = &'s str> {
        let backups = &self.backups;
        let names = backups.all().map(|one| one.name.as_str());
        // What cannot be believed stays for a person to look at.
        let known: BTreeSet<&str> = names
            .chain(backups.broken.keys().map(String::as_str))
            .collect();
        let objects = self.objects.keys().map(String::as_str);
        objects
            .filter(move |object| ours(app, object).is_some_and(|(name, _)| !known.contains(name)))
    }
}

/// What all manifests may have together: those of some thousand backups. Whoever writes to the bucket chooses how many there are.
const MOST: usize = 8 << 20;

/// Looks at all of it; of files only names and lengths.
///
/// # Errors
/// Those of `Store::list`.
pub async fn gather(store: &Store) -> Result<There> {
    let objects = store
        .list()
        .await?
        .into_iter()
        .map(|object| (object.name, object.bytes));
    let mut there = There {
        objects: objects.collect(),
        ..There::default()
    };
    let mut left = MOST;
    for object in there.objects.keys() {
        let Some(name) = object
            .strip_suffix(MANIFEST)
            .filter(|_| !object.ends_with(PROOF))
            // What no backup can be called is somebody else's.
            .filter(|name| name.parse::<BackupName>().is_ok())
        else {
            continue;
        };
        match read(store, name, &there.objects, &mut left).await? {
            None => {}
            Some(Err(why)) => {
                there.backups.broken.insert(name.to_owned(), why);
            }
            Some(Ok(backup)) => {
                if let Some(proof) = proof(store, &backup, &there.objects).await? {
                    there.backups.proofs.insert(name.to_owned(), proof);
                }
                there.backups.whole.push(backup);
            }
        }
    }
    there.backups = there.backups.sorted(None);
    Ok(there)
}

/// The backup of this name, or why it is none.
async fn read(
    store: &Store,
    name: &str,
    objects: &BTreeMap<String, u64>,
    left: &mut usize,
) -> Result<Option<Result<BackupManifest, String>>> {
    let text = store.read(&format!("{name}{MANIFEST}")).await?;
    let length = text.as_ref().map_or(0, Vec::len);
    *left = left.checked_sub(length).ok_or_else(|| {
        let place = store.bucket().url();
        let message = format!("the manifests in {place} have more than {} MB", MOST >> 20);
        Fault::new(Code::E0432, message).hint("find out who writes to the bucket")
    })?;
    Ok(text.map(|text| {
        let backup = BackupManifest::parse(name, &String::from_utf8_lossy(&text))?;
        let missing = backup
            .contents()
            .into_iter()
            .find(|content| objects.get(&content.file) != Some(&content.bytes));
        match missing {
            None => Ok(backup),
            Some(content) => Err(format!("{} is missing or incomplete", content.file)),
        }
    }))
}

async fn proof(
    store: &Store,
    backup: &BackupManifest,
    objects: &BTreeMap<String, u64>,
) -> Result<Option<Proof>> {
    let object = format!("{}{PROOF}", backup.name);
    if !objects.contains_key(&object) {
        return Ok(None);
    }
    let text = store.read(&object).await?.unwrap_or_default();
    Ok(Proof::of(backup, &text))
}
