//! What an operator brought is the live database: made beside it, from a dump or by the app's own loader, looked at there,
//! and then swapped in by name.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::postgres::{app_role::AppRole, clone, reader, shadow_database::ShadowDatabase};
use super::release_check::{self, ReleaseCheck};
use super::scratch::Scratch;
use crate::core::engine::{CheckResult, Wish};
use crate::core::event::now;
use crate::facts::imports::KnownImport;
use crate::host::system::System;
use crate::storage::dump::DumpPacking;

mod csv_files;
mod dump;
mod schema;
mod validate;

/// What the figure of a look at CSV files counts.
const CHANGING: &str = "files with changes";

pub use csv_files::CsvFile;
use csv_files::CsvFiles;
use dump::Dump;

/// `check` reads what was brought to its end, so that what is not whole is refused before anything has begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    pub database: String,
    /// The name that the previous database gets; the record of the import has the same name.
    #[serde(alias = "aside")]
    pub previous: String,
    /// The app's role, as which it is made.
    pub owner: String,
    /// The release that serves: its migrations, its loader, and what it answers on what was imported.
    pub trial: ReleaseCheck,
    pub brought: ImportSource,
    /// It is made, looked at and taken away again; the live database stays.
    #[serde(default)]
    pub only_look: bool,
}

/// What was brought, as it lies on the host.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportSource {
    /// All of the database.
    Dump {
        file: String,
        #[serde(default)]
        packing: DumpPacking,
        /// `pg_dump`'s custom format.
        #[serde(default)]
        archive: bool,
    },
    /// Rows that come into what is there.
    Csv {
        sheets: Vec<CsvFile>,
        /// The name of the source; with a row's code it says which row of the table it is.
        source: String,
        /// What else the app's loader is told.
        #[serde(default)]
        options: Vec<String>,
    },
}

impl ImportSource {
    /// Where it lies.
    pub fn files(&self) -> Vec<String> {
        match self {
            ImportSource::Dump { file, .. } => vec![file.clone()],
            ImportSource::Csv { sheets, .. } => {
                sheets.iter().map(|sheet| sheet.file.clone()).collect()
            }
        }
    }
}

impl Wish<System> for Imported {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        if self.only_look {
            return Ok(match KnownImport::read(system, &self.previous)? {
                Some(_) => CheckResult::same(),
                None => self.ahead(system).await?,
            });
        }
        if let Some(look) = self.beside().look(system).await? {
            return Ok(look);
        }
        self.ahead(system).await
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let before = reader::rows(system, &self.database).await?;
        let import = if self.only_look {
            self.look_at(system, before).await?
        } else {
            self.take_place(system, before).await?
        };
        import.keep(system, &self.previous).await
    }
}

