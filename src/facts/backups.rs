//! The backups on a host: what has a manifest is whole, what has a proof was restored.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

pub mod data;
mod proof;

pub use proof::Proof;

use super::app::Schema;
use crate::core::app_profile::AppProfile;
use crate::core::digest;
use crate::core::error::{Code, Fault, code};
use crate::core::value::{
    BackupName, EntryName, ReleaseId, checked, checked_if_any, checked_names,
};
use crate::host::own;
use crate::host::system::{DRAFT, System};
use crate::storage::archive::{ArchiveContent, ArchivePacking};
use crate::storage::retention::Dated;

/// How the name of a manifest ends; before that stands the backup's name.
pub const MANIFEST: &str = ".json";
/// How the name of a proof ends.
pub const PROOF: &str = ".proof.json";
/// How the names of files end that are not whole yet.
pub const PART: &str = ".part";

/// One backup of the database: its manifest.
///
/// Whoever reads one, from a file, a bucket or a host, gets one that names only files of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct BackupManifest {
    /// The name of the app and the time: `shop_20261125_150000`
    #[serde(deserialize_with = "checked::<_, BackupName>")]
    pub name: String,
    /// When the dump began, RFC 3339 in UTC.
    pub at: String,
    pub stack: String,
    pub database: String,
    /// The release that served then.
    #[serde(default, deserialize_with = "checked_if_any::<_, ReleaseId>")]
    pub release: Option<String>,
    pub format: Format,
    pub dump: ArchiveContent,
    /// Roles, without which the dump's owners are names of nobody.
    pub globals: ArchiveContent,
    /// The age keys that the files are encrypted to; none when they are not.
    pub recipients: Vec<String>,
    /// How many rows each table had in the snapshot that was dumped.
    pub rows: BTreeMap<String, u64>,
    /// What the database had seen of migrations; none when the release could not tell.
    pub schema: Option<Schema>,
    /// The version of `PostgreSQL`, and of `PostGIS`.
    pub postgres: String,
    pub postgis: Option<String>,
    /// The database on its disk, with indexes: the room that a restore wants.
    #[serde(default)]
    pub database_bytes: u64,
    /// The dump before it was packed.
    pub unpacked_bytes: u64,
    pub took_ms: u64,
}

/// How a dump is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `pg_dump --format=custom`, for `pg_restore`; packed by zstd.
    #[default]
    Custom,
    /// SQL for psql; packed by gzip.
    Plain,
}

impl Format {
    pub fn packing(self) -> ArchivePacking {
        match self {
            Format::Custom => ArchivePacking::Zstd,
            Format::Plain => ArchivePacking::Gzip,
        }
    }
}

/// What a host has of backups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backups {
    /// Those of this stack, newest first.
    pub whole: Vec<BackupManifest>,
    /// Those that were brought here from others: they say nothing of how well this one is kept.
    #[serde(default)]
    pub foreign: Vec<BackupManifest>,
    /// By the backup's name.
    #[serde(deserialize_with = "checked_names::<_, BackupName, _>")]
    pub proofs: BTreeMap<String, Proof>,
    /// What has a manifest that cannot be believed, and why.
    #[serde(deserialize_with = "checked_names::<_, EntryName, _>")]
    pub broken: BTreeMap<String, String>,
    /// The newest one that is known to be off the host too.
    #[serde(default)]
    pub sent: Option<SentBackups>,
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

    /// The newest proof, and of which backup.
    pub fn proven(&self) -> Option<(&BackupManifest, &Proof)> {
        let proofs = self
            .whole
            .iter()
            .filter_map(|one| Some((one, self.proofs.get(&one.name)?)));
        proofs.max_by_key(|(_, proof)| at(&proof.at))
    }

    /// All that can be restored.
    pub fn all(&self) -> impl Iterator<Item = &BackupManifest> {
        self.whole.iter().chain(&self.foreign)
    }

    /// Newest first, and those of other stacks apart.
    pub fn sorted(mut self, stack: Option<&str>) -> Self {
        let newest_first = |a: &BackupManifest, b: &BackupManifest| {
            (at(&b.at), &b.name).cmp(&(at(&a.at), &a.name))
        };
        self.whole.sort_by(newest_first);
        let is_own = |one: &BackupManifest| stack.is_none_or(|stack| one.stack == stack);
        (self.whole, self.foreign) = self.whole.into_iter().partition(is_own);
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

impl BackupManifest {
    /// One sentence fragment for each table that has another number of rows now.
    pub fn differences(&self, now: &BTreeMap<String, u64>) -> Vec<String> {
        let tables: BTreeSet<&String> = self.rows.keys().chain(now.keys()).collect();
        let count = |rows: &BTreeMap<String, u64>, table| {
            rows.get(table).map_or("absent".to_owned(), u64::to_string)
        };
        tables
            .into_iter()
            .filter(|table| self.rows.get(*table) != now.get(*table))
            .map(|table| {
                format!(
                    "rows of {table}: {} in the backup, {} now",
                    count(&self.rows, table),
                    count(now, table)
                )
            })
            .collect()
    }

    /// Whether it belongs to this stack.
    ///
    /// # Errors
    /// E0423 when it does not, with what to do next.
    pub fn is_of(&self, stack: &str, next: &str) -> Result<(), Fault> {
        if self.stack == stack {
            return Ok(());
        }
        let message = format!(
            "{} is from stack {}, but this is stack {stack}",
            self.name, self.stack
        );
        Err(Fault::new(Code::E0423, message).hint(next))
    }

    pub fn is_sealed(&self) -> bool {
        !self.recipients.is_empty()
    }

    /// Its files, the dump first.
    pub fn contents(&self) -> [&ArchiveContent; 2] {
        [&self.dump, &self.globals]
    }

    /// As it is written: with a hash over all of it at the end.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn text(&self) -> Result<String> {
        let mut value = serde_json::to_value(self)?;
        value["seal"] = seal(&value).into();
        Ok(format!("{value:#}\n"))
    }

    /// Reads a manifest of this name; the reason when it is not what was written.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let changed = |_| "its manifest was cut or changed".to_owned();
        let mut value: Value = serde_json::from_str(text).map_err(changed)?;
        let found = value
            .as_object_mut()
            .and_then(|fields| fields.remove("seal"));
        if found != Some(seal(&value).into()) {
            return Err("its manifest was cut or changed".to_owned());
        }
        // As it is derived: what it names is looked at here, for a sentence of its own.
        let backup = Self::deserialize(value)
            .map_err(|error| format!("its manifest has another version: {error}"))?;
        if backup.name != name {
            return Err(format!("its manifest belongs to {}", backup.name));
        }
        match backup.foreign_file() {
            Some(file) => Err(format!("its manifest names `{file}`")),
            None => Ok(backup),
        }
    }

    /// A file that it names and that is none of its own: whoever writes a manifest could name any file of the folder by it.
    fn foreign_file(&self) -> Option<&str> {
        let own = format!("{}.", self.name);
        let files = self.contents().map(|content| content.file.as_str());
        files.into_iter().find(|file| !file.starts_with(&own))
    }
}

