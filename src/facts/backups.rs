//! The backups on a host: what has a manifest is whole, what has a proof was restored.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

pub mod data;
mod judge;
mod manifest;
mod proof;

pub use judge::{Accepts, Judge, JudgedBackup, Standing, not_believed};
pub use manifest::{BackupManifest, Format, UnjudgedManifest};
pub use proof::Proof;

use crate::core::app_profile::AppProfile;
use crate::core::error::{Code, code};
use crate::core::stack_key::StackKey;
use crate::core::value::{BackupName, EntryName, KeyId, checked, checked_names};
use crate::host::own;
use crate::host::stack_key;
use crate::host::system::{DRAFT, System};
use crate::storage::retention::Dated;

/// How the name of a manifest ends; before that stands the backup's name.
pub const MANIFEST: &str = ".json";
/// How the name of a proof ends.
pub const PROOF: &str = ".proof.json";
/// How the names of files end that are not whole yet.
pub const PART: &str = ".part";

/// What a host has of backups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backups {
    /// Those of this stack, newest first.
    pub whole: Vec<BackupManifest>,
    /// Those that were brought here from others: they say nothing of how well this one is kept.
    #[serde(default)]
    pub foreign: Vec<BackupManifest>,
    /// Those that say that they are of this stack, and are not believed. Nothing uses one that the operator has not named.
    #[serde(default)]
    pub doubtful: Vec<DoubtfulBackup>,
    /// By the backup's name.
    #[serde(deserialize_with = "checked_names::<_, BackupName, _>")]
    pub proofs: BTreeMap<String, Proof>,
    /// Of which backups there is a proof that proves nothing, and why.
    #[serde(default, deserialize_with = "checked_names::<_, BackupName, _>")]
    pub no_proofs: BTreeMap<String, String>,
    /// What has a manifest that cannot be believed, and why.
    #[serde(deserialize_with = "checked_names::<_, EntryName, _>")]
    pub broken: BTreeMap<String, String>,
    /// The newest one that is known to be off the host too.
    #[serde(default)]
    pub sent: Option<SentBackups>,
    /// What the host's key of the stack is called; none before the first `converge`.
    #[serde(default)]
    pub key: Option<KeyId>,
}

/// A backup that is not believed to be the stack's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoubtfulBackup {
    pub backup: BackupManifest,
    pub why: String,
}

/// That a backup is in a bucket: sent, and read back from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentBackups {
    /// The name of the backup.
    #[serde(deserialize_with = "checked::<_, BackupName>")]
    pub backup: String,
    /// When its dump began, RFC 3339 in UTC.
    pub at: String,
    /// `s3://bucket/prefix`
    pub place: String,
}

impl Backups {
    pub fn newest(&self) -> Option<&BackupManifest> {
        self.whole.first()
    }

    /// What `latest` means: the newest that was not taken of what a restore or an import set aside.
    pub fn latest(&self) -> Option<&BackupManifest> {
        self.whole.iter().find(|one| !one.safety)
    }

    /// The newest proof, and of which backup.
    pub fn proven(&self) -> Option<(&BackupManifest, &Proof)> {
        let proofs = self
            .whole
            .iter()
            .filter_map(|one| Some((one, self.proofs.get(&one.name)?)));
        proofs.max_by_key(|(_, proof)| at(&proof.at))
    }

    /// All that can be restored without a doubt of whose they are.
    pub fn all(&self) -> impl Iterator<Item = &BackupManifest> {
        self.whole.iter().chain(&self.foreign)
    }

