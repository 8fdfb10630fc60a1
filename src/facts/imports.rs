//! What operators brought for the database of a host, and the record of what became of it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::host::own;
use crate::host::system::System;

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownImport {
    /// RFC 3339 in UTC.
    pub at: String,
    /// Rows of each table of the database that was live.
    pub before: BTreeMap<String, u64>,
    /// The same of the one that was made.
    pub after: BTreeMap<String, u64>,
    /// What else is worth a line: rows that were not taken, places far away.
    pub notes: Vec<String>,
}

/// The rows of a table; none where it was or is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ImportedRows<'a> {
    pub table: &'a str,
    pub before: Option<u64>,
    pub after: Option<u64>,
}

/// Where the record of this name is.
pub fn record(name: &str) -> String {
    format!("{}/{name}.json", own::IMPORTS)
}

impl KnownImport {
    /// The record of this name, when there is one.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(system: &System, name: &str) -> Result<Option<Self>> {
        let text = system.read_text(record(name))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Of each table.
    pub fn rows(&self) -> impl Iterator<Item = ImportedRows<'_>> {
        let tables: BTreeSet<&String> = self.before.keys().chain(self.after.keys()).collect();
        tables.into_iter().map(|table| ImportedRows {
            table,
            before: self.before.get(table).copied(),
            after: self.after.get(table).copied(),
        })
    }

    /// Writes it down.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn keep(&self, system: &System, name: &str) -> Result<()> {
        system.make_folders(own::IMPORTS)?;
        let text = format!("{:#}\n", serde_json::to_value(self)?);
        system
            .write_atomic(record(name), text.as_bytes(), 0o644, None, &[])
            .await
    }
}
