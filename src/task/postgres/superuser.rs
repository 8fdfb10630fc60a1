//! What is said to a database of the app's by the superuser, because nobody else may: making extensions, and the event triggers
//! by which a rehearsal sees locks.
//!
//! Nothing here calls by name what the app's role could have made, looks into a table, or has rows written. A test holds who may
//! use it (`tests/layers`).

use anyhow::Result;

use super::{OWNER, PINNED_BUT_SCHEMAS, SqlAnswer, asked, client_with, psql, psql_words, told};
use crate::host::system::{Cmd, System};

/// # Errors
/// E0402 when `PostgreSQL` answers and refuses the SQL.
pub async fn ask(system: &System, database: &str, sql: &str) -> Result<SqlAnswer> {
    asked(system, &psql(database, &[]).user(OWNER).stdin(sql)).await
}

/// # Errors
/// E0402 when `PostgreSQL` refuses.
pub async fn tell(system: &System, database: &str, sql: &str) -> Result<()> {
    told(system, &psql(database, &[]).user(OWNER).stdin(sql)).await
}

/// A session that makes an extension: its script finds the schemas of the database's settings, which `PostGIS`' topology adds
/// itself to, while the statements around it find the catalogue.
pub fn making(database: &str, sql: &str) -> Cmd {
    client_with(psql_words(database), PINNED_BUT_SCHEMAS)
        .user(OWNER)
        .stdin(format!("SET search_path = pg_catalog;\n{sql}"))
}
