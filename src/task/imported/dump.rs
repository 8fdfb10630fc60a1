//! A dump on its way into a new database: through the sieve, whatever its form, so that all are counted in one way.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::ChildStdin;

use super::validate;
use crate::core::error::{Code, Fault};
use crate::host::system::System;
use crate::storage::dump::{
    DumpFault, DumpFilter, DumpPacking, PIECE, RowCounts, read_piece, refused,
};
use crate::task::postgres::app_role::AppRole;
use crate::task::postgres::extensions::{self, Elsewhere, Extensions};
use crate::task::postgres::{client, reader, script};

pub struct Dump<'a> {
    pub file: &'a str,
    pub packing: DumpPacking,
    pub archive: bool,
    /// Who does what the dump says: none of it is told to the superuser.
    pub role: &'a AppRole,
}

impl Dump<'_> {
    /// Reads it to its end.
    ///
    /// # Errors
    /// E0451 when it is not whole, or has something in it that may not run beside the live database.
    pub async fn count(&self, system: &System, live: &str) -> Result<RowCounts> {
        let counts = self.read(system).await?;
        Extensions::of(system, live)
            .await?
            .more(&counts.extensions)?;
        Ok(counts)
    }

    async fn read(&self, system: &System) -> Result<RowCounts> {
        self.flow(system, DumpFilter::default(), &mut tokio::io::sink())
            .await
    }

    /// Restores it into a new database that nobody was in yet; what it was made from is of no account. Gives what was left out of it.
    ///
    /// # Errors
    /// E0451 when `PostgreSQL` refuses something in it, E0453 when other rows are there than it has.
    pub async fn restore(&self, system: &System, live: &str, fresh: &str) -> Result<Vec<String>> {
        // Some dumps come without their extensions, and each would come in the version of where it was made. So the dump is read
        // twice: once for what the superuser makes before anything of it runs.
        let wished = self.read(system).await?.extensions;
        let host = Extensions::of(system, live).await?;
        let left_out = host.left_out(&wished);
        let lent = extensions::prepare(system, live, fresh, self.role, &wished).await?;
        let there = reader::schemas(system, fresh).await?;
        let flow =
            async |mouth: &mut ChildStdin| self.flow(system, DumpFilter::with(there), mouth).await;
        // Whole or not at all.
        let psql = |words: &[&str]| {
            let words = [&["--single-transaction"], words].concat();
            self.role.session(fresh, &words)
        };
        let ran = script::run(system, psql, flow).await;
        let counts = ran.map_err(|error| explained(error, &left_out, &host.elsewhere(&wished)))?;
        lent.give_back(system, fresh).await?;
        let found = reader::rows(system, fresh).await?;
        let other = differences(&counts.rows, &found);
        if other.is_empty() {
            return Ok(left_out);
        }
        Err(validate::failed(&format!(
            "the imported rows differ from the dump: {}",
            other.join("; ")
        ))
        .into())
    }

    /// What may run of it goes to the sink.
    async fn flow(
        &self,
        system: &System,
        mut sieve: DumpFilter,
        sink: &mut (impl AsyncWrite + Unpin),
    ) -> Result<RowCounts> {
        let context = || format!("could not read {}", self.file);
        let file = system.open(self.file)?.with_context(context)?;
        let mut read = self.packing.open(file)?;
        if !self.archive {
            return script::sift(sieve, &mut read, sink).await;
        }
        self.written_out(system, &mut read, &mut sieve, sink)
            .await?;
        let mut out = Vec::new();
        let counts = sieve.end(&mut out)?;
        sink.write_all(&out).await?;
        sink.flush().await?;
        Ok(counts)
    }

    /// What `pg_restore` makes of an archive goes through the sieve.
    async fn written_out(
        &self,
        system: &System,
        read: &mut impl Read,
        sieve: &mut DumpFilter,
        sink: &mut (impl AsyncWrite + Unpin),
    ) -> Result<()> {
        let restore = [
            "pg_restore",
            "--file=-",
            "--no-owner",
            "--no-privileges",
            "--no-tablespaces",
            "--no-security-labels",
        ];
        let mut child = system.start(&client(restore).user(&self.role.user))?;
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
        Err(refused(DumpFault::Archive, script::words(&output.stderr)).into())
    }
}

/// What the statement that was refused may have missed.
fn explained(error: anyhow::Error, left_out: &[String], elsewhere: &[Elsewhere]) -> anyhow::Error {
    let mut fault = match error.downcast::<Fault>() {
        Ok(fault) if fault.code == Code::E0451 => fault,
        Ok(fault) => return fault.into(),
        Err(error) => return error,
    };
    let facts = left_out.iter().cloned();
    let facts = facts.chain(elsewhere.iter().map(Elsewhere::to_string));
    for fact in facts {
        fault.message = format!("{}; {fact}", fault.message);
    }
    match elsewhere.first() {
        Some(first) => fault.hint(first.way_out()).into(),
        None => fault.into(),
    }
}

/// Tables that have other rows than were counted; what extensions keep for themselves is not among those found.
fn differences(counted: &BTreeMap<String, u64>, found: &BTreeMap<String, u64>) -> Vec<String> {
    found
        .iter()
        .map(|(table, rows)| (table, rows, counted.get(table).copied().unwrap_or(0)))
        .filter(|(_, rows, counted)| *rows != counted)
        .map(|(table, rows, counted)| {
            format!("{table}: {counted} in the dump, {rows} in the database")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PostgreSQL says what is missing, and not why.
    #[test]
    fn what_a_statement_misses_is_told_with_the_way_out() {
        let missing = || {
            refused(
                DumpFault::Statement,
                "line 9: ERROR: type extensions.geography does not exist",
            )
        };
        let left_out = ["pg_stat_statements was left out".to_owned()];
        let elsewhere = [Elsewhere {
            name: "postgis".to_owned(),
            there: "extensions".to_owned(),
            here: "public".to_owned(),
            line: 4,
        }];
        let told = |error: anyhow::Error, elsewhere: &[Elsewhere]| {
            let fault = explained(error, &left_out, elsewhere);
            let fault = fault.downcast::<Fault>().unwrap();
            format!("{} {}", fault.message, fault.hint.unwrap())
        };
        let said = told(missing().into(), &elsewhere);
        for part in [
            "does not exist; pg_stat_statements was left out; the dump has postgis in the schema extensions (line 4), and here it is in public",
            "write `public.` for `extensions.`",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert!(told(missing().into(), &[]).contains("look at what the named line does"));
        let other = Fault::new(Code::E0402, "x").hint("y");
        assert_eq!(told(other.into(), &elsewhere), "x y");
    }

    #[test]
    fn other_rows_are_told_and_those_of_extensions_are_not() {
        let rows = |all: &[(&str, u64)]| {
            all.iter()
                .map(|(table, rows)| ((*table).to_owned(), *rows))
                .collect()
        };
        let counted = rows(&[("a", 2), ("b", 1), ("spatial_ref_sys", 0)]);
        assert!(differences(&counted, &rows(&[("a", 2), ("b", 1), ("empty", 0)])).is_empty());
        assert_eq!(
            differences(&counted, &rows(&[("a", 1), ("b", 1), ("c", 4)])),
            [
                "a: 2 in the dump, 1 in the database",
                "c: 0 in the dump, 4 in the database"
            ]
        );
    }
}
