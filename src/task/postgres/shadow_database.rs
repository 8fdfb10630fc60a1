//! A database that is made beside the live one, and takes its place by name.
//!
//! `PostGIS` does not survive `pg_restore --clean`, and there is no way back from the middle of one: so whatever comes
//! into production comes into a new database, is looked at there, and is then swapped in.

use anyhow::Result;

use super::app_role::AppRole;
use super::{clone, surroundings, swap};
use crate::core::engine::CheckResult;
use crate::host::system::System;

pub struct ShadowDatabase<'a> {
    /// The live database.
    pub database: &'a str,
    /// What it is called afterwards.
    pub previous: &'a str,
}

/// What a database is called until it takes the live one's place.
pub fn coming(database: &str) -> String {
    format!("{database}_restoring")
}

impl ShadowDatabase<'_> {
    /// Whether it has taken its place: what was set aside is there once both have changed their names, which
    /// they do at once. None when that is still to be done.
    ///
    /// # Errors
    /// When `PostgreSQL` answers and refuses the question.
    pub async fn look(&self, system: &System) -> Result<Option<CheckResult>> {
        Ok(match clone::exists(system, self.previous).await? {
            Err(reason) => Some(CheckResult::differs(reason)),
            Ok(true) => Some(CheckResult::same()),
            Ok(false) => None,
        })
    }

    /// Has an empty database filled, and swaps it in. When it cannot be filled, it goes again. Whether there is room
    /// for it was looked at before.
    ///
    /// # Errors
    /// Whatever `fill` says; the live database is as it was.
    pub async fn take_place(
        &self,
        system: &System,
        fill: impl AsyncFnOnce(&str) -> Result<()>,
    ) -> Result<()> {
        let fresh = coming(self.database);
        // A run that was killed has left its own behind.
        clone::drop(system, &fresh).await?;
        clone::create(system, self.database, &fresh).await?;
        let filled = Self::fill(system, &fresh, fill).await;
        if filled.is_err() {
            clone::drop(system, &fresh).await?;
        }
        filled?;
        let around = surroundings::carried(self.database, &fresh)?;
        swap(system, self.database, self.previous, &fresh, &around).await
    }

    async fn fill(
        system: &System,
        fresh: &str,
        fill: impl AsyncFnOnce(&str) -> Result<()>,
    ) -> Result<()> {
        fill(fresh).await?;
        let role = AppRole::of(system, fresh).await?;
        role.analyze(system, fresh).await
    }
}
