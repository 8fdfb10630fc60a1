//! The copy of the live database that a rehearsal or a drill works on.

use anyhow::Result;

use crate::host::system::System;
use crate::task::postgres::app_role::AppRole;
use crate::task::postgres::archive::{self, RestoreTarget};
use crate::task::postgres::{WHOLE_WITHIN, clone, reader};

/// The app comes over the socket, as the user it is: `templates/postgresql/pg_hba.conf.tera` lets it in.
const SOCKETS: &str = "/var/run/postgresql";

pub struct Scratch {
    live: String,
    pub name: String,
}

impl Scratch {
    pub fn of(live: &str) -> Self {
        Self {
            live: live.to_owned(),
            name: format!("{live}_rehearsal"),
        }
    }

    /// A database beside it that is called in another way.
    pub fn called(live: &str, name: &str) -> Self {
        Self {
            live: live.to_owned(),
            name: name.to_owned(),
        }
    }

    /// What leads the app here instead of to the live database.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("DATABASE_URL", String::new()),
            ("DB_HOST", SOCKETS.to_owned()),
            ("DB_PASSWORD", String::new()),
            ("DB_NAME", self.name.clone()),
        ]
    }

    /// A copy is as large as what it is made from; a migration may write every row of it anew, so it wants two.
    pub async fn has_room(&self, system: &System, times: u64) -> Result<()> {
        clone::has_room(system, &self.live, times).await
    }

    /// Makes it, without anything in it; nobody is let in before it is filled.
    pub async fn create(&self, system: &System) -> Result<()> {
        clone::create(system, &self.live, &self.name).await
    }

    /// Makes the copy.
    pub async fn fill(&self, system: &System) -> Result<()> {
        self.create(system).await?;
        self.copy(system).await
    }

    /// Copies all that is live into it, from program to program: nothing of it lies in a file.
    pub async fn copy(&self, system: &System) -> Result<()> {
        let role = AppRole::of(system, &self.live).await?;
        let dump = reader::dump(&self.live, &reader::CUSTOM).within(WHOLE_WITHIN);
        let target = RestoreTarget {
            live: &self.live,
            fresh: &self.name,
            role: &role,
            grants: true,
        };
        archive::copy(system, &dump, &target).await
    }

    /// Takes it away, whoever is in it.
    pub async fn drop(&self, system: &System) -> Result<()> {
        clone::drop(system, &self.name).await
    }
}
