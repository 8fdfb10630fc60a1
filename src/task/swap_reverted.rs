//! The database that a restore set aside is live again.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::postgres::{clone, shadow_database, swap};
use crate::core::engine::{CheckResult, Wish};
use crate::host::system::System;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwapReverted {
    pub database: String,
    /// What the restore called it.
    #[serde(alias = "aside")]
    pub previous: String,
}

impl Wish<System> for SwapReverted {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        Ok(match clone::exists(system, &self.previous).await? {
            Err(reason) => CheckResult::differs(reason),
            Ok(false) => CheckResult::same(),
            Ok(true) => CheckResult::differs(format!("the previous database is {}", self.previous)),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let restored = shadow_database::coming(&self.database);
        clone::drop(system, &restored).await?;
        // It has around it what it had when it was live.
        swap(system, &self.database, &restored, &self.previous, "").await?;
        clone::drop(system, &restored).await
    }
}