    /// The names of all that have a manifest, whatever it is worth: their files wait for a person.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let doubtful = self.doubtful.iter().map(|one| &one.backup);
        let known = self.all().chain(doubtful).map(|one| one.name.as_str());
        known.chain(self.broken.keys().map(String::as_str))
    }

    /// The newest of those that are not believed, when it says that it is newer than all that are: nobody takes it for the
    /// newest, and everybody is to know of it.
    pub fn newer_in_doubt(&self) -> Option<&DoubtfulBackup> {
        let newest = self.newest().map(|one| at(&one.at));
        let first = self.doubtful.first()?;
        newest
            .is_none_or(|newest| at(&first.backup.at) > newest)
            .then_some(first)
    }

    /// Each with what it is.
    pub fn judged(&self) -> impl Iterator<Item = JudgedBackup> {
        let of = |backup: &BackupManifest, standing| JudgedBackup {
            backup: backup.clone(),
            standing,
        };
        let whole = self.whole.iter().map(move |one| of(one, Standing::Own));
        let foreign = self.foreign.iter();
        let foreign = foreign.map(move |one| of(one, Standing::Foreign));
        let doubtful = self.doubtful.iter();
        let doubtful =
            doubtful.map(move |one| of(&one.backup, Standing::Doubtful(one.why.clone())));
        whole.chain(foreign).chain(doubtful)
    }

    /// The same where those of other stacks are meant too.
    #[must_use]
    pub fn with_foreign(mut self) -> Self {
        self.whole.append(&mut self.foreign);
        self.sorted()
    }

    /// One more, by what it is.
    pub fn take(&mut self, found: JudgedBackup) {
        let backup = found.backup;
        match found.standing {
            Standing::Own => self.whole.push(backup),
            Standing::Foreign => self.foreign.push(backup),
            Standing::Doubtful(why) => self.doubtful.push(DoubtfulBackup { backup, why }),
        }
    }

    /// What a proof's file is worth.
    pub fn take_proof(&mut self, backup: &BackupManifest, proof: Result<Proof, String>) {
        match proof {
            Ok(proof) => drop(self.proofs.insert(backup.name.clone(), proof)),
            Err(why) => drop(self.no_proofs.insert(backup.name.clone(), why)),
        }
    }

    /// Newest first.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        let newest_first = |a: &BackupManifest, b: &BackupManifest| {
            (at(&b.at), &b.name).cmp(&(at(&a.at), &a.name))
        };
        self.whole.sort_by(newest_first);
        self.foreign.sort_by(newest_first);
        self.doubtful
            .sort_by(|a, b| newest_first(&a.backup, &b.backup));
        self
    }

    /// What retention goes by.
    pub fn dated(&self) -> Vec<Dated<'_>> {
        let dated = |one: &'_ BackupManifest| (at(&one.at), self.proofs.contains_key(&one.name));
        let all = self.whole.iter().map(|one| {
            let (at, proven) = dated(one);
            Dated {
                name: &one.name,
                at,
                proven,
            }
        });
        all.collect()
    }
}

/// A time as manifests have it; the epoch for what is none, which retention then takes for old.
pub fn at(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// What the database of now is called when another takes its place.
pub fn previous(database: &str, at: OffsetDateTime) -> String {
    let format = format_description!("[year][month][day]_[hour][minute][second]");
    let at = at.format(format).unwrap_or_default();
    format!("{database}{ASIDE}{at}")
}

/// What stands between the name of a database and the time at which it was set aside.
pub const ASIDE: &str = "_before_";

/// Where the manifest of a backup is.
pub fn manifest(app: &AppProfile, name: &str) -> String {
    app.backup_file(&format!("{name}{MANIFEST}"))
}

/// Where its proof is.
pub fn proof(app: &AppProfile, name: &str) -> String {
    app.backup_file(&format!("{name}{PROOF}"))
}

/// The backup of this name, or the reason why it is none; none when there is no manifest. Of its files the lengths are
/// looked at.
///
/// # Errors
/// When the manifest's file is there and the disk does not give it.
pub fn read(
    system: &System,
    name: &str,
    judge: &Judge,
) -> Result<Option<Result<JudgedBackup, String>>> {
    Ok(read_unjudged(system, name)?.map(|found| found.map(|found| judge.judged(found))))
}

/// The same, whoever wrote it: for what gives it a signature.
///
/// # Errors
/// As of `read`.
pub fn read_unjudged(
    system: &System,
    name: &str,
) -> Result<Option<Result<UnjudgedManifest, String>>> {
    let text = match system.read_text(manifest(system.app(), name)) {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(None),
        Err(error) if code(&error) == Code::E0409 => return Ok(Some(Err(format!("{error:#}")))),
        Err(error) => return Err(error),
    };
    let found = match BackupManifest::parse(name, &text) {
        Ok(found) => found,
        Err(why) => return Ok(Some(Err(why))),
    };
    for content in found.claims().contents() {
        let there = system.stat(system.app().backup_file(&content.file))?;
        if let Err(why) = content.has_length(there.map(|there| there.bytes)) {
            return Ok(Some(Err(why)));
        }
    }
    Ok(Some(Ok(found)))
}

/// The stack that this host is of, as the timers know it; none before the first `converge`.
///
/// # Errors
/// When the disk does not give it.
pub fn stack(system: &System) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Whose {
        stack: String,
    }
    let text = system.read_text(own::BACKUP_SETTINGS)?;
    // Settings of another version say nothing; `converge` writes them anew.
    let whose = text.and_then(|text| serde_json::from_str::<Whose>(&text).ok());
    Ok(whose.map(|whose| whose.stack))
}

