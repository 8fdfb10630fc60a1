//! The live database as it was at a point in time: a second cluster is recovered to it by pgBackRest, and the database
//! alone goes from there into one beside the live one, which takes its name.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::pgbackrest;
use super::postgres::app_role::AppRole;
use super::postgres::archive::{self, RestoreTarget};
use super::postgres::shadow_database::ShadowDatabase;
use super::postgres::{WHOLE_WITHIN, reader, roles};
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::system::System;

mod cluster;
mod moment;

pub use moment::{parse, shown};

/// Refuses, and touches nothing, when no backup leads to the time. `check` goes by what was set aside, as
/// `Restored` does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovered {
    pub database: String,
    /// A time with its zone, as [`parse`] reads it.
    pub to: String,
    /// The name that the current database gets.
    #[serde(alias = "aside")]
    pub previous: String,
    pub stanza: String,
}

impl Wish<System> for Recovered {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        if let Some(look) = self.beside().look(system).await? {
            return Ok(look);
        }
        let to = self.moment()?;
        let base = self.base(system, to).await?;
        cluster::has_room(system, &self.database, base.bytes()).await?;
        Ok(CheckResult::differs(format!(
            "The database returns to its state at {}. Later changes stay only in {}. The recovery starts from backup {}.",
            shown(to),
            self.previous,
            base.label
        )))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let to = self.moment()?;
        let base = self.base(system, to).await?;
        // A recovery that was killed has left its own behind.
        cluster::clear(system).await?;
        cluster::has_room(system, &self.database, base.bytes()).await?;
        let taken = self.take_place(system, to).await;
        let cleared = cluster::clear(system).await;
        taken.and(cleared)
    }
}

impl Recovered {
    /// Its sentence in a plan.
    pub fn wish(&self) -> String {
        format!("recover the database to {}", self.to)
    }

    fn beside(&self) -> ShadowDatabase<'_> {
        ShadowDatabase {
            database: &self.database,
            previous: &self.previous,
        }
    }

    fn moment(&self) -> Result<OffsetDateTime> {
        let to = parse(&self.to).map_err(|why| unreachable(why, ANOTHER))?;
        if to > OffsetDateTime::now_utc() {
            return Err(unreachable("this is in the future by the host's clock", ANOTHER).into());
        }
        Ok(to)
    }

    /// The backup that the recovery begins from.
    async fn base(&self, system: &System, to: OffsetDateTime) -> Result<pgbackrest::BaseBackup> {
        let info = pgbackrest::info(system, &self.stanza)
            .await?
            .map_err(|why| unreachable(why, NOTHING_KEPT))?;
        let seconds = to.unix_timestamp();
        let oldest = info.backup.iter().map(|base| base.timestamp.stop).min();
        if let Some(base) = info.before(seconds) {
            return Ok(base);
        }
        let Some(stop) = oldest else {
            return Err(unreachable("there is no base backup", NOTHING_KEPT).into());
        };
        let oldest = shown(OffsetDateTime::from_unix_timestamp(stop)?);
        let next = format!("nothing was changed; choose a time from {oldest} to now");
        Err(unreachable("this is before the end of the oldest backup", &next).into())
    }

    async fn take_place(&self, system: &System, to: OffsetDateTime) -> Result<()> {
        cluster::flush(system, &self.stanza).await?;
        cluster::restore(system, &self.stanza, to).await?;
        cluster::start(system, to).await?;
        let fill = async |fresh: &str| self.fill(system, fresh).await;
        self.beside().take_place(system, fill).await
    }

    /// From program to program: nothing of it lies in a file.
    async fn fill(&self, system: &System, fresh: &str) -> Result<()> {
        let wished = cluster::rows(system, &self.database).await?;
        roles::bring(system, &cluster::roles(system).await?).await?;
        let dump = reader::dump(&self.database, &reader::CUSTOM).within(WHOLE_WITHIN);
        let role = AppRole::of(system, &self.database).await?;
        let target = RestoreTarget {
            live: &self.database,
            fresh,
            role: &role,
            grants: true,
        };
        archive::copy(system, &cluster::inside(dump), &target).await?;
        let found = reader::rows(system, fresh).await?;
        if found == wished {
            return role.speaks_postgis(system, fresh).await;
        }
        let message = format!(
            "the rows of {fresh} differ from the recovered database: {found:?}, expected {wished:?}"
        );
        Err(Fault::new(Code::E0441, message)
            .hint("the live database is unchanged; try again")
            .into())
    }
}

/// A time that cannot be gone back to: nothing was touched.
fn unreachable(why: impl Into<String>, next: &str) -> Fault {
    Fault::new(Code::E0440, why).hint(next)
}

const ANOTHER: &str = "nothing was changed; choose another time";
const NOTHING_KEPT: &str = "nothing was changed; set `backup: { pitr: true }` and run `citrino-ops converge`; from then on you can return to any time";