impl<'de> Deserialize<'de> for BackupManifest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let backup = Self::deserialize(from)?;
        match backup.foreign_file() {
            Some(file) => Err(D::Error::custom(format!(
                "backup {} names the file {file}, which is not its own",
                backup.name
            ))),
            None => Ok(backup),
        }
    }
}

impl Serialize for BackupManifest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, to)
    }
}

/// Maps of `serde_json` sort their keys, so that the same manifest has the same text.
fn seal(value: &Value) -> String {
    digest::sha256(value.to_string().as_bytes())
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
pub fn read(system: &System, name: &str) -> Result<Option<Result<BackupManifest, String>>> {
    let text = match system.read_text(manifest(system.app(), name)) {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(None),
        Err(error) if code(&error) == Code::E0409 => return Ok(Some(Err(format!("{error:#}")))),
        Err(error) => return Err(error),
    };
    let backup = match BackupManifest::parse(name, &text) {
        Ok(backup) => backup,
        Err(why) => return Ok(Some(Err(why))),
    };
    for content in backup.contents() {
        let found = system.stat(system.app().backup_file(&content.file))?;
        if let Err(why) = content.has_length(found.map(|found| found.bytes)) {
            return Ok(Some(Err(why)));
        }
    }
    Ok(Some(Ok(backup)))
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

/// Whether this very dump was restored and found whole.
///
/// # Errors
/// When the disk does not give the proof.
pub fn is_proven(system: &System, backup: &BackupManifest) -> Result<bool> {
    Ok(proof_of(system, backup)?.is_some())
}

/// The proof of this very dump.
///
/// # Errors
/// When the disk does not give it.
pub fn proof_of(system: &System, backup: &BackupManifest) -> Result<Option<Proof>> {
    match system.read_text(proof(system.app(), &backup.name)) {
        Ok(text) => Ok(text.and_then(|text| Proof::of(backup, text.as_bytes()))),
        // What is no file proves nothing.
        Err(error) if code(&error) == Code::E0409 => Ok(None),
        Err(error) => Err(error),
    }
}

/// All of them.
///
/// # Errors
/// When the folder cannot be read.
pub fn gather(system: &System) -> Result<Backups> {
    let sent = system.read_text(own::SENT)?;
    let mut found = Backups {
        // One that cannot be read says nothing; it is written anew.
        sent: sent.and_then(|text| serde_json::from_str(&text).ok()),
        ..Backups::default()
    };
    for file in files(system)? {
        let Some(name) = file
            .strip_suffix(MANIFEST)
            .filter(|_| !file.ends_with(PROOF))
            // What no backup can be called is somebody else's.
            .filter(|name| name.parse::<BackupName>().is_ok())
        else {
            continue;
        };
        match read(system, name)? {
            None => {}
            Some(Err(why)) => {
                found.broken.insert(name.to_owned(), why);
            }
            Some(Ok(backup)) => {
                if let Some(proof) = proof_of(system, &backup)? {
                    found.proofs.insert(name.to_owned(), proof);
                }
                found.whole.push(backup);
            }
        }
    }
    Ok(found.sorted(stack(system)?.as_deref()))
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
    let whole: BTreeSet<&str> = found.all().map(|one| one.name.as_str()).collect();
    let files = files(system)?;
    let has_roles = |name: &str| {
        let roles = format!("{name}{ROLES}");
        files.iter().any(|file| file.starts_with(&roles))
    };
    let is_stray = |file: &&String| {
        let Some((name, ending)) = ours(system.app(), file) else {
            return file.starts_with(DRAFT);
        };
        let known = whole.contains(name) || found.broken.contains_key(name);
        if ending.ends_with(PART) {
            return true;
        }
        !known && has_roles(name)
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
