//! How the postgres kinds ask and tell: psql, SQL on standard input, and who says it.
//!
//! The app's role owns the app's database, so it decides there what a name means, and what runs when a row is written. So the
//! superuser speaks to `MAINTENANCE`, where nobody else may make anything; what is said to the app's database is said by a role
//! that can do no more with it: [`reader`] reads all of it and writes nothing, [`app_role`] is the app's own. What only the
//! superuser can do there stands in [`superuser`].

use std::iter;
use std::time::Duration;

use anyhow::Result;

pub mod app_role;
pub mod archive;
pub mod clone;
pub mod extensions;
pub mod reader;
pub mod roles;
pub mod script;
pub mod shadow_database;
pub mod superuser;
pub mod surroundings;
mod verifier;

pub use verifier::Verifier;

use super::program::run_if_there;
use crate::core::error::{Code, Fault};
use crate::host::system::{Cmd, Output, System};
use crate::host::{cluster, own};

/// The operating system's user and the role that own the cluster on Debian and Ubuntu.
pub const OWNER: &str = own::CLUSTER_OWNER;
/// Where its programs are.
pub const PROGRAMS: &str = own::CLUSTER_PROGRAMS;
/// The database that every cluster has, and the app cannot enter.
pub const MAINTENANCE: &str = "postgres";

/// How long all of a database may take to come or to go: its size says, and what is cut off helps nobody.
pub const WHOLE_WITHIN: Duration = Duration::from_hours(12);

/// How long a look waits for a lock that somebody else has, before it gives up.
pub const LOCK_WITHIN: &str = "'10s'";

/// psql(1): "2 if the connection to the server went bad".
const NO_CONNECTION: i32 = 2;

/// What a session of ours means by its words, whatever `ALTER DATABASE … SET` says: a role that owns a database may say
/// there which schemas are looked in first, how texts end, how long a statement may take, and as whom the session begins.
const PINNED: &str = "-c search_path=pg_catalog -c standard_conforming_strings=on -c statement_timeout=0 -c lock_timeout=0 \
    -c idle_in_transaction_session_timeout=0 -c role=none";
/// The same but the schemas: an extension's script writes those that it finds into the settings of its database.
const PINNED_BUT_SCHEMAS: &str =
    "-c standard_conforming_strings=on -c statement_timeout=0 -c role=none";

/// What came back when a question was put to a database.
#[derive(Debug)]
pub enum SqlAnswer {
    /// The rows, one a line, fields parted by `|`.
    Rows(String),
    /// There is no `PostgreSQL`, it does not run, or it has no such database: on a fresh host that is
    /// a difference, because an earlier step will change it. The reason is a sentence fragment.
    Away(String),
}

impl SqlAnswer {
    /// The rows of a database that must be there.
    ///
    /// # Errors
    /// E0421 with the reason why it cannot be asked.
    pub fn rows(self) -> Result<String> {
        match self {
            SqlAnswer::Rows(rows) => Ok(rows.trim().to_owned()),
            SqlAnswer::Away(reason) => Err(Fault::new(Code::E0421, reason).into()),
        }
    }
}

/// Asks the cluster, as its superuser.
///
/// # Errors
/// E0402 when `PostgreSQL` answers and refuses the SQL.
pub async fn ask(system: &System, sql: &str) -> Result<SqlAnswer> {
    asked(system, &session().stdin(sql)).await
}

async fn asked(system: &System, psql: &Cmd) -> Result<SqlAnswer> {
    if system.find_account("/etc/passwd", OWNER)?.is_none() {
        return Ok(SqlAnswer::Away("PostgreSQL is not installed".to_owned()));
    }
    Ok(match run_if_there(system, psql).await? {
        None => SqlAnswer::Away("PostgreSQL is not installed".to_owned()),
        Some(output) if output.code == NO_CONNECTION => SqlAnswer::Away(reason(&output)),
        Some(output) => SqlAnswer::Rows(output.success()?.stdout),
    })
}

/// Has the cluster do something, as its superuser.
pub async fn tell(system: &System, sql: &str) -> Result<()> {
    told(system, &session().stdin(sql)).await
}

async fn told(system: &System, psql: &Cmd) -> Result<()> {
    system.run(psql).await?.success().map(drop)
}

