//! How the postgres kinds ask and tell: psql as the user postgres, SQL on standard input.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

pub mod app_role;
pub mod clone;
pub mod roles;
pub mod shadow_database;

use super::program::run_if_there;
use crate::core::error::{Code, Fault};
use crate::core::secret::Secret;
use crate::host::own;
use crate::host::system::{Cmd, Output, System, random};

/// The operating system's user and the role that own the cluster on Debian and Ubuntu.
pub const OWNER: &str = own::CLUSTER_OWNER;
/// The database that every cluster has.
pub const MAINTENANCE: &str = "postgres";

/// How long all of a database may take to come or to go: its size says, and what is cut off helps nobody.
pub const WHOLE_WITHIN: Duration = Duration::from_hours(12);

/// How long a look waits for a lock that somebody else has, before it gives up.
pub const LOCK_WITHIN: &str = "'10s'";

/// psql(1): "2 if the connection to the server went bad".
const NO_CONNECTION: i32 = 2;

/// What came back when a question was put to a database.
#[derive(Debug)]
pub enum SqlAnswer {
    /// The rows, one a line, fields parted by `|`.
    Rows(String),
    /// There is no `PostgreSQL`, it does not run, or it has no such database: on a fresh host that is
    /// a difference, because an earlier step will change it. The reason is a sentence fragment.
    Away(String),
}

