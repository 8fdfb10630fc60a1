//! A dump on its way into a new database: through the sieve, whatever its form, so that all are counted in one way.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::extensions::{Extensions, Lent};
use super::query::query;
use super::validate;
use crate::core::error::{Code, Fault};
use crate::host::system::{Cmd, System};
use crate::storage::dump::{DumpFilter, DumpPacking, PIECE, RowCounts, read_piece, refused};
use crate::task::postgres::app_role::AppRole;

/// How much of an error is told.
const TOLD: usize = 600;

pub struct Dump<'a> {
    pub file: &'a str,
    pub packing: DumpPacking,
    pub archive: bool,
    /// Who does what the dump says: none of it is told to the superuser.
    pub role: AppRole<'a>,
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

    /// Restores it into an empty database of the role's; what it was made from is of no account.
    ///
    /// # Errors
    /// E0451 when `PostgreSQL` refuses something in it, E0453 when other rows are there than it has.
    pub async fn restore(&self, system: &System, live: &str, fresh: &str) -> Result<()> {
        // Some dumps come without their extensions, and each would come in the version of where it was made. So the dump is read
        // twice: once for what the superuser makes before anything of it runs.
        let wished = self.read(system).await?.extensions;
        Extensions::of(system, live)
            .await?
            .make(system, fresh, &wished, self.role)
            .await?;
        let schemas = query(system, fresh, "SELECT nspname FROM pg_namespace;\n").await?;
        let there: BTreeSet<String> = schemas.lines().map(str::to_owned).collect();
        let lent = Lent::to(system, fresh, self.role).await?;
        let counts = self.run(system, fresh, DumpFilter::with(there)).await?;
        lent.give_back(system, fresh).await?;
        let found = self.role.rows(system, fresh).await?;
        let other = differences(&counts.rows, &found);
        if other.is_empty() {
            return Ok(());
        }
        Err(validate::failed(&format!(
            "the imported rows differ from the dump: {}",
            other.join("; ")
        ))
        .into())
    }

    async fn run(&self, system: &System, fresh: &str, sieve: DumpFilter) -> Result<RowCounts> {
        // Whole or not at all; errors name the line.
        let restrict = restrict(system)?;
        let psql = self
            .role
            .session(fresh, &["--single-transaction", "-c", &restrict, "-f", "-"]);
        let mut child = system.start(&psql)?;
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
            _ if !output.status.success() => Err(failed(&output.stderr).into()),
            counts => counts,
        }
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
        let mut out = Vec::new();
        if self.archive {
            self.written_out(system, &mut read, &mut sieve, sink)
                .await?;
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
        let mut child = system.start(&Cmd::new(restore).user(self.role.user))?;
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

/// A dump can change what is a text to psql, and then has commands to it where the sieve sees a text: psql takes none until
/// it hears a word again that the dump cannot know.
fn restrict(system: &System) -> Result<String> {
    let random = system
        .read_text("/proc/sys/kernel/random/uuid")?
        .context("could not read random bytes from the kernel")?;
    let word: String = random.chars().filter(char::is_ascii_alphanumeric).collect();
    Ok(format!("\\restrict {word}"))
}

/// Why psql did not take a dump to its end.
fn failed(stderr: &[u8]) -> Fault {
    let why = words(stderr);
    if !why.contains("invalid command \\restrict") {
        return refused(why);
    }
    Fault::new(
        Code::E0402,
        "the host's psql is older than 15.14 and would run commands that are hidden in a dump",
    )
    .hint("nothing of the dump was run; update the host's packages, and import again")
}

/// The error among what a program of `PostgreSQL`'s said.
fn words(stderr: &[u8]) -> String {
    let said = String::from_utf8_lossy(stderr);
    let from = said.find("ERROR:").or_else(|| said.find("error:"));
    // `psql:<stdin>:12: ERROR: …`
    let line = from.and_then(|at| {
        said[..at]
            .rsplit("<stdin>:")
            .next()?
            .split(':')
            .next()?
            .parse::<u64>()
            .ok()
    });
    let text: String = said[from.unwrap_or(0)..]
        .trim()
        .chars()
        .take(TOLD)
        .collect();
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
        assert_eq!(
            words(psql),
            "line 12: ERROR:  relation \"x\" exists\nLINE 1: b"
        );
        let restore = b"pg_restore: error: unsupported version (1.16) in file header\n";
        assert_eq!(
            words(restore),
            "error: unsupported version (1.16) in file header"
        );
        assert_eq!(words(b"killed"), "killed");
    }

    #[test]
    fn a_psql_that_cannot_be_restricted_is_told_as_that() {
        let old = failed(b"psql: error: invalid command \\restrict\nTry \\? for help.\n");
        assert_eq!(old.code, Code::E0402);
        assert_eq!(failed(b"psql:<stdin>:3: ERROR:  x\n").code, Code::E0451);
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