/// The superuser's psql, which reads what it is to do.
pub fn session() -> Cmd {
    psql(MAINTENANCE, &[]).user(OWNER)
}

fn psql(database: &str, more: &[&str]) -> Cmd {
    client([&psql_words(database), more].concat())
}

fn psql_words(database: &str) -> [&str; 9] {
    [
        "psql",
        "-X",
        "-A",
        "-t",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        database,
    ]
}

/// A program of `PostgreSQL`'s. Every one that this tool starts is made here.
pub fn client<'w>(words: impl IntoIterator<Item = &'w str>) -> Cmd {
    client_with(words, PINNED)
}

fn client_with<'w>(words: impl IntoIterator<Item = &'w str>, options: &str) -> Cmd {
    program(words)
        .env("PGOPTIONS", options)
        // Where a text ends depends on it.
        .env("PGCLIENTENCODING", "UTF8")
}

/// The program itself, without our settings.
fn program<'w>(words: impl IntoIterator<Item = &'w str>) -> Cmd {
    let mut words = words.into_iter();
    let name = words.next().unwrap_or_default();
    let path = format!("{PROGRAMS}/{name}");
    Cmd::new(iter::once(path).chain(words.map(str::to_owned))).asked_env("PGPORT", own_port)
}

/// The port of the stack's cluster: the first of a host that has several may be somebody else's.
fn own_port(system: &System) -> Result<Option<String>> {
    Ok(cluster::own(system)?.map(|own| own.port.to_string()))
}

fn reason(output: &Output) -> String {
    let last = output.stderr.trim().lines().last().unwrap_or_default();
    let last = last.trim().trim_start_matches("psql: error: ");
    format!("PostgreSQL cannot be queried: {last}")
}

/// Calls `live` by the name `previous` and `next` by the name `live`, both at once. Who is in them is put out:
/// the rename itself keeps others from coming in while it waits for them to go. What `before` says is of the same transaction.
pub async fn swap(
    system: &System,
    live: &str,
    previous: &str,
    next: &str,
    before: &str,
) -> Result<()> {
    let rename = format!(
        "BEGIN;\n{before}ALTER DATABASE {0} RENAME TO {1};\nALTER DATABASE {2} RENAME TO {0};\nCOMMIT;\n",
        identifier(live)?,
        identifier(previous)?,
        identifier(next)?
    );
    let put_out = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname IN ({}, {});\n",
        literal(live)?,
        literal(next)?
    );
    let renamed = tell(system, &rename);
    tokio::pin!(renamed);
    loop {
        tokio::select! {
            renamed = &mut renamed => return renamed,
            put_out = tell(system, &put_out) => put_out?,
        }
    }
}

/// A name as SQL writes it, whatever is in it (`PostgreSQL`'s manual, 4.1.1).
///
/// # Errors
/// E0408 for the one character that no name can have.
pub fn identifier(name: &str) -> Result<String> {
    Ok(format!("\"{}\"", whole(name)?.replace('"', "\"\"")))
}

/// A text as SQL writes it (4.1.2.1); with a backslash in it as an `E''` string (4.1.2.2), which
/// means the same whatever `standard_conforming_strings` says.
///
/// # Errors
/// E0408 for the one character that no text can have.
pub fn literal(text: &str) -> Result<String> {
    let quoted = whole(text)?.replace('\'', "''");
    Ok(if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    })
}

fn whole(text: &str) -> Result<&str> {
    if text.contains('\0') {
        return Err(Fault::new(
            Code::E0408,
            "a name or text for PostgreSQL contains a zero byte",
        )
        .hint("PostgreSQL cannot store it: correct the value in citrino.yml or the playbook")
        .into());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_names_and_texts_whatever_is_in_them() {
        assert_eq!(identifier("citrino").unwrap(), "\"citrino\"");
        assert_eq!(identifier("a\"b; --").unwrap(), "\"a\"\"b; --\"");
        assert_eq!(literal("it's").unwrap(), "'it''s'");
        assert_eq!(literal("a\\'b").unwrap(), "E'a\\\\''b'");
        assert!(identifier("a\0b").is_err() && literal("a\0b").is_err());
    }
}
