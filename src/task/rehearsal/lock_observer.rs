//! What a migration does to the tables that are there, noted by the scratch database itself.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::failure::failed;
use crate::host::system::System;
use crate::task::postgres::app_role::AppRole;
use crate::task::postgres::{SqlAnswer, superuser};

/// A migration that went through, and the strongest lock that it held on each table.
#[derive(Debug, Serialize, Deserialize)]
pub struct Passed {
    pub name: String,
    pub ms: f64,
    pub locks: Vec<Held>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Held {
    pub table: String,
    /// As the manual calls it: `ACCESS EXCLUSIVE`.
    pub mode: String,
    /// How long, at most.
    pub ms: f64,
    /// Whether writers wait for it.
    pub blocks: bool,
}

impl Passed {
    /// `0005_price 40 ms, ACCESS EXCLUSIVE on orders 12 ms`: locks that nobody waits for are not told.
    pub fn told(&self) -> String {
        let mut parts = vec![format!("{} {:.0} ms", self.name, self.ms)];
        let blocking = self.locks.iter().filter(|held| held.blocks);
        parts.extend(
            blocking.map(|held| format!("{} on {} {:.0} ms", held.mode, held.table, held.ms)),
        );
        parts.join(", ")
    }
}

/// Has the scratch database take notes. Only the superuser may have it do so when anything is made; who makes it runs nothing of his.
pub async fn place(system: &System, scratch: &str) -> Result<()> {
    superuser::tell(system, scratch, include_str!("lock_observer.sql")).await
}

/// What it has noted, and the app's own table says of its migrations: as the app's role, whose table may be anything.
pub async fn ask(system: &System, role: &AppRole, scratch: &str) -> Result<Vec<Passed>> {
    match role
        .ask(system, scratch, include_str!("passed.sql"))
        .await?
    {
        SqlAnswer::Away(reason) => Err(failed(&reason).into()),
        SqlAnswer::Rows(rows) => {
            serde_json::from_str(rows.trim()).context("the notes of the rehearsal cannot be parsed")
        }
    }
}
