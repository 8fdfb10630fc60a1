//! The pending migrations of a release, run on a copy of the live database before they touch it, and the release asked
//! on what they make.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::postgres::app_role::AppRole;
use super::postgres::reader;
use crate::core::digest;
use crate::core::engine::{CheckResult, Wish};
use crate::core::event::now;
use crate::facts::app::Schema;
use crate::host::own;
use crate::host::system::System;

mod failure;
mod lock_observer;

use super::release_check::{self, ReleaseCheck};
use super::scratch::Scratch;
use failure::failed;
use lock_observer::Passed;

/// Where a host keeps what its rehearsals have shown.
const FOLDER: &str = own::REHEARSALS;

/// `check` finds nothing to do when nothing is pending, when the database was never migrated, so that there is nothing
/// to lose, or when this very binary was rehearsed on what the database has seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// The live database.
    pub database: String,
    /// The release that is to come.
    pub trial: ReleaseCheck,
}

/// What a rehearsal has shown.
#[derive(Debug, Serialize, Deserialize)]
struct RehearsalRecord {
    release: String,
    sha256: String,
    at: String,
    /// What the live database had seen of migrations.
    applied: Vec<i64>,
    migrations: Vec<Passed>,
}

impl RehearsalRecord {
    /// `rehearsed: 0005_price 40 ms, ACCESS EXCLUSIVE on orders 12 ms; the new release answers on it`
    fn told(&self) -> String {
        let passed: Vec<String> = self.migrations.iter().map(Passed::told).collect();
        format!(
            "rehearsed: {}; the new release answers on it",
            passed.join("; ")
        )
    }

    fn took_ms(&self) -> f64 {
        self.migrations.iter().map(|passed| passed.ms).sum()
    }
}

impl Wish<System> for Rehearsal {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let status = match self.status(system).await? {
            Ok(status) => status,
            Err(reason) => return Ok(CheckResult::differs(reason)),
        };
        if status.pending.is_empty() || status.applied.is_empty() {
            return Ok(CheckResult::same());
        }
        let count = match status.pending.len() {
            1 => "1 migration was".to_owned(),
            more => format!("{more} migrations were"),
        };
        Ok(match self.record(system)? {
            // The sentence goes where the figure does: what a step has shown is told by its figure.
            Some(record)
                if record.applied == status.applied && record.sha256 == self.sha256(system)? =>
            {
                let unit = format!("ms, {}", record.told());
                CheckResult::same().with_figure(record.took_ms(), &unit, None)
            }
            _ => CheckResult::differs(format!(
                "{count} not rehearsed: {}",
                status.pending.join(", ")
            )),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let status = self
            .status(system)
            .await?
            .map_err(|reason| failed(&reason))?;
        let scratch = Scratch::of(&self.database);
        // A rehearsal that was killed has left its own behind.
        release_check::clear(system, &scratch).await?;
        let rehearsed = self.rehearse(system, &scratch).await;
        let cleared = release_check::clear(system, &scratch).await;
        let migrations = rehearsed?;
        cleared?;
        let record = RehearsalRecord {
            release: self.trial.release().to_owned(),
            sha256: self.sha256(system)?,
            at: now(),
            applied: status.applied,
            migrations,
        };
        self.keep(system, &record).await
    }
}

/// A release that is ready says nothing of rows: an empty catalogue serves, too.
///
/// # Errors
/// When the migrations emptied a table that imports fill.
fn lost_nothing(
    system: &System,
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) -> Result<()> {
    let lost = system.app().lost(before, after);
    if lost.is_empty() {
        return Ok(());
    }
    let why = format!("the migrations lose data: {}", lost.join("; "));
    Err(failed(&why).into())
}

impl Rehearsal {
    /// What the live database has seen of the release's migrations; the reason when it cannot be known.
    async fn status(&self, system: &System) -> Result<Result<Schema, String>> {
        let binary = &self.trial.binary;
        if system.stat(binary)?.is_none() {
            return Ok(Err(format!("{binary} is not on the host yet")));
        }
        let words = system.app().commands.status.words();
        let status = self.trial.app(system, &words);
        let output = system.run(&status).await?;
        if !output.ok() {
            return Ok(Err(format!(
                "the migrations of the live database cannot be read: {}",
                output.last_words()
            )));
        }
        let status = serde_json::from_str(&output.stdout)
            .context("what the release says of its migrations cannot be parsed")?;
        Ok(Ok(status))
    }

    async fn rehearse(&self, system: &System, scratch: &Scratch) -> Result<Vec<Passed>> {
        scratch.has_room(system, 2).await?;
        scratch.fill(system).await?;
        let before = reader::rows(system, &scratch.name).await?;
        lock_observer::place(system, &scratch.name).await?;
        let migrate = system.app().commands.migrate.run.words();
        let migrated = self.trial.run_on(system, scratch, &migrate).await?;
        if !migrated.ok() {
            return Err(failed(&format!(
                "the migrations failed on a copy of {}: {}",
                self.database,
                migrated.last_words()
            ))
            .into());
        }
        lost_nothing(system, &before, &reader::rows(system, &scratch.name).await?)?;
        let role = AppRole::of(system, &scratch.name).await?;
        let passed = lock_observer::ask(system, &role, &scratch.name).await?;
        role.analyze(system, &scratch.name).await?;
        self.trial.serve(system, scratch).await.map_err(|error| {
            failed(&format!(
                "the release does not answer on the migrated copy: {error:#}"
            ))
        })?;
        Ok(passed)
    }

    fn path(&self) -> String {
        format!("{FOLDER}/{}.json", self.trial.release())
    }

    /// One that cannot be read is none: the rehearsal is made anew.
    fn record(&self, system: &System) -> Result<Option<RehearsalRecord>> {
        let text = system.read_text(self.path())?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    async fn keep(&self, system: &System, record: &RehearsalRecord) -> Result<()> {
        system.make_folders(FOLDER)?;
        let text: Value = serde_json::to_value(record)?;
        system
            .write_atomic(
                self.path(),
                format!("{text:#}\n").as_bytes(),
                0o644,
                None,
                &[],
            )
            .await
    }

    fn sha256(&self, system: &System) -> Result<String> {
        let context = || format!("could not read {}", self.trial.binary);
        let mut file = system.open(&self.trial.binary)?.with_context(context)?;
        let (address, _) = digest::sha256_of(&mut file).with_context(context)?;
        Ok(address)
    }
}
