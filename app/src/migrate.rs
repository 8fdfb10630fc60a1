//! `migrate`: the embedded migrations against the database.

use anyhow::{Context, Result, bail};
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::PgConnection;

use crate::failure::{Outcome, PENDING};
use crate::settings::Database;

/// The migrations of `migrations/`, in order. Versions that only a newer release knows are left alone.
static MIGRATOR: Migrator = {
    let mut migrator = sqlx::migrate!("../migrations");
    migrator.ignore_missing = true;
    migrator
};

/// sqlx's own table of applied migrations.
const APPLIED: &str = "_sqlx_migrations";

/// Applies what is pending, or with `check` only says what is.
pub async fn run(database: &Database, check: bool) -> Outcome {
    let mut connection = database.connect().await?;
    let pending = pending(&mut connection).await?;
    if pending.is_empty() {
        println!("nothing is pending; the schema is at {}", newest());
        return Ok(0);
    }
    if check {
        for name in &pending {
            println!("pending: {name}");
        }
        return Ok(PENDING);
    }
    needs_postgis(&mut connection, database).await?;
    // Another migrator holds the advisory lock for as long as it works; waiting for it has an end.
    sqlx::query("SET lock_timeout = '60s'")
        .execute(&mut connection)
        .await
        .context("the database refused a setting")?;
    MIGRATOR
        .run(&mut connection)
        .await
        .map_err(explained)
        .context("the migration failed and was rolled back")?;
    for name in &pending {
        println!("applied: {name}");
    }
    Ok(0)
}

/// The names of this release's migrations that the database has not seen, in order. A migration whose text is not the
/// applied one, and one that stopped half way, are errors.
pub async fn pending(connection: &mut PgConnection) -> Result<Vec<String>> {
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('public._sqlx_migrations') IS NOT NULL")
            .fetch_one(&mut *connection)
            .await
            .context("the database cannot be asked for its migrations")?;
    let mut applied = Vec::new();
    if exists {
        if let Some(version) = connection.dirty_version(APPLIED).await? {
            return Err(explained(MigrateError::Dirty(version)));
        }
        applied = connection.list_applied_migrations(APPLIED).await?;
    }
    let mut pending = Vec::new();
    for migration in MIGRATOR
        .iter()
        .filter(|migration| !migration.migration_type.is_down_migration())
    {
        match applied
            .iter()
            .find(|done| done.version == migration.version)
        {
            Some(done) if done.checksum != migration.checksum => {
                return Err(explained(MigrateError::VersionMismatch(migration.version)));
            }
            Some(_) => {}
            None => pending.push(name(migration.version, &migration.description)),
        }
    }
    Ok(pending)
}

fn newest() -> String {
    MIGRATOR.iter().last().map_or_else(
        || "no migration".to_owned(),
        |last| name(last.version, &last.description),
    )
}

fn name(version: i64, description: &str) -> String {
    format!("{version:04}_{}", description.replace(' ', "_"))
}

async fn needs_postgis(connection: &mut PgConnection, database: &Database) -> Result<()> {
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'postgis')")
            .fetch_one(connection)
            .await
            .context("the database cannot be asked for its extensions")?;
    if !there {
        bail!(
            "the database {database} has no PostGIS; a superuser must run CREATE EXTENSION postgis in it first"
        );
    }
    Ok(())
}

fn explained(error: MigrateError) -> anyhow::Error {
    match error {
        MigrateError::VersionMismatch(version) => anyhow::anyhow!(
            "migration {version:04} was applied with another text than this release has; released migrations must not be edited"
        ),
        MigrateError::Dirty(version) => {
            anyhow::anyhow!(
                "migration {version:04} stopped half way; repair the schema by hand, then delete its row in {APPLIED}"
            )
        }
        other => anyhow::Error::new(other),
    }
}
