//! The database that a restore set aside is live again.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::postgres::{alike, beside, swap};
use crate::core::engine::{Look, Wish};
use crate::host::system::System;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unrestored {
    pub database: String,
    /// What the restore called it.
    pub aside: String,
}

impl Wish<System> for Unrestored {
    async fn check(&self, system: &System) -> Result<Look> {
        Ok(match alike::exists(system, &self.aside).await? {
            Err(reason) => Look::differs(reason),
            Ok(false) => Look::same(),
            Ok(true) => Look::differs(format!(
                "the database of before is set aside as {}",
                self.aside
            )),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let restored = beside::coming(&self.database);
        alike::drop(system, &restored).await?;
        swap(system, &self.database, &restored, &self.aside).await?;
        alike::drop(system, &restored).await
    }
}
