//! What of a dump may run, and how many rows it has: statement by statement, while it flows by.
//!
//! A dump is a program. It runs as a role that may do no more than the app, so the sieve is no wall, and need be none: what would
//! leave the database that it is restored into (another database, roles, the server, the shell) is refused early and by
//! its line; what belongs to where it was made (owners, grants), and extensions, which are there before, are left out,
//! with their lines, so that `PostgreSQL` counts lines as the file does.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::extension::Extension;
use super::lexer::{Lexer, Met};
use super::refused::{DumpFault, refused};

/// The longest line or statement: the host's memory is small, and no row of the app comes near.
const LONGEST: usize = 16 * 1024 * 1024;
/// The longest line that ends the rows of a table.
const END_OF_ROWS: &[u8] = b"\\.\r\n";
/// What editors and shells of Windows put before a text in UTF-8, and how they end its lines.
const MARK: &[u8] = "\u{feff}".as_bytes();
const WINDOWS_END: &[u8] = b"\r\n";
/// How `pg_dump` begins and ends.
pub const HEAD: &str = "-- PostgreSQL database dump";
const COMPLETE: &str = "-- PostgreSQL database dump complete";

/// What a dump holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows by table, as `PostgreSQL` writes the table's name with `public` in its path.
    pub rows: BTreeMap<String, u64>,
    /// In its order.
    pub extensions: Vec<Extension>,
    /// Of the whole, unpacked.
    pub bytes: u64,
}

/// What becomes of a statement.
#[derive(Debug, PartialEq, Eq)]
enum StatementFate {
    Runs,
    LeftOut,
    /// Rows of this table follow.
    Rows(String),
}

#[derive(Debug, Default)]
pub struct DumpFilter {
    /// Schemas that are there already.
    there: BTreeSet<String>,
    /// Whether it is a backup of ours: all that `pg_dump` writes of a database is in it.
    is_backup: bool,
    /// Whether its lines end as Windows writes them.
    is_of_windows: bool,
    /// Whether a row is under way that was too long to wait for its end.
    is_within_row: bool,
    lexer: Lexer,
    /// The line that is not whole yet.
    rest: Vec<u8>,
    /// What was read of the statement.
    statement: Vec<u8>,
    /// The number of the line, and of the one that the statement began in.
    line: u64,
    began: u64,
    /// The table whose rows are read.
    table: Option<String>,
    is_complete: bool,
    counts: RowCounts,
}

impl DumpFilter {
    /// For a database that has these schemas already: they are not made again.
    pub fn with(there: BTreeSet<String>) -> Self {
        Self {
            there,
            ..Self::default()
        }
    }

    /// The same for a backup of ours: large objects are restored, and rows may be of any length.
    pub fn of_backup(there: BTreeSet<String>) -> Self {
        Self {
            is_backup: true,
            ..Self::with(there)
        }
    }