impl Imported {
    fn beside(&self) -> ShadowDatabase<'_> {
        ShadowDatabase {
            database: &self.database,
            previous: &self.previous,
        }
    }

    /// Who does and asks whatever has to do with what was brought.
    fn role(&self) -> AppRole {
        AppRole {
            user: self.trial.user.clone(),
            name: self.owner.clone(),
        }
    }

    /// What would become of the live database, a sentence fragment each; of CSV files also how many would change something.
    async fn ahead(&self, system: &System) -> Result<CheckResult> {
        let live = reader::rows(system, &self.database).await?;
        let mut what = vec![if self.only_look {
            "not checked yet".to_owned()
        } else {
            format!("anything written from now on stays in {}", self.previous)
        }];
        match &self.brought {
            ImportSource::Dump {
                file,
                packing,
                archive,
            } => {
                let dump = Dump {
                    file,
                    packing: *packing,
                    archive: *archive,
                    role: &self.role(),
                };
                let counts = dump.count(system, &self.database).await?;
                clone::has_room_for_dump(system, &self.database, counts.bytes).await?;
                what.extend(told(&live, &counts.rows, "in the file"));
            }
            ImportSource::Csv {
                sheets,
                source,
                options,
            } => {
                let sheets = CsvFiles {
                    sheets,
                    source,
                    options,
                };
                clone::has_room(system, &self.database, 1).await?;
                let (told, changing) = sheets.ahead(system, &self.trial).await?;
                what.extend(told);
                #[allow(clippy::cast_precision_loss)] // as many as fit a command line
                let changing = changing as f64;
                return Ok(CheckResult::from(what).with_figure(changing, CHANGING, None));
            }
        }
        Ok(CheckResult::from(what))
    }

    async fn take_place(
        &self,
        system: &System,
        before: BTreeMap<String, u64>,
    ) -> Result<KnownImport> {
        let mut import = None;
        let fill = async |fresh: &str| {
            import = Some(
                self.fill(system, &Scratch::called(&self.database, fresh), before)
                    .await?,
            );
            Ok(())
        };
        self.beside().take_place(system, fill).await?;
        import.context("nothing was imported")
    }

    async fn look_at(&self, system: &System, before: BTreeMap<String, u64>) -> Result<KnownImport> {
        let scratch = Scratch::of(&self.database);
        // One that was killed has left its own behind.
        release_check::clear(system, &scratch).await?;
        scratch.has_room(system, 1).await?;
        scratch.create(system).await?;
        let filled = self.fill(system, &scratch, before).await;
        release_check::clear(system, &scratch).await?;
        filled
    }

    /// Makes the database what was brought, and looks at it.
    async fn fill(
        &self,
        system: &System,
        fresh: &Scratch,
        before: BTreeMap<String, u64>,
    ) -> Result<KnownImport> {
        let mut notes;
        match &self.brought {
            ImportSource::Dump {
                file,
                packing,
                archive,
            } => {
                let dump = Dump {
                    file,
                    packing: *packing,
                    archive: *archive,
                    role: &self.role(),
                };
                notes = dump.restore(system, &self.database, &fresh.name).await?;
                schema::is_of_the_app(system, &self.trial, fresh).await?;
                schema::migrate(system, &self.trial, fresh).await?;
            }
            ImportSource::Csv {
                sheets,
                source,
                options,
            } => {
                let sheets = CsvFiles {
                    sheets,
                    source,
                    options,
                };
                fresh.copy(system).await?;
                schema::migrate(system, &self.trial, fresh).await?;
                notes = sheets.load(system, &self.trial, fresh).await?;
            }
        }
        notes.extend(validate::look(system, &self.database, &fresh.name, &self.role()).await?);
        let after = reader::rows(system, &fresh.name).await?;
        lost_nothing(system, &before, &after)?;
        notes.extend(emptied(&before, &after));
        schema::answers(system, &self.trial, fresh, &self.role()).await?;
        Ok(KnownImport {
            at: now(),
            before,
            after,
            notes,
        })
    }
}

/// `rows of orders: 1588 now, 2007 in the file`
fn told(now: &BTreeMap<String, u64>, then: &BTreeMap<String, u64>, place: &str) -> Vec<String> {
    let tables: BTreeSet<&String> = now.keys().chain(then.keys()).collect();
    // What extensions keep for themselves comes without rows.
    let counts = |table: &&String| now.contains_key(*table) || then.get(*table) != Some(&0);
    let count = |rows: &BTreeMap<String, u64>, table| {
        rows.get(table).map_or("absent".to_owned(), u64::to_string)
    };
    tables
        .into_iter()
        .filter(counts)
        .map(|table| {
            format!(
                "rows of {table}: {} now, {} {place}",
                count(now, table),
                count(then, table)
            )
        })
        .collect()
}

/// # Errors
/// E0453 when a table that imports fill would be empty, and is not so now.
fn lost_nothing(
    system: &System,
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) -> Result<()> {
    let lost = system.app().lost(before, after);
    if lost.is_empty() {
        return Ok(());
    }
    Err(validate::failed(&lost.join("; ")).into())
}

/// Tables that had rows and have none any more.
fn emptied(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Vec<String> {
    before
        .iter()
        .filter(|(table, rows)| **rows > 0 && after.get(*table) == Some(&0))
        .map(|(table, rows)| format!("{table} had {rows} rows and has none in the import"))
        .collect()
}
