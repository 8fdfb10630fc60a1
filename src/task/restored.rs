//! The live database as it was in a backup: made beside it, then swapped by name.

use std::fs::File;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use zstd::stream::read::Decoder;

use super::postgres::{OWNER, alike, rows, swap, tell};
use crate::blob;
use crate::engine::{Look, Wish};
use crate::error::Fault;
use crate::facts::backups::{self, Backup};
use crate::system::{Cmd, System};

/// `check` goes by what was set aside: it is there once both databases have changed their names, which
/// they do at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restored {
    pub database: String,
    /// The name of the backup.
    pub backup: String,
    /// What the database of before is called afterwards.
    pub aside: String,
}

impl Wish<System> for Restored {
    async fn check(&self, system: &System) -> Result<Look> {
        match alike::exists(system, &self.aside).await? {
            Err(reason) => return Ok(Look::differs(reason)),
            Ok(true) => return Ok(Look::same()),
            Ok(false) => {}
        }
        let backup = self.manifest(system)?;
        let live = rows(system, &self.database).await?;
        let mut what = vec![format!(
            "what was written since {} is given up, and stays in {}",
            backup.at, self.aside
        )];
        what.extend(backup.differences(&live));
        Ok(Look::from(what))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let backup = self.manifest(system)?;
        self.verify(system, &backup)?;
        alike::has_room(system, &self.database, 1).await?;
        let fresh = restoring(&self.database);
        // A restore that was killed has left its own behind.
        alike::drop(system, &fresh).await?;
        alike::create(system, &self.database, &fresh).await?;
        let filled = self.fill(system, &backup, &fresh).await;
        if filled.is_err() {
            alike::drop(system, &fresh).await?;
        }
        filled?;
        swap(system, &self.database, &self.aside, &fresh).await
    }
}

/// What a database is called until it takes the live one's place.
pub fn restoring(database: &str) -> String {
    format!("{database}_restoring")
}

impl Restored {
    fn manifest(&self, system: &System) -> Result<Backup> {
        backups::read(system, &self.backup)?.ok_or_else(|| {
            Fault::new("E0422", format!("there is no backup {}", self.backup))
                .hint("nothing was changed; look at the names below /home/citrino/database/backups")
                .into()
        })
    }

    /// The dump is what its manifest says.
    fn verify(&self, system: &System, backup: &Backup) -> Result<()> {
        let path = backup.dump();
        let mut file = File::open(system.path(&path)).with_context(|| format!("could not read {path}"))?;
        let found = blob::sha256_of(&mut file).with_context(|| format!("could not read {path}"))?;
        if found == (backup.sha256.clone(), backup.bytes) {
            return Ok(());
        }
        Err(Fault::new(
            "E0422",
            format!("the backup {} is not what was written: its hash is another", self.backup),
        )
        .hint("nothing was changed; take another backup")
        .into())
    }

    async fn fill(&self, system: &System, backup: &Backup, fresh: &str) -> Result<()> {
        let mut read = Decoder::new(File::open(system.path(backup.dump()))?)?;
        let restore = Cmd::new(["pg_restore", "--exit-on-error", "--dbname", fresh]).user(OWNER);
        system.feed(&restore, &mut read).await?;
        // A copy comes without what the planner knows of its rows; PostGIS must answer in it.
        tell(system, fresh, "ANALYZE;\nSELECT postgis_lib_version();\n").await?;
        let restored = rows(system, fresh).await?;
        if restored == backup.rows {
            return Ok(());
        }
        let differences = backup.differences(&restored).join("; ");
        Err(Fault::new("E0422", format!("the backup {} gave other rows than were written: {differences}", self.backup))
            .hint("the live database is as it was; take another backup")
            .into())
    }
}
