//! What of the backups need not be kept, and what runs that were cut off have left, is gone.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::backup_files::Parts;
use super::postgres::{self, SqlAnswer, clone, literal, reader, shadow_database};
use crate::core::engine::{CheckResult, Wish};
use crate::core::event::Act;
use crate::facts::backups::{self, ASIDE, Backups};
use crate::host::system::System;
use crate::storage::retention::Retention;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pruned {
    pub database: String,
    pub keep: Retention,
    /// The time by which days are counted, RFC 3339.
    pub now: String,
    /// Also the databases that a restore or an import has set aside.
    #[serde(default)]
    #[serde(alias = "aside")]
    pub previous: bool,
    /// Of these only the ones without any row: nobody misses them.
    #[serde(default)]
    pub if_empty: bool,
}

/// What is to go.
struct Waste {
    backups: Vec<String>,
    /// Files that belong to no backup.
    files: Vec<String>,
    databases: Vec<String>,
}

impl Wish<System> for Pruned {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let waste = self.waste(system, &backups::gather(system)?).await?;
        let Waste {
            backups,
            files,
            databases,
        } = waste;
        let backups = backups
            .iter()
            .map(|name| format!("{name} need not be kept"));
        let files = files
            .iter()
            .map(|file| format!("{file} belongs to no backup"));
        let databases = databases
            .iter()
            .map(|name| format!("previous database {name} need not be kept"));
        let what: Vec<_> = backups.chain(files).chain(databases).collect();
        Ok(CheckResult::from(what).by(Act::Delete))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let found = backups::gather(system)?;
        let waste = self.waste(system, &found).await?;
        for backup in found
            .whole
            .iter()
            .filter(|one| waste.backups.contains(&one.name))
        {
            // Without its manifest it is none, whatever comes between.
            system.remove(backups::manifest(system.app(), &backup.name))?;
            system.remove(backups::proof(system.app(), &backup.name))?;
            Parts::whole(backup).remove(system)?;
        }
        for file in &waste.files {
            system.remove(system.app().backup_file(file))?;
        }
        for database in &waste.databases {
            clone::drop(system, database).await?;
        }
        Ok(())
    }
}

impl Pruned {
    async fn waste(&self, system: &System, found: &Backups) -> Result<Waste> {
        let dropped = self.keep.dropped(&found.dated(), backups::at(&self.now));
        Ok(Waste {
            backups: dropped.into_iter().map(str::to_owned).collect(),
            files: backups::strays(system, found)?,
            databases: self.databases(system).await?,
        })
    }

    /// What a killed restore has left, and what was set aside when that is asked for.
    async fn databases(&self, system: &System) -> Result<Vec<String>> {
        let coming = shadow_database::coming(&self.database);
        let previous = if self.previous {
            format!("{}{ASIDE}", self.database)
        } else {
            String::new()
        };
        let sql = format!(
            "SELECT datname FROM pg_database WHERE datname = {} OR ({} <> '' AND starts_with(datname, {})) ORDER BY 1;\n",
            literal(&coming)?,
            literal(&previous)?,
            literal(&previous)?,
        );
        let found: Vec<String> = match postgres::ask(system, &sql).await? {
            SqlAnswer::Rows(rows) => rows.lines().map(str::to_owned).collect(),
            // What is not there holds no database.
            SqlAnswer::Away(_) => Vec::new(),
        };
        let mut waste = Vec::new();
        for database in found {
            if !self.if_empty || database == coming || is_empty(system, &database).await {
                waste.push(database);
            }
        }
        Ok(waste)
    }
}

/// Whether it is known to hold no row: one that cannot be asked stays.
async fn is_empty(system: &System, database: &str) -> bool {
    let rows = reader::rows(system, database).await;
    rows.is_ok_and(|rows| rows.values().all(|count| *count == 0))
}
