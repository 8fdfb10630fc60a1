//! A dump on its way into a new database: through the sieve, whatever its form, so that all are counted in one way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::sound;
use crate::dump::{Counts, PIECE, Packing, Sieve, read_piece, refused};
use crate::error::Fault;
use crate::system::{Cmd, System};
use crate::task::postgres::{Answer, OWNER, ask, roles, rows, tell};

/// How much of an error is told.
const TOLD: usize = 600;

pub struct Dump<'a> {
    pub file: &'a str,
    pub packing: Packing,
    pub archive: bool,
}

impl Dump<'_> {
    /// Reads it to its end.
    ///
    /// # Errors
    /// E0451 when it is not whole, or has something in it that may not run.
    pub async fn count(&self, system: &System) -> Result<Counts> {
        self.flow(system, Sieve::default(), &mut tokio::io::sink()).await
    }

    /// Restores it into an empty database, for this owner; what it was made from is of no account.
    ///
    /// # Errors
    /// E0451 when `PostgreSQL` refuses something in it, E0453 when other rows are there than it has.
    pub async fn restore(&self, system: &System, live: &str, fresh: &str, owner: &str) -> Result<()> {
        // Some dumps come without their extensions, and each would come in the version of where it was made.
        let extensions = said(system, live, "SELECT string_agg(format('CREATE EXTENSION IF NOT EXISTS %I;', extname), ' ' ORDER BY oid) FROM pg_extension;\n").await?;
        tell(system, fresh, &extensions).await?;
        let schemas = said(system, fresh, "SELECT nspname FROM pg_namespace;\n").await?;
        let there: BTreeSet<String> = schemas.lines().map(str::to_owned).collect();
        let counts = self.run(system, fresh, Sieve::with(there)).await?;
        let found = rows(system, fresh).await?;
        let other = differences(&counts.rows, &found);
        if !other.is_empty() {
            return Err(sound::failed(&format!("other rows came than the dump has: {}", other.join("; "))).into());
        }
        roles::give_all(system, fresh, owner).await
    }

    async fn run(&self, system: &System, fresh: &str, sieve: Sieve) -> Result<Counts> {
        // Whole or not at all; errors name the line.
        let psql = Cmd::new(["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-d", fresh, "-f", "-"]);
        let mut child = system.start(&psql.user(OWNER))?;
        let mut mouth = child.stdin.take().context("psql has no input")?;
        let flowed = async {
            let counts = self.flow(system, sieve, &mut mouth).await;
            drop(mouth);
            counts
        };
        let (counts, output) = tokio::join!(flowed, child.wait_with_output());
        let output = output?;
        match counts {
            // What the sieve refuses is not for psql to explain, which was cut off then.
            Err(error) if error.is::<Fault>() => Err(error),
            _ if !output.status.success() => Err(refused(words(&output.stderr)).into()),
            counts => counts,
        }
    }

    /// What may run of it goes to the sink.
    async fn flow(&self, system: &System, mut sieve: Sieve, sink: &mut (impl AsyncWrite + Unpin)) -> Result<Counts> {
        let context = || format!("could not read {}", self.file);
        let mut read = self.packing.open(File::open(system.path(self.file)).with_context(context)?)?;
        let mut out = Vec::new();
        if self.archive {
            written_out(system, &mut read, &mut sieve, sink).await?;
        } else {
            let mut piece = vec![0; PIECE];
            loop {
                match read_piece(&mut read, &mut piece)? {
                    0 => break,
                    length => sieve.push(&piece[..length], &mut out)?,
                }
                sink.write_all(&out).await?;
                out.clear();
            }
        }
        let counts = sieve.end(&mut out)?;
        sink.write_all(&out).await?;
        sink.flush().await?;
        Ok(counts)
    }
}

