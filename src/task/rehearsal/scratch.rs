//! The copy of the live database that a rehearsal works on.

use anyhow::{Context, Result};
use nix::sys::statvfs::statvfs;
use serde::Deserialize;

use super::failed;
use crate::system::{Cmd, System};
use crate::task::postgres::{Answer, MAINTENANCE, OWNER, ask, identifier, literal, tell};

/// The app comes over the socket, as the user it is: `templates/postgresql/pg_hba.conf.tera` lets it in.
const SOCKETS: &str = "/var/run/postgresql";

pub struct Scratch {
    live: String,
    pub name: String,
}

/// What must be known of the live database to make one like it.
#[derive(Deserialize)]
struct Live {
    owner: String,
    encoding: String,
    collate: String,
    ctype: String,
    bytes: u64,
    folder: String,
}

impl Scratch {
    pub fn of(live: &str) -> Self {
        Self {
            live: live.to_owned(),
            name: format!("{live}_rehearsal"),
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

    async fn live(&self, system: &System) -> Result<Live> {
        let sql = format!(
            "SELECT json_build_object('owner', pg_get_userbyid(datdba), 'encoding', pg_encoding_to_char(encoding), \
             'collate', datcollate, 'ctype', datctype, 'bytes', pg_database_size(oid), 'folder', current_setting('data_directory')) \
             FROM pg_database WHERE datname = {};\n",
            literal(&self.live)?
        );
        match ask(system, MAINTENANCE, &sql).await? {
            Answer::Away(reason) => Err(failed(&reason).into()),
            Answer::Rows(rows) if rows.trim().is_empty() => {
                Err(failed(&format!("there is no database {}", self.live)).into())
            }
            Answer::Rows(rows) => Ok(serde_json::from_str(rows.trim())?),
        }
    }

    /// A copy is as large as what it is made from, and a migration may write every row of it anew.
    pub async fn has_room(&self, system: &System) -> Result<()> {
        let live = self.live(system).await?;
        let disk = statvfs(&system.path(&live.folder))
            .with_context(|| format!("could not look at the disk of {}", live.folder))?;
        let free = disk.blocks_available() * disk.fragment_size();
        Ok(room(&self.live, live.bytes, free).map_err(|why| failed(&why))?)
    }

    /// Makes the copy, from program to program: nothing of it lies in a file.
    pub async fn fill(&self, system: &System) -> Result<()> {
        let live = self.live(system).await?;
        let sql = format!(
            "CREATE DATABASE {} OWNER {} ENCODING {} LC_COLLATE {} LC_CTYPE {} TEMPLATE template0;\n",
            identifier(&self.name)?,
            identifier(&live.owner)?,
            literal(&live.encoding)?,
            literal(&live.collate)?,
            literal(&live.ctype)?
        );
        tell(system, MAINTENANCE, &sql).await?;
        let dump = Cmd::new(["pg_dump", "--format=custom", "--compress=0", "--dbname", &self.live]).user(OWNER);
        let restore = Cmd::new(["pg_restore", "--exit-on-error", "--dbname", &self.name]).user(OWNER);
        system.pipe(&dump, &restore).await
    }

    /// Takes it away, whoever is in it.
    pub async fn drop(&self, system: &System) -> Result<()> {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE);\n", identifier(&self.name)?);
        tell(system, MAINTENANCE, &sql).await
    }
}

/// Why there is no room for a copy, when there is none.
fn room(database: &str, bytes: u64, free: u64) -> Result<(), String> {
    let mb = |bytes: u64| bytes / (1024 * 1024);
    let wanted = bytes.saturating_mul(2);
    if free >= wanted {
        return Ok(());
    }
    Err(format!(
        "{database} has {} MB and the disk that it lies on {} MB free; a copy to migrate wants {} MB",
        mb(bytes),
        mb(free),
        mb(wanted)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_wants_twice_the_room_of_what_it_is_made_from() {
        const MB: u64 = 1024 * 1024;
        assert_eq!(room("prod", 100 * MB, 200 * MB), Ok(()));
        assert_eq!(
            room("prod", 100 * MB, 200 * MB - 1),
            Err("prod has 100 MB and the disk that it lies on 199 MB free; a copy to migrate wants 200 MB".to_owned())
        );
    }
}
