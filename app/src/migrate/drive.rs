//! Applies and reverts migrations, each in its own transaction, all under one advisory lock.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use sqlx::Connection;
use sqlx::migrate::{Migrate, Migration};
use sqlx::postgres::PgConnection;

use super::embedded::{APPLIED, MIGRATOR, down_of, loses_nothing, name};
use super::fault::explain_wait;
use super::schema::Schema;
use super::session::Session;
use crate::settings::Database;

/// Applies what is pending, oldest first.
pub async fn up(database: &Database, mut connection: PgConnection) -> Result<u8> {
    needs_postgis(&mut connection, database).await?;
    let mut session = turn(database, connection).await?;
    // Another migrator may have finished just now.
    let schema = Schema::read(&mut session.connection).await?;
    if let Some(refusal) = schema.refusal() {
        bail!(refusal);
    }
    for migration in schema.pending {
        let took = step(&mut session, migration).await?;
        println!("applied: {} {} ms", name(migration), took.as_millis());
    }
    session.close().await?;
    Ok(0)
}

/// How far to go back.
#[derive(Clone, Copy)]
pub struct Back {
    /// The newest version that stays.
    pub target: i64,
    /// Whether data may be lost.
    pub lose_data: bool,
}

/// Reverts the migrations above `target`, newest first.
pub async fn down(
    database: &Database,
    connection: PgConnection,
    schema: &Schema,
    back: Back,
) -> Result<u8> {
    let target = back.target;
    if way_back(schema, back)?.is_empty() {
        connection.close().await?;
        println!("nothing to revert: no migration above {target:04} is applied");
        return Ok(0);
    }
    let mut session = turn(database, connection).await?;
    let schema = Schema::read(&mut session.connection).await?;
    for migration in way_back(&schema, back)? {
        let took = step(&mut session, migration).await?;
        println!("reverted: {} {} ms", name(migration), took.as_millis());
    }
    session.close().await?;
    Ok(0)
}

/// The down migrations to run, newest first. If one of them cannot be run, none is.
fn way_back(schema: &Schema, back: Back) -> Result<Vec<&'static Migration>> {
    let mut way = Vec::new();
    for version in schema
        .applied
        .iter()
        .rev()
        .filter(|version| **version > back.target)
    {
        let Some(down) = down_of(*version) else {
            bail!(
                "migration {version:04} was applied by another release; revert it with that release"
            );
        };
        way.push(down);
    }
    let lossy: Vec<String> = way
        .iter()
        .filter(|down| !loses_nothing(down))
        .map(|down| name(down))
        .collect();
    if !lossy.is_empty() && !back.lose_data {
        bail!(
            "reverting {} loses data; nothing was changed; add --lose-data to do it anyway",
            lossy.join(", ")
        );
    }
    Ok(way)
}

/// A session that holds the migration lock, so that no other migrator works at the same time.
async fn turn(database: &Database, connection: PgConnection) -> Result<Session> {
    let mut session = Session::new(database, connection).await?;
    session.for_its_turn().await?;
    let (locked, holder) = session.watched(PgConnection::lock).await;
    locked.map_err(|error| explain_wait(error, "the migrator", holder))?;
    session
        .connection
        .ensure_migrations_table(&MIGRATOR.table_name)
        .await?;
    Ok(session)
}

async fn step(session: &mut Session, migration: &'static Migration) -> Result<Duration> {
    let name = name(migration);
    session.for_work(&name).await?;
    let (done, holder) = session
        .watched(|connection| {
            if migration.migration_type.is_down_migration() {
                connection.revert(APPLIED, migration)
            } else {
                connection.apply(APPLIED, migration)
            }
        })
        .await;
    done.map_err(|error| explain_wait(error, &name, holder))
        .with_context(|| format!("{name} failed and was rolled back"))
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
