//! The role that takes dumps of databases and counts their rows: it may read everything and write nothing.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::postgres::{SqlAnswer, ask, reader, tell};
use crate::core::engine::{CheckResult, Wish};
use crate::host::own::READER;
use crate::host::system::System;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresReader {}

impl Wish<System> for PostgresReader {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        Ok(match ask(system, reader::IS_MADE).await? {
            SqlAnswer::Away(reason) => CheckResult::differs(reason),
            SqlAnswer::Rows(rows) if rows.trim().is_empty() => {
                CheckResult::differs(format!("role {READER} does not exist"))
            }
            SqlAnswer::Rows(rows) if rows.trim() == "t" => CheckResult::same(),
            SqlAnswer::Rows(_) => CheckResult::differs(format!(
                "{READER} may not read everything, or may do more than that"
            )),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        tell(system, reader::MADE).await
    }
}
