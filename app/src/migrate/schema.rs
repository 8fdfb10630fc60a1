//! What a database has seen of migrations, beside what this release knows.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::json;
use sqlx::migrate::{Migrate, MigrateError, Migration};
use sqlx::postgres::PgConnection;

use super::embedded::{APPLIED, hex, name, newest, ups};
use super::fault::explain;

/// The schema's state.
pub struct Schema {
    /// The versions that the database has seen, oldest first; some may be of newer releases.
    pub applied: Vec<i64>,
    /// The checksum of each, in hexadecimal: two texts may go by one number.
    shas: BTreeMap<i64, String>,
    /// This release's migrations that it has not seen, in order.
    pub pending: Vec<&'static Migration>,
    /// Only releases whose newest migration is this one or a later one can run on it; 0 when all can.
    pub floor: i64,
}

impl Schema {
    /// Reads it.
    ///
    /// # Errors
    /// When a migration's text is not the applied one, or one stopped half way.
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

    /// Whether the schema has left this release behind.
    pub fn is_past(&self) -> bool {
        self.floor > newest()
    }

    /// The sentence for a release that cannot run on it.
    pub fn refusal(&self) -> Option<String> {
        self.is_past().then(|| {
            format!(
                "the schema is past this release: it needs one that knows migration {:04}, and the newest that this one knows is {:04}",
                self.floor,
                newest()
            )
        })
    }

    /// The names of what is pending.
    pub fn pending_names(&self) -> Vec<String> {
        self.pending
            .iter()
            .map(|migration| name(migration))
            .collect()
    }

    /// All of it as one line of JSON; `newest` is what this release knows.
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
