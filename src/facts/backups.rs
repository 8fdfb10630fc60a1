//! The backups on a host: what has a manifest is whole.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::macros::format_description;

use super::app::Schema;
use crate::system::System;

/// Where they are, as the production plan lays the host out.
pub const FOLDER: &str = "/home/citrino/database/backups";
/// How a manifest's name ends; before that stands the backup's name.
pub const MANIFEST: &str = ".json";
/// How the name of its dump ends.
pub const DUMP: &str = ".dump.zst";

/// One backup of the database: its manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// `citrino_20261125_150000`
    pub name: String,
    /// When the dump began, RFC 3339 in UTC.
    pub at: String,
    pub database: String,
    /// Of the dump as it lies there, packed.
    pub sha256: String,
    pub bytes: u64,
    /// How many rows each table had, counted just before.
    pub rows: BTreeMap<String, u64>,
    /// What the database had seen of migrations.
    pub schema: Schema,
}

impl Backup {
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

    pub fn dump(&self) -> String {
        dump(&self.name)
    }
}

/// The name of a new one: its time, so that names sort.
pub fn name(at: OffsetDateTime) -> String {
    let format = format_description!("citrino_[year][month][day]_[hour][minute][second]");
    at.format(format).unwrap_or_default()
}

/// Where the dump of a backup is.
pub fn dump(name: &str) -> String {
    format!("{FOLDER}/{name}{DUMP}")
}

/// Where its manifest is.
pub fn manifest(name: &str) -> String {
    format!("{FOLDER}/{name}{MANIFEST}")
}

/// The backup of this name; none when its manifest is not there or cannot be read.
///
/// # Errors
/// When the manifest's file is there and the disk does not give it.
pub fn read(system: &System, name: &str) -> Result<Option<Backup>> {
    let text = system.read_text(manifest(name))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// All of them, newest first. One whose manifest cannot be read is none.
///
/// # Errors
/// When the folder cannot be read.
pub fn gather(system: &System) -> Result<Vec<Backup>> {
    if system.stat(FOLDER)?.is_none() {
        return Ok(Vec::new());
    }
    let mut found: Vec<Backup> = Vec::new();
    for entry in std::fs::read_dir(system.path(FOLDER))? {
        let name = entry?.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_suffix(MANIFEST)) else {
            continue;
        };
        found.extend(read(system, name)?);
    }
    found.sort_by(|a, b| b.at.cmp(&a.at));
    Ok(found)
}