/// Asks a database.
///
/// # Errors
/// E0402 when `PostgreSQL` answers and refuses the SQL.
pub async fn ask(system: &System, database: &str, sql: &str) -> Result<SqlAnswer> {
    asked(system, &psql(database, sql)).await
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

/// Has SQL done.
pub async fn tell(system: &System, database: &str, sql: &str) -> Result<()> {
    system.run(&psql(database, sql)).await?.success()?;
    Ok(())
}

fn psql(database: &str, sql: &str) -> Cmd {
    session(database).stdin(sql)
}

/// psql that reads what it is to do.
pub fn session(database: &str) -> Cmd {
    client(database, &[]).user(OWNER)
}

fn client(database: &str, more: &[&str]) -> Cmd {
    let own = [
        "psql",
        "-X",
        "-A",
        "-t",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        database,
    ];
    Cmd::new([&own, more].concat())
}

fn reason(output: &Output) -> String {
    let last = output.stderr.trim().lines().last().unwrap_or_default();
    let last = last.trim().trim_start_matches("psql: error: ");
    format!("PostgreSQL cannot be queried: {last}")
}

/// How many rows each of the app's own tables has.
pub async fn rows(system: &System, database: &str) -> Result<BTreeMap<String, u64>> {
    let sql = format!("SET lock_timeout = {LOCK_WITHIN};\n{ROWS}");
    counted(ask(system, database, &sql).await?)
}

fn counted(answer: SqlAnswer) -> Result<BTreeMap<String, u64>> {
    match answer {
        SqlAnswer::Rows(rows) => Ok(serde_json::from_str(rows.trim())?),
        SqlAnswer::Away(reason) => Err(Fault::new(Code::E0421, reason).into()),
    }
}

/// One statement, so that all are counted in one snapshot; what belongs to an extension is not the app's.
pub const ROWS: &str = "SELECT coalesce(json_object_agg(name, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s', name), false, true, '')))[1]::text::bigint), '{}') \
        FROM (SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace \
        WHERE c.relkind = 'r' AND s.nspname NOT IN ('pg_catalog', 'information_schema') AND s.nspname !~ '^pg_' \
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')) tables;\n";

/// Calls `live` by the name `aside` and `next` by the name `live`, both at once. Who is in them is put out:
/// the rename itself keeps others from coming in while it waits for them to go.
pub async fn swap(system: &System, live: &str, previous: &str, next: &str) -> Result<()> {
    let rename = format!(
        "BEGIN;\nALTER DATABASE {0} RENAME TO {1};\nALTER DATABASE {2} RENAME TO {0};\nCOMMIT;\n",
        identifier(live)?,
        identifier(previous)?,
        identifier(next)?
    );
    let put_out = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname IN ({}, {});\n",
        literal(live)?,
        literal(next)?
    );
    let renamed = tell(system, MAINTENANCE, &rename);
    tokio::pin!(renamed);
    loop {
        tokio::select! {
            renamed = &mut renamed => return renamed,
            put_out = tell(system, MAINTENANCE, &put_out) => put_out?,
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

/// What `PostgreSQL` keeps of a password: `SCRAM-SHA-256$<rounds>:<salt>$<StoredKey>:<ServerKey>`
/// (`pg_authid` in its manual; the keys are those of RFC 5802, 3). It is made here, so that the password
/// itself never goes into a statement: the server logs statements that fail or are slow.
#[derive(Debug, PartialEq, Eq)]
pub struct Verifier {
    rounds: u32,
    salt: Vec<u8>,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl Verifier {
    /// `PostgreSQL`'s own number of rounds and length of salt.
    const ROUNDS: u32 = 4096;
    const SALT: usize = 16;

    /// A new one with a salt of the kernel.
    pub fn make(password: &Secret) -> Result<Self> {
        let mut salt = vec![0; Self::SALT];
        random(&mut salt)?;
        Ok(Self::of(password, salt, Self::ROUNDS))
    }

    fn of(password: &Secret, salt: Vec<u8>, rounds: u32) -> Self {
        // As PostgreSQL does: a password that cannot be prepared is taken byte for byte.
        let prepared = stringprep::saslprep(password.reveal());
        let bytes = prepared
            .as_deref()
            .unwrap_or_else(|_| password.reveal())
            .as_bytes();
        let mut salted = [0; 32];
        // HMAC takes a key of any length, so neither call below can fail.
        let _: Result<(), _> = pbkdf2::pbkdf2::<Hmac<Sha256>>(bytes, &salt, rounds, &mut salted);
        let stored_key = Sha256::digest(hmac(&salted, b"Client Key")).to_vec();
        Self {
            rounds,
            salt,
            stored_key,
            server_key: hmac(&salted, b"Server Key"),
        }
    }

    /// Reads one; `None` for another way of keeping passwords, such as MD5.
    pub fn parse(text: &str) -> Option<Self> {
        let (rounds, rest) = text.strip_prefix("SCRAM-SHA-256$")?.split_once(':')?;
        let (salt, keys) = rest.split_once('$')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        Some(Self {
            rounds: rounds.parse().ok()?,
            salt: BASE64.decode(salt).ok()?,
            stored_key: BASE64.decode(stored_key).ok()?,
            server_key: BASE64.decode(server_key).ok()?,
        })
    }

    /// Whether it is of this password. No connection is tried, so that neither `pg_hba.conf` nor a
    /// role that may not log in can give a wrong answer.
    pub fn is_of(&self, password: &Secret) -> bool {
        Self::of(password, self.salt.clone(), self.rounds) == *self
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "SCRAM-SHA-256${}:{}${}:{}",
            self.rounds,
            BASE64.encode(&self.salt),
            BASE64.encode(&self.stored_key),
            BASE64.encode(&self.server_key)
        )
    }
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        },
    )
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

    /// Printed by `PostgreSQL` 15 for `CREATE ROLE … PASSWORD 'hunter2'`.
    const KEPT: &str = "SCRAM-SHA-256$4096:j6k82ARR7jNdA4Y8/9PqbQ==$1hBDnxgHp3wsfRFw8K7/Ab3MBj5UJ4gas3cM4qiuE7A=:mrqchFE3G7SYQ3WeMZ8L60sQN8J6FVumebAHIhBnI3g=";
    /// … and for `contraseña`.
    const KEPT_WIDE: &str = "SCRAM-SHA-256$4096:g9VXK1LgY5Wa+4oj8pofHA==$kg/Yp7SYbShKs+bN/+dQOTAqnk2rw5ZlfSY+N3ftjh8=:cwYfnamrJclmBc7pbWZ87/Iu3JDrgyWLQOer5p18Q7M=";

    #[test]
    fn knows_the_password_of_what_the_server_kept() {
        let kept = Verifier::parse(KEPT).unwrap();
        assert!(kept.is_of(&Secret::new("hunter2")));
        assert!(!kept.is_of(&Secret::new("hunter3")));
        assert_eq!(kept.to_string(), KEPT);
        assert!(
            Verifier::parse(KEPT_WIDE)
                .unwrap()
                .is_of(&Secret::new("contraseña"))
        );
        assert!(Verifier::parse("md5d41d8cd98f00b204e9800998ecf8427e").is_none());
    }

    /// As `PostgreSQL` prepares passwords (RFC 4013): a soft hyphen is nothing, a wide letter a letter.
    #[test]
    fn prepares_a_password_as_the_server_does() {
        let kept = Verifier::of(&Secret::new("I\u{ad}X"), vec![1; 16], 4096);
        assert!(kept.is_of(&Secret::new("IX")));
    }

    #[test]
    fn a_new_verifier_is_of_its_password_and_like_no_other() {
        let secret = Secret::new("contraseña");
        let (one, other) = (
            Verifier::make(&secret).unwrap(),
            Verifier::make(&secret).unwrap(),
        );
        assert!(one.is_of(&secret) && other.is_of(&secret));
        assert_ne!(one, other);
    }
}