/// What `pg_restore` makes of an archive goes through the sieve.
async fn written_out(system: &System, read: &mut impl Read, sieve: &mut Sieve, sink: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
    let restore = ["pg_restore", "--file=-", "--no-owner", "--no-privileges", "--no-tablespaces", "--no-security-labels"];
    let mut child = system.start(&Cmd::new(restore).user(OWNER))?;
    let mut mouth = child.stdin.take().context("pg_restore has no input")?;
    let mut says = child.stdout.take().context("pg_restore has no output")?;
    let fed = async {
        let mut piece = vec![0; PIECE];
        loop {
            let length = read_piece(read, &mut piece)?;
            // It may end without reading all of it; its exit code tells then.
            match mouth.write_all(&piece[..length]).await {
                Ok(()) if length > 0 => {}
                Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
                _ => break,
            }
        }
        drop(mouth);
        anyhow::Ok(())
    };
    let sifted = async {
        let (mut piece, mut out) = (vec![0; PIECE], Vec::new());
        loop {
            match says.read(&mut piece).await? {
                0 => return anyhow::Ok(()),
                length => sieve.push(&piece[..length], &mut out)?,
            }
            sink.write_all(&out).await?;
            out.clear();
        }
    };
    let ended = async { anyhow::Ok(child.wait_with_output().await?) };
    let ((), (), output) = tokio::try_join!(fed, sifted, ended)?;
    if output.status.success() {
        return Ok(());
    }
    Err(refused(words(&output.stderr)).into())
}

async fn said(system: &System, database: &str, sql: &str) -> Result<String> {
    match ask(system, database, sql).await? {
        Answer::Rows(rows) => Ok(rows.trim().to_owned()),
        Answer::Away(reason) => Err(Fault::new("E0421", reason).into()),
    }
}

/// Tables that have other rows than were counted; what extensions keep for themselves is not among those found.
fn differences(counted: &BTreeMap<String, u64>, found: &BTreeMap<String, u64>) -> Vec<String> {
    found
        .iter()
        .map(|(table, rows)| (table, rows, counted.get(table).copied().unwrap_or(0)))
        .filter(|(_, rows, counted)| *rows != counted)
        .map(|(table, rows, counted)| format!("{table}: {counted} in the dump, {rows} in the database"))
        .collect()
}

/// The error among what a program of `PostgreSQL`'s said.
fn words(stderr: &[u8]) -> String {
    let said = String::from_utf8_lossy(stderr);
    let from = said.find("ERROR:").or_else(|| said.find("error:"));
    // `psql:<stdin>:12: ERROR: …`
    let line = from.and_then(|at| said[..at].rsplit("<stdin>:").next()?.split(':').next()?.parse::<u64>().ok());
    let text: String = said[from.unwrap_or(0)..].trim().chars().take(TOLD).collect();
    match line {
        Some(line) => format!("line {line}: {text}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_line() {
        let psql = b"psql:<stdin>:3: NOTICE:  a\npsql:<stdin>:12: ERROR:  relation \"x\" exists\nLINE 1: b\n";
        assert_eq!(words(psql), "line 12: ERROR:  relation \"x\" exists\nLINE 1: b");
        let restore = b"pg_restore: error: unsupported version (1.16) in file header\n";
        assert_eq!(words(restore), "error: unsupported version (1.16) in file header");
        assert_eq!(words(b"killed"), "killed");
    }

    #[test]
    fn other_rows_are_told_and_those_of_extensions_are_not() {
        let rows = |all: &[(&str, u64)]| all.iter().map(|(table, rows)| ((*table).to_owned(), *rows)).collect();
        let counted = rows(&[("a", 2), ("b", 1), ("spatial_ref_sys", 0)]);
        assert!(differences(&counted, &rows(&[("a", 2), ("b", 1), ("empty", 0)])).is_empty());
        assert_eq!(
            differences(&counted, &rows(&[("a", 1), ("b", 1), ("c", 4)])),
            ["a: 2 in the dump, 1 in the database", "c: 0 in the dump, 4 in the database"]
        );
    }
}
