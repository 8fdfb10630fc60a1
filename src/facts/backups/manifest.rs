//! The manifest of a backup: what was written, and what is in it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::core::digest;
use crate::core::error::{Code, Fault};
use crate::core::stack_key::{SignedKind, StackKey};
use crate::core::value::{BackupName, ReleaseId, checked, checked_if_any};
use crate::facts::app::Schema;
use crate::storage::archive::{ArchiveContent, ArchivePacking};

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
    /// Whether it was taken of what a restore or an import was about to set aside: who wants the newest backup does not want back
    /// what was just left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub safety: bool,
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

/// A manifest as it was found, whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnjudgedManifest {
    pub(super) backup: BackupManifest,
    /// What is signed: all of the manifest.
    pub(super) said: Value,
    pub(super) signature: Option<String>,
}

impl UnjudgedManifest {
    /// What it says of itself. Nothing is to be done by that.
    pub fn claims(&self) -> &BackupManifest {
        &self.backup
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

    /// As it is written: signed with the key of the stack, and with a hash over all of it at the end.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn text(&self, key: &StackKey) -> Result<String> {
        let mut value = serde_json::to_value(self)?;
        value[SIGNATURE] = key.sign(SignedKind::Manifest, &value).into();
        value[SEAL] = seal(&value).into();
        Ok(format!("{value:#}\n"))
    }

    /// Reads a manifest of this name; the reason when it is not what was written. Whose it is, is for a `Judge` to say.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(name: &str, text: &str) -> Result<UnjudgedManifest, String> {
        let changed = || "its manifest was cut or changed".to_owned();
        let mut value: Value = serde_json::from_str(text).map_err(|_| changed())?;
        if taken_out(&mut value, SEAL) != Some(seal(&value).into()) {
            return Err(changed());
        }
        let signature = taken_out(&mut value, SIGNATURE);
        let signature =
            signature.map(|signature| signature.as_str().unwrap_or_default().to_owned());
        // As it is derived: what it names is looked at here, for a sentence of its own.
        let backup = Self::deserialize(&value)
            .map_err(|error| format!("its manifest has another version: {error}"))?;
        if backup.name != name {
            return Err(format!("its manifest belongs to {}", backup.name));
        }
        match backup.foreign_file() {
            Some(file) => Err(format!("its manifest names `{file}`")),
            None => Ok(UnjudgedManifest {
                backup,
                said: value,
                signature,
            }),
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

/// The fields of a manifest's file that are not the manifest's own.
const SEAL: &str = "seal";
const SIGNATURE: &str = "signature";

fn taken_out(value: &mut Value, field: &str) -> Option<Value> {
    value.as_object_mut()?.remove(field)
}

/// Says that all of it came, and nothing of who wrote it. Maps of `serde_json` sort their keys, so that the same manifest has the
/// same text.
fn seal(value: &Value) -> String {
    digest::sha256(value.to_string().as_bytes())
}