/// The proof of this dump, or why the proof that is there does not count. `None` when there is no file for one.
///
/// # Errors
/// When the disk does not give it.
pub fn proof_of(
    system: &System,
    backup: &BackupManifest,
    judge: &Judge,
) -> Result<Option<Result<Proof, String>>> {
    match system.read_text(proof(system.app(), &backup.name)) {
        Ok(text) => Ok(text.map(|text| Proof::of(backup, text.as_bytes(), judge))),
        // What is no file proves nothing.
        Err(error) if code(&error) == Code::E0409 => Ok(Some(Err("it is not a file".to_owned()))),
        Err(error) => Err(error),
    }
}

/// The same where only one that counts is of use.
///
/// # Errors
/// When the disk does not give it.
pub fn valid_proof(
    system: &System,
    backup: &BackupManifest,
    judge: &Judge,
) -> Result<Option<Proof>> {
    Ok(proof_of(system, backup, judge)?.and_then(Result::ok))
}

/// All of them.
///
/// # Errors
/// When the folder cannot be read.
pub fn gather(system: &System) -> Result<Backups> {
    let key = match stack_key::read(system) {
        // What cannot be read is none: then nothing is believed, and `converge` says why.
        Err(error) if code(&error) == Code::E0437 => None,
        key => key?,
    };
    let id = key.as_ref().map(StackKey::id);
    let judge = Judge::new(key, stack(system)?.as_deref());
    let sent = system.read_text(own::SENT)?;
    // One that cannot be read says nothing; it is written anew.
    let sent: Option<SentBackups> = sent.and_then(|text| serde_json::from_str(&text).ok());
    let mut found = Backups {
        sent: sent.filter(|sent| !judge.is_ahead(&sent.at)),
        key: id,
        ..Backups::default()
    };
    for name in manifests(&files(system)?) {
        match read(system, name, &judge)? {
            None => {}
            Some(Err(why)) => {
                found.broken.insert(name.to_owned(), why);
            }
            Some(Ok(judged)) => {
                if let Some(proof) = proof_of(system, &judged.backup, &judge)? {
                    found.take_proof(&judged.backup, proof);
                }
                found.take(judged);
            }
        }
    }
    Ok(found.sorted())
}

/// The names of backups of which there is a manifest, by the names of all files. What no backup can be called is somebody else's.
pub fn manifests(files: &[String]) -> impl Iterator<Item = &str> {
    files
        .iter()
        .filter(|file| !file.ends_with(PROOF))
        .filter_map(|file| file.strip_suffix(MANIFEST))
        .filter(|name| name.parse::<BackupName>().is_ok())
}

/// The names of all files in the folder.
///
/// # Errors
/// When it cannot be read.
pub fn files(system: &System) -> Result<Vec<String>> {
    system.names(system.app().backups())
}

/// The files that no backup has: left by a run that was killed. A backup whose manifest cannot be believed keeps its own, for
/// a person to look at; and so does whatever may come from somebody else, such as a dump without the roles that ours have beside it.
///
/// # Errors
/// When the folder cannot be read.
pub fn strays(system: &System, found: &Backups) -> Result<Vec<String>> {
    let known: BTreeSet<&str> = found.names().collect();
    let files = files(system)?;
    let has_roles = |name: &str| {
        let roles = format!("{name}{ROLES}");
        files.iter().any(|file| file.starts_with(&roles))
    };
    let is_stray = |file: &&String| {
        let Some((name, ending)) = ours(system.app(), file) else {
            return file.starts_with(DRAFT);
        };
        if ending.ends_with(PART) {
            return true;
        }
        !known.contains(name) && has_roles(name)
    };
    let mut strays: Vec<String> = files.iter().filter(is_stray).cloned().collect();
    // The roles last: by them the others are known.
    strays.sort_by_key(|file| (file.contains(ROLES), file.clone()));
    Ok(strays)
}

/// How the name of a file of ours goes on after the backup's.
const ROLES: &str = ".globals.sql.zst";
const OURS: [&str; 4] = [".dump.zst", ".sql.gz", ROLES, PROOF];

/// The backup's name in the name of a file that has the shape of ours, and what follows it.
pub fn ours<'f>(app: &AppProfile, file: &'f str) -> Option<(&'f str, &'f str)> {
    let (name, ending) = app.split_backup(file)?;
    let bare = ending.strip_suffix(PART).unwrap_or(ending);
    let bare = bare.strip_suffix(".age").unwrap_or(bare);
    OURS.contains(&bare).then_some((name, ending))
}

#[cfg(test)]
mod tests;
