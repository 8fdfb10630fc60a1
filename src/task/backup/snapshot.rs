//! A database at one moment, held still for a dump while everybody goes on writing.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin};

use super::failure::failed;
use crate::host::system::System;
use crate::task::postgres::LOCK_WITHIN;
use crate::task::postgres::reader::{self, ROWS};

/// It lasts as long as the transaction that exported it.
pub struct Snapshot {
    holder: Child,
    mouth: ChildStdin,
    pub id: String,
    /// How many rows each table has in it.
    pub rows: BTreeMap<String, u64>,
    /// The versions of the server, and of `PostGIS` where the database has it.
    pub postgres: String,
    pub postgis: Option<String>,
    /// Of the database on its disk.
    pub bytes: u64,
}

/// Before and after it, psql says a line each.
const BEGIN: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\nSELECT pg_export_snapshot();\n";
const VERSIONS: &str = "SELECT json_build_object('postgres', current_setting('server_version'), \
    'postgis', (SELECT extversion FROM pg_extension WHERE extname = 'postgis'), 'bytes', pg_database_size(current_database()));\n";

#[derive(Deserialize)]
struct Versions {
    postgres: String,
    postgis: Option<String>,
    bytes: u64,
}

impl Snapshot {
    /// # Errors
    /// E0421 when the database cannot be asked.
    pub async fn take(system: &System, database: &str) -> Result<Self> {
        let mut holder = system.start(&reader::session(database))?;
        let mut mouth = holder.stdin.take().context("psql has no input")?;
        let said = holder.stdout.take().context("psql has no output")?;
        let mut lines = BufReader::new(said).lines();
        let begin = format!("SET lock_timeout = {LOCK_WITHIN};\n{BEGIN}{ROWS}{VERSIONS}");
        mouth.write_all(begin.as_bytes()).await?;
        let said = (
            lines.next_line().await?,
            lines.next_line().await?,
            lines.next_line().await?,
        );
        let (Some(id), Some(rows), Some(versions)) = said else {
            let output = holder.wait_with_output().await?;
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(failed(&format!("{database} cannot be read: {why}")).into());
        };
        let versions: Versions = serde_json::from_str(&versions)?;
        Ok(Self {
            postgres: versions.postgres,
            postgis: versions.postgis,
            bytes: versions.bytes,
            holder,
            mouth,
            id,
            rows: reader::counts(&rows)?,
        })
    }

    /// Lets it go.
    pub async fn end(mut self) -> Result<()> {
        self.mouth.write_all(b"COMMIT;\n").await?;
        drop(self.mouth);
        self.holder.wait().await?;
        Ok(())
    }
}
