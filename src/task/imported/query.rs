//! A question to a database that must be there.

use anyhow::Result;

use crate::core::error::{Code, Fault};
use crate::host::system::System;
use crate::task::postgres::{SqlAnswer, ask};

/// The rows of the answer, as text.
///
/// # Errors
/// E0421 when the database does not answer.
pub async fn query(system: &System, database: &str, sql: &str) -> Result<String> {
    match ask(system, database, sql).await? {
        SqlAnswer::Rows(rows) => Ok(rows.trim().to_owned()),
        SqlAnswer::Away(reason) => Err(Fault::new(Code::E0421, reason).into()),
    }
}
