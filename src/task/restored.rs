//! The live database as it was in a backup: made beside it, then swapped by name.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::backup_files::{self, Parts};
use super::postgres::app_role::AppRole;
use super::postgres::archive::RestoreTarget;
use super::postgres::shadow_database::ShadowDatabase;
use super::postgres::{clone, reader};
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::error_info;
use crate::core::secret::Secret;
use crate::core::value::{BackupName, checked};
use crate::facts::backups::Accepts;
use crate::host::system::System;
use crate::storage::archive;

/// `check` refuses a backup that is not whole, so nothing has begun then.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restored {
    pub database: String,
    /// The name of the backup.
    #[serde(deserialize_with = "checked::<_, BackupName>")]
    pub backup: String,
    /// The name that the current database gets.
    #[serde(alias = "aside")]
    pub previous: String,
    /// Given for a backup of another stack: whom its grants are to means nobody here. All of it is the app's role's in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Which backups may be restored beside the stack's own.
    #[serde(default)]
    pub accepts: Accepts,
    /// What opens the backup when it is encrypted, as age key files have it.
    #[serde(default)]
    pub identities: Vec<Secret>,
}

impl Wish<System> for Restored {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        if let Some(look) = self.beside().look(system).await? {
            return Ok(look);
        }
        let backup = backup_files::find(system, &self.backup, self.accepts)?;
        let identities = archive::identities(&self.identities)?;
        let parts = Parts::whole(&backup);
        parts.verify(system, &identities).await?;
        // One that it cannot open is found out here, too.
        parts.open(system, &identities)?;
        clone::has_room_for(system, &self.database, backup.database_bytes).await?;
        if clone::exists(system, &self.database).await? == Ok(false) {
            return Ok(CheckResult::differs(format!(
                "database {} does not exist",
                self.database
            )));
        }
        let mut what = vec![format!(
            "The database returns to its state at {}. Later changes stay only in {}.",
            backup.at, self.previous
        )];
        // A damaged database is what one restores over.
        match reader::rows(system, &self.database).await {
            Ok(live) => what.extend(backup.differences(&live)),
            Err(error) => what.push(format!(
                "its rows cannot be counted: {}",
                error_info(&error).message
            )),
        }
        Ok(CheckResult::from(what))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let backup = backup_files::find(system, &self.backup, self.accepts)?;
        let identities = archive::identities(&self.identities)?;
        let parts = Parts::whole(&backup);
        let role = AppRole::of(system, &self.database).await?;
        let fill = async |fresh: &str| {
            let target = RestoreTarget {
                live: &self.database,
                fresh,
                role: &role,
                grants: self.owner.is_none(),
            };
            parts.restore(system, &identities, &target).await?;
            role.speaks_postgis(system, fresh).await
        };
        self.beside().take_place(system, fill).await
    }
}

impl Restored {
    /// Its sentence in a plan.
    pub fn wish(&self) -> String {
        format!("restore the database from {}", self.backup)
    }

    fn beside(&self) -> ShadowDatabase<'_> {
        ShadowDatabase {
            database: &self.database,
            previous: &self.previous,
        }
    }
}
