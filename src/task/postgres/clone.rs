//! A second database like the live one: the same way of writing and sorting text, and in the end the same owner.

use anyhow::Result;
use serde::Deserialize;

use super::{MAINTENANCE, OWNER, SqlAnswer, ask, identifier, literal, tell};
use crate::core::error::{Code, Fault};
use crate::host::system::System;

/// What must be known of a database to make one like it.
#[derive(Deserialize)]
struct DatabaseShape {
    encoding: String,
    collate: String,
    ctype: String,
    bytes: u64,
    folder: String,
}

async fn shape(system: &System, database: &str) -> Result<DatabaseShape> {
    let sql = format!(
        "SELECT json_build_object('encoding', pg_encoding_to_char(encoding), \
         'collate', datcollate, 'ctype', datctype, 'bytes', pg_database_size(oid), 'folder', current_setting('data_directory')) \
         FROM pg_database WHERE datname = {};\n",
        literal(database)?
    );
    match ask(system, &sql).await? {
        SqlAnswer::Away(reason) => Err(Fault::new(Code::E0421, reason).into()),
        SqlAnswer::Rows(rows) if rows.trim().is_empty() => {
            Err(Fault::new(Code::E0421, format!("database {database} does not exist")).into())
        }
        SqlAnswer::Rows(rows) => Ok(serde_json::from_str(rows.trim())?),
    }
}

/// Room that rows want once they are in tables with their indexes, for each byte of a dump of them.
const TIMES: u64 = 2;

/// Whether the disk has room for a copy of the database, `times` as large as it is.
///
/// # Errors
/// E0442 when it has not.
pub async fn has_room(system: &System, database: &str, times: u64) -> Result<()> {
    let shape = shape(system, database).await?;
    let wanted = shape.bytes.saturating_mul(times);
    shape.has_room(system, database, wanted)
}

/// The same for what comes out of a dump of so many bytes.
///
/// # Errors
/// E0442 when it has not.
pub async fn has_room_for_dump(system: &System, database: &str, bytes: u64) -> Result<()> {
    has_room_for(system, database, bytes.saturating_mul(TIMES)).await
}

/// The same for so many bytes. The live database may be an empty one by now, or gone: how large it is says nothing of how large it was.
///
/// # Errors
/// E0442 when it has not.
pub async fn has_room_for(system: &System, database: &str, bytes: u64) -> Result<()> {
    let is_there = exists(system, database).await? == Ok(true);
    let shape = shape(system, if is_there { database } else { MAINTENANCE }).await?;
    shape.has_room(system, database, bytes)
}

impl DatabaseShape {
    fn has_room(&self, system: &System, database: &str, wanted: u64) -> Result<()> {
        let disk = system.disk(&self.folder)?;
        let free = disk.blocks_available() * disk.fragment_size();
        room(database, free, wanted).map_err(|why| {
            let hint = "free space on the host (`citrino-ops backup prune --previous-databases`), or use a larger disk";
            Fault::new(Code::E0442, why).hint(hint).into()
        })
    }
}

/// Makes an empty one that belongs to the superuser, and lets nobody else in: what only he can make there is made before
/// [`hand_over`].
///
/// # Errors
/// E0421 when the database that it is to be like is not there.
pub async fn create(system: &System, database: &str, name: &str) -> Result<()> {
    let shape = shape(system, database).await?;
    // A limit on connections is none for the superuser.
    let sql = format!(
        "CREATE DATABASE {} OWNER {} ENCODING {} LC_COLLATE {} LC_CTYPE {} TEMPLATE template0 CONNECTION LIMIT 0;\n",
        identifier(name)?,
        identifier(OWNER)?,
        literal(&shape.encoding)?,
        literal(&shape.collate)?,
        literal(&shape.ctype)?
    );
    tell(system, &sql).await
}

/// It is this role's from now on, who may come in.
pub async fn hand_over(system: &System, name: &str, owner: &str) -> Result<()> {
    let (name, owner) = (identifier(name)?, identifier(owner)?);
    let sql = format!(
        "BEGIN;\nALTER DATABASE {name} OWNER TO {owner};\nALTER DATABASE {name} CONNECTION LIMIT -1;\nCOMMIT;\n"
    );
    tell(system, &sql).await
}

/// Takes a database away, whoever is in it.
pub async fn drop(system: &System, name: &str) -> Result<()> {
    let sql = format!(
        "DROP DATABASE IF EXISTS {} WITH (FORCE);\n",
        identifier(name)?
    );
    tell(system, &sql).await
}

/// Whether there is one of that name; the reason when it cannot be known.
pub async fn exists(system: &System, name: &str) -> Result<Result<bool, String>> {
    let sql = format!(
        "SELECT 1 FROM pg_database WHERE datname = {};\n",
        literal(name)?
    );
    Ok(match ask(system, &sql).await? {
        SqlAnswer::Away(reason) => Err(reason),
        SqlAnswer::Rows(rows) => Ok(!rows.trim().is_empty()),
    })
}

/// Why there is no room for a copy, when there is none.
fn room(database: &str, free: u64, wanted: u64) -> Result<(), String> {
    let mb = |bytes: u64| bytes / (1024 * 1024);
    if free >= wanted {
        return Ok(());
    }
    Err(format!(
        "a database next to {database} needs {} MB, but its disk has {} MB free",
        mb(wanted),
        mb(free)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_what_is_wanted_and_no_byte_less() {
        const MB: u64 = 1024 * 1024;
        assert_eq!(room("prod", 200 * MB, 200 * MB), Ok(()));
        let why = "a database next to prod needs 200 MB, but its disk has 199 MB free";
        assert_eq!(room("prod", 200 * MB - 1, 200 * MB), Err(why.to_owned()));
    }
}
