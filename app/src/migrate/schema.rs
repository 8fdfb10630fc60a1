//! The migrations that a database has, compared with those of this release.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::json;
use sqlx::migrate::{Migrate, MigrateError, Migration};
use sqlx::postgres::PgConnection;

use super::embedded::{APPLIED, hex, name, newest, ups};
use super::fault::explain;

/// The schema's state.
pub struct Schema {
    /// The applied versions, oldest first; some may belong to newer releases.
    pub applied: Vec<i64>,
    /// The checksum of each, in hexadecimal: two texts may have the same number.
    shas: BTreeMap<i64, String>,
    /// The migrations of this release that are not applied, in order.
    pub pending: Vec<&'static Migration>,
    /// Only releases whose newest migration is this one or a later one can run on the schema; 0 if all can.
    pub floor: i64,
}

impl Schema {
    /// Reads it.
    ///
    /// # Errors
    /// If the text of a migration differs from the applied one, or if a migration stopped halfway.
    pub async fn read(connection: &mut PgConnection) -> Result<Self> {
        let (has_applied, has_floor): (bool, bool) = sqlx::query_as(
            "SELECT to_regclass('public._sqlx_migrations') IS NOT NULL, to_regclass('public.schema_floor') IS NOT NULL",
        )
        .fetch_one(&mut *connection)
        .await
        .context("the database cannot be asked for its migrations")?;
        let mut applied = Vec::new();
        if has_applied {
            if let Some(version) = connection.dirty_version(APPLIED).await? {
                return Err(explain(MigrateError::Dirty(version)));
            }
            applied = connection.list_applied_migrations(APPLIED).await?;
        }
        let mut pending = Vec::new();
        for migration in ups() {
            match applied
                .iter()
                .find(|done| done.version == migration.version)
            {
                Some(done) if done.checksum != migration.checksum => {
                    return Err(explain(MigrateError::VersionMismatch(migration.version)));
                }
                Some(_) => {}
                None => pending.push(migration),
            }
        }
        let floor = if has_floor {
            sqlx::query_scalar("SELECT coalesce(max(floor), 0) FROM public.schema_floor")
                .fetch_one(connection)
                .await
                .context("the database cannot be asked for its floor")?
        } else {
            0
        };
        Ok(Schema {
            applied: applied.iter().map(|done| done.version).collect(),
            shas: applied
                .iter()
                .map(|done| (done.version, hex(&done.checksum)))
                .collect(),
            pending,
            floor,
        })
    }

    /// Whether this release is too old for the schema.
    pub fn is_past(&self) -> bool {
        self.floor > newest()
    }

    /// The sentence for a release that cannot run on it.
    pub fn refusal(&self) -> Option<String> {
        self.is_past().then(|| {
            format!(
                "this release is too old for the schema: the schema needs migration {:04}, and the newest that this release knows is {:04}",
                self.floor,
                newest()
            )
        })
    }

    /// The names of the pending migrations.
    pub fn pending_names(&self) -> Vec<String> {
        self.pending
            .iter()
            .map(|migration| name(migration))
            .collect()
    }

    /// The state as one line of JSON; `newest` is the newest migration of this release.
    pub fn status(&self) -> String {
        json!({
            "applied": self.applied,
            "shas": self.shas,
            "newest": newest(),
            "floor": self.floor,
            "pending": self.pending_names(),
        })
        .to_string()
    }
}
