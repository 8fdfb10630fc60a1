//! What is said to a database as the app's role: it can do what the app can, and no more.
//!
//! `SET ROLE` in a session of the superuser is no wall, since whatever runs there can say `RESET ROLE`. So the system user
//! that `pg_hba.conf` lets in as the role comes over the socket, as the app does.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{ROWS, SqlAnswer, asked, client, counted};
use crate::host::system::{Cmd, System};

#[derive(Clone, Copy, Debug)]
pub struct AppRole<'a> {
    /// The system user.
    pub user: &'a str,
    pub name: &'a str,
}

impl AppRole<'_> {
    /// psql that reads what it is to do, with more arguments.
    pub fn session(&self, database: &str, more: &[&str]) -> Cmd {
        client(database, &[&["-U", self.name], more].concat()).user(self.user)
    }

    /// # Errors
    /// As `postgres::ask`.
    pub async fn ask(&self, system: &System, database: &str, sql: &str) -> Result<SqlAnswer> {
        asked(system, &self.session(database, &[]).stdin(sql)).await
    }

    /// # Errors
    /// E0402 when `PostgreSQL` refuses.
    pub async fn tell(&self, system: &System, database: &str, sql: &str) -> Result<()> {
        let said = system
            .run(&self.session(database, &[]).stdin(sql))
            .await?
            .success();
        said.map(drop)
    }

    /// How many rows each of the app's own tables has.
    ///
    /// # Errors
    /// E0421 when it cannot be asked.
    pub async fn rows(&self, system: &System, database: &str) -> Result<BTreeMap<String, u64>> {
        counted(self.ask(system, database, ROWS).await?)
    }
}
