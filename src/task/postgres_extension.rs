//! An extension in a database of `PostgreSQL`.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::postgres::{SqlAnswer, extensions, literal, superuser};
use crate::core::engine::{CheckResult, Wish};
use crate::host::system::System;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresExtension {
    pub name: String,
    pub database: String,
}

impl Wish<System> for PostgresExtension {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let name = literal(&self.name)?;
        let sql = format!("SELECT extversion FROM pg_extension WHERE extname = {name};\n");
        Ok(match superuser::ask(system, &self.database, &sql).await? {
            SqlAnswer::Away(reason) => CheckResult::differs(reason),
            SqlAnswer::Rows(rows) if rows.trim().is_empty() => CheckResult::differs(format!(
                "extension {} is not in {}",
                self.name, self.database
            )),
            SqlAnswer::Rows(_) => CheckResult::same(),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        extensions::make_in_live(system, &self.database, &self.name).await
    }
}
