//! A database at one moment, held still for a dump while everybody goes on writing.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin};

use super::failed;
use crate::system::System;
use crate::task::postgres::{ROWS, session};

/// It lasts as long as the transaction that exported it.
pub struct Snapshot {
    holder: Child,
    mouth: ChildStdin,
    pub id: String,
    /// How many rows each table has in it.
    pub rows: BTreeMap<String, u64>,
}

impl Snapshot {
    /// # Errors
    /// E0421 when the database cannot be asked.
    pub async fn take(system: &System, database: &str) -> Result<Self> {
        let mut holder = system.start(&session(database))?;
        let mut mouth = holder.stdin.take().context("psql has no input")?;
        let said = holder.stdout.take().context("psql has no output")?;
        let mut lines = BufReader::new(said).lines();
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\nSELECT pg_export_snapshot();\n{ROWS}"
        );
        mouth.write_all(begin.as_bytes()).await?;
        let (id, rows) = (lines.next_line().await?, lines.next_line().await?);
        let (Some(id), Some(rows)) = (id, rows) else {
            let output = holder.wait_with_output().await?;
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(failed(&format!("{database} cannot be read: {why}")).into());
        };
        Ok(Self {
            holder,
            mouth,
            id,
            rows: serde_json::from_str(&rows)?,
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
