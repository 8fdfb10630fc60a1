//! A question to a database that must be there.

use anyhow::Result;

use crate::core::error::{Code, Fault};
use crate::host::system::System;
use crate::task::postgres::{Answer, ask};

/// The rows of the answer, as text.
///
/// # Errors
/// E0421 when the database does not answer.
pub async fn query(system: &System, database: &str, sql: &str) -> Result<String> {
    match ask(system, database, sql).await? {
        Answer::Rows(rows) => Ok(rows.trim().to_owned()),
        Answer::Away(reason) => Err(Fault::new(Code::E0421, reason).into()),
    }
}
