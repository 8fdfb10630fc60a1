//! pgBackRest's repository takes the WAL of the cluster that runs.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::pgbackrest;
use super::postgres::{SqlAnswer, ask};
use crate::core::engine::{CheckResult, Wish};
use crate::host::system::System;

/// A cluster that was made anew takes the stanza over; backups and WAL of the previous one stay in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    pub stanza: String,
}

impl Wish<System> for Repository {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let identifier = match identifier(system).await? {
            Ok(identifier) => identifier,
            Err(reason) => return Ok(CheckResult::differs(reason)),
        };
        Ok(match pgbackrest::info(system, &self.stanza).await? {
            Err(reason) => CheckResult::differs(reason),
            Ok(info) if info.is_of(identifier) => CheckResult::same(),
            Ok(_) => CheckResult::differs("the repository does not have this cluster"),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        /// pgBackRest's code for a repository of another cluster.
        const OF_ANOTHER: i32 = 28;
        let made = system
            .run(&pgbackrest::cmd(&self.stanza, &["stanza-create"]))
            .await?;
        if made.code == OF_ANOTHER {
            system
                .run(&pgbackrest::cmd(&self.stanza, &["stanza-upgrade"]))
                .await?
                .success()?;
            return Ok(());
        }
        made.success().map(drop)
    }
}

/// What `PostgreSQL` calls a cluster: made with it, and like no other. The reason when it cannot be asked.
async fn identifier(system: &System) -> Result<Result<u64, String>> {
    Ok(
        match ask(
            system,
            "SELECT system_identifier FROM pg_control_system();\n",
        )
        .await?
        {
            SqlAnswer::Away(reason) => Err(reason),
            SqlAnswer::Rows(rows) => Ok(rows.trim().parse()?),
        },
    )
}