    /// Takes the next bytes; what may run goes to `out`.
    ///
    /// # Errors
    /// E0451 with the line of what may not run.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.counts.bytes += bytes.len() as u64;
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.is_backup && self.table.is_some() && self.flows_by(part, out) {
                continue;
            }
            if self.rest.len() + part.len() > LONGEST || self.statement.len() > LONGEST {
                return Err(on_line(
                    self.line + 1,
                    DumpFault::Beyond,
                    "it is longer than 16 MB",
                ));
            }
            if !part.ends_with(b"\n") {
                self.rest.extend_from_slice(part);
            } else if self.rest.is_empty() {
                self.take(part, out)?;
            } else {
                let mut line = std::mem::take(&mut self.rest);
                line.extend_from_slice(part);
                self.take(&line, out)?;
            }
        }
        Ok(())
    }

    /// There is no more.
    ///
    /// # Errors
    /// E0451 when it is not whole.
    pub fn end(mut self, out: &mut Vec<u8>) -> Result<RowCounts> {
        let mut last = std::mem::take(&mut self.rest);
        if !last.is_empty() {
            last.push(b'\n');
            self.take(&last, out)?;
        }
        if let Some(table) = &self.table {
            let why = format!("it is cut short: it ends in the middle of the rows of {table}");
            return Err(on_line(self.line, DumpFault::Torn, &why));
        }
        if !self.lexer.is_between() {
            return Err(on_line(
                self.began,
                DumpFault::Torn,
                "it is cut short: it ends in the middle of this statement",
            ));
        }
        if !self.is_complete {
            let why = format!(
                "it is cut short: it does not end with `{COMPLETE}`, as dumps of pg_dump do"
            );
            return Err(on_line(self.line, DumpFault::Torn, &why));
        }
        Ok(self.counts)
    }

    /// Whether this part of a line of rows went by as it is: a row that is longer than the end of all rows need not be whole.
    fn flows_by(&mut self, part: &[u8], out: &mut Vec<u8>) -> bool {
        let ends = part.ends_with(b"\n");
        if !self.is_within_row && (ends || self.rest.len() + part.len() <= END_OF_ROWS.len()) {
            return false;
        }
        out.append(&mut self.rest);
        out.extend_from_slice(part);
        self.is_within_row = !ends;
        if ends {
            self.line += 1;
            if let Some(table) = &self.table {
                *self.counts.rows.entry(table.clone()).or_default() += 1;
            }
        }
        true
    }

    /// A line as `pg_dump` wrote it. What went through Windows has a mark before the first line, and at each end a carriage return
    /// more, which would be part of a function's text; the first line says which of both it is. In rows none stands as it is.
    fn written<'l>(&mut self, line: &'l [u8]) -> Cow<'l, [u8]> {
        let mut line = line;
        if self.line == 1 && !self.is_backup {
            line = line.strip_prefix(MARK).unwrap_or(line);
            self.is_of_windows = line.ends_with(WINDOWS_END);
        }
        match line.strip_suffix(WINDOWS_END) {
            Some(text) if self.is_of_windows => Cow::Owned([text, b"\n"].concat()),
            _ => Cow::Borrowed(line),
        }
    }

    fn take(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.line += 1;
        let line = &*self.written(line);
        let Some(table) = &self.table else {
            return self.take_sql(line, out);
        };
        out.extend_from_slice(line);
        if line.trim_ascii_end() == b"\\." {
            self.table = None;
        } else {
            *self.counts.rows.entry(table.clone()).or_default() += 1;
        }
        Ok(())
    }

    fn take_sql(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if self.lexer.is_between() {
            let text = line.trim_ascii_end();
            self.is_complete |= text == COMPLETE.as_bytes();
            // How newer ones keep psql from being told more than SQL; here nothing gets so far.
            if text.starts_with(b"\\restrict ") || text.starts_with(b"\\unrestrict ") {
                out.push(b'\n');
                return Ok(());
            }
        }
        let mut at = 0;
        loop {
            let was_begun = self.lexer.begun;
            let met = self.lexer.read(line, at);
            if self.lexer.begun && !was_begun {
                self.began = self.line;
            }
            match met {
                Met::Backslash => {
                    let word = String::from_utf8_lossy(line.trim_ascii()).into_owned();
                    let why = format!("`{word}` is a command to psql, which could do anything");
                    return Err(on_line(self.line, DumpFault::Beyond, &why));
                }
                Met::Nothing => {
                    self.statement.extend_from_slice(&line[at..]);
                    // Comments and space between statements go by.
                    if !self.lexer.begun {
                        out.append(&mut self.statement);
                    }
                    return Ok(());
                }
                Met::End(to) => {
                    self.statement.extend_from_slice(&line[at..to]);
                    let way = self.judge()?;
                    let is_rows = matches!(way, StatementFate::Rows(_));
                    self.follow(way, out);
                    if is_rows {
                        out.extend_from_slice(&line[to..]);
                        return Ok(());
                    }
                    at = to;
                }
            }
        }
    }

    fn follow(&mut self, way: StatementFate, out: &mut Vec<u8>) {
        let statement = std::mem::take(&mut self.statement);
        match way {
            StatementFate::Runs => out.extend(statement),
            StatementFate::LeftOut => {
                out.extend(statement.into_iter().filter(|byte| *byte == b'\n'));
            }
            StatementFate::Rows(table) => {
                out.extend(statement);
                // A table without rows is told too.
                self.counts.rows.entry(table.clone()).or_default();
                self.table = Some(table);
            }
        }
        self.lexer.next();
    }

    fn judge(&mut self) -> Result<StatementFate> {
        let words: Vec<&str> = self.lexer.words.iter().map(String::as_str).collect();
        let leaves = |kind: &str| {
            matches!(
                kind,
                "DATABASE" | "ROLE" | "USER" | "GROUP" | "SYSTEM" | "TABLESPACE" | "SUBSCRIPTION"
            )
        };
        match words.as_slice() {
            ["GRANT" | "REVOKE" | "SECURITY" | "RESET", ..]
            // PostgreSQL 15 does not know TRANSACTION_TIMEOUT yet. With ROW_SECURITY off, policies that are for the owner of
            // a table, too, are an error to him.
            | ["SET", "SESSION" | "ROLE" | "TRANSACTION_TIMEOUT" | "ROW_SECURITY", ..]
            | ["ALTER", "DEFAULT", "PRIVILEGES", ..]
            | ["DROP", "EXTENSION", ..]
            | ["COMMENT", "ON", "EXTENSION", ..]
            // A name in quotes is no word.
            | ["ALTER", .., "OWNER", "TO", _]
            | ["ALTER", .., "OWNER", "TO"] => Ok(StatementFate::LeftOut),
            ["SET", "STANDARD_CONFORMING_STRINGS", .., "OFF"] => {
                Err(on_line(self.began, DumpFault::Beyond, "it escapes strings as before PostgreSQL 9.1"))
            }
            ["CREATE" | "DROP", "SCHEMA", .., name] | ["COMMENT", "ON", "SCHEMA", name, ..]
                if self.there.contains(&name.to_lowercase()) => Ok(StatementFate::LeftOut),
            ["CREATE", "EXTENSION", ..] => {
                let extension = self.extension()?;
                self.counts.extensions.push(extension);
                Ok(StatementFate::LeftOut)
            }
            ["CREATE" | "ALTER" | "DROP", kind, ..] | ["COMMENT", "ON", kind, ..] if leaves(kind) => {
                let (first, kind) = (words[0], *kind);
                let why = format!("`{first} … {kind}` reaches beyond the database");
                Err(on_line(self.began, DumpFault::Beyond, &why))
            }
            // Large objects come between these, and between transactions of their own.
            ["BEGIN" | "COMMIT"]
            | ["SELECT", "PG_CATALOG", "LO_CREATE" | "LO_OPEN" | "LOWRITE" | "LO_CLOSE", ..]
                if self.is_backup => Ok(StatementFate::Runs),
            ["COPY", .., "FROM", "STDIN"] => Ok(StatementFate::Rows(self.table_after("COPY"))),
            ["INSERT", "INTO", ..] => {
                let table = self.table_after("INTO");
                *self.counts.rows.entry(table).or_default() += self.lexer.tuples.max(1);
                Ok(StatementFate::Runs)
            }
            ["SET" | "CREATE" | "ALTER" | "DROP" | "COMMENT" | "REFRESH", ..]
            | ["SELECT", "SET_CONFIG" | "SETVAL", ..]
            | ["SELECT", "PG_CATALOG", "SET_CONFIG" | "SETVAL", ..]
            // A semicolon that stands alone.
            | [] => Ok(StatementFate::Runs),
            _ => {
                let said = words.iter().take(4).copied().collect::<Vec<_>>().join(" ");
                let why = format!("`{said} …` is not a statement that pg_dump writes for tables");
                Err(on_line(self.began, DumpFault::Beyond, &why))
            }
        }
    }

    fn extension(&self) -> Result<Extension> {
        let text = String::from_utf8_lossy(&self.statement);
        Extension::read(&text, self.began).ok_or_else(|| {
            let why = "this `CREATE EXTENSION` is not written as pg_dump does";
            on_line(self.began, DumpFault::Beyond, why)
        })
    }

    /// The name that stands behind a word of the statement.
    fn table_after(&self, word: &str) -> String {
        let text = String::from_utf8_lossy(&self.statement);
        let upper = text.to_ascii_uppercase();
        let from = upper.find(word).map_or(0, |at| at + word.len());
        let text = text[from..].trim_start();
        let mut quoted = false;
        let end = text.find(|c: char| {
            quoted ^= c == '"';
            !quoted && (c == '(' || c.is_whitespace())
        });
        let name = &text[..end.unwrap_or(text.len())];
        name.strip_prefix("public.").unwrap_or(name).to_owned()
    }
}

fn on_line(line: u64, fault: DumpFault, why: &str) -> anyhow::Error {
    refused(fault, format!("line {line}: {why}")).into()
}

#[cfg(test)]
mod tests;
