//! Which releases a rollback can use: a release runs on a schema if its newest migration reaches the floor.

use std::fmt;

use crate::facts::app::{AppFacts, DescribedMigration, Down, Release, ReleaseState};
use crate::facts::backups::{BackupManifest, Backups};

/// Why a rollback cannot use a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// No deploy of it went well.
    Failed,
    /// It never said which migrations it knows.
    Silent,
    /// The live database could not be asked; the reason.
    SchemaUnknown(String),
    /// The schema is past it, by this migration's doing.
    SchemaPast(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed => f.write_str("it was never deployed successfully"),
            Self::Silent => f.write_str("its schema version is unknown"),
            Self::SchemaUnknown(reason) => write!(f, "the live schema is not known: {reason}"),
            Self::SchemaPast(by) => {
                write!(
                    f,
                    "the live schema is too new for it: {by} removed what it needs"
                )
            }
        }
    }
}

/// A way to a release that the schema is past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollbackWay<'a> {
    /// Another release, which can be gone back to as things are.
    Other(&'a Release),
    /// The schema is taken back to this migration by a release that knows the way, and nothing is lost.
    Down { by: &'a Release, to: i64 },
    /// The database comes back as it was when the release could run on it.
    Restore(&'a BackupManifest),
}

/// The release that served before the one that serves: the one beside it, else the newest that went well.
pub fn previous(app: &AppFacts) -> Option<&Release> {
    let live = app.live_release();
    let mut good = app
        .releases
        .iter()
        .filter(|release| release.state == ReleaseState::Good && Some(release.id.as_str()) != live);
    let beside = |release: &&Release| app.slots.values().any(|slot| *slot == release.id);
    good.clone().find(beside).or_else(|| good.next())
}

/// Whether the release can serve as things are.
///
/// # Errors
/// What is in the way.
pub fn reach(app: &AppFacts, release: &Release) -> Result<(), Obstacle> {
    if !release.state.has_served() {
        return Err(Obstacle::Failed);
    }
    let schema = match &app.schema {
        // Nothing serves, so nothing can be past it.
        None => return Ok(()),
        Some(Err(reason)) => return Err(Obstacle::SchemaUnknown(reason.clone())),
        Some(Ok(schema)) => schema,
    };
    let Some(known) = &release.migrations else {
        return Err(Obstacle::Silent);
    };
    if schema.floor <= known.newest {
        return Ok(());
    }
    Err(Obstacle::SchemaPast(match contraction(app, release) {
        Some(migration) => migration.file(),
        None => format!("a migration that needs {:04}", schema.floor),
    }))
}

/// What else there is when the schema is past the release.
pub fn ways<'a>(
    app: &'a AppFacts,
    backups: &'a Backups,
    release: &Release,
) -> Vec<RollbackWay<'a>> {
    let live = app.live_release();
    let is_other = |other: &&Release| {
        other.id != release.id && Some(other.id.as_str()) != live && reach(app, other).is_ok()
    };
    let other = app.releases.iter().find(is_other).map(RollbackWay::Other);
    let back = backup_for(backups, release).map(RollbackWay::Restore);
    other
        .into_iter()
        .chain(down_for(app, release))
        .chain(back)
        .collect()
}

/// The way down to where the release can run, when it loses nothing.
fn down_for<'a>(app: &'a AppFacts, release: &Release) -> Option<RollbackWay<'a>> {
    let schema = app.schema.as_ref()?.as_ref().ok()?;
    let to = contraction(app, release)?.version - 1;
    let leads_there = |by: &&Release| {
        let known = by.migrations.iter().flat_map(|known| &known.migrations);
        let ways: Vec<i64> = known
            .filter(|one| one.down == Some(Down::Lossless) && schema.has(one))
            .map(|one| one.version)
            .collect();
        let mut above = schema.applied.iter().filter(|version| **version > to);
        above.all(|version| ways.contains(version))
    };
    let by = app.releases.iter().find(leads_there)?;
    Some(RollbackWay::Down { by, to })
}

/// The newest backup that is of a schema on which the release can run.
fn backup_for<'a>(backups: &'a Backups, release: &Release) -> Option<&'a BackupManifest> {
    let newest = release.migrations.as_ref()?.newest;
    backups.whole.iter().find(|backup| {
        backup
            .schema
            .as_ref()
            .is_some_and(|schema| schema.floor <= newest)
    })
}

/// The first applied migration that took away what the release needs.
fn contraction<'a>(app: &'a AppFacts, release: &Release) -> Option<&'a DescribedMigration> {
    let newest = release.migrations.as_ref()?.newest;
    let schema = app.schema.as_ref()?.as_ref().ok()?;
    let known = app
        .releases
        .iter()
        .filter_map(|one| one.migrations.as_ref());
    known
        .flat_map(|known| &known.migrations)
        .filter(|one| one.floor.is_some_and(|floor| floor > newest) && schema.has(one))
        .min_by_key(|one| one.version)
}

#[cfg(test)]
mod tests;
