//! Which form a file has, by its content: its name says nothing.

use std::fs::File;
use std::io::{self, Read, Seek};

use anyhow::Result;
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use zstd::stream::read::Decoder;

use super::filter::HEAD;
use crate::core::app_profile::{CsvImport, Table};
use crate::core::error::{Code, Fault};

/// How much of a file is looked at.
const LOOKED_AT: u64 = 64 * 1024;

/// What a file is packed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DumpPacking {
    #[default]
    None,
    Gzip,
    Zstd,
}

/// What it is when it is unpacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DumpKind {
    /// `pg_dump`'s plain format.
    Sql,
    /// `pg_dump`'s custom format.
    Archive,
    /// Rows of one table of the app, as its loader calls it.
    Csv(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    #[serde(default)]
    pub packing: DumpPacking,
    pub kind: DumpKind,
}

impl DumpPacking {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => DumpPacking::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => DumpPacking::Zstd,
            _ => DumpPacking::None,
        }
    }

    /// Reads a file unpacked.
    pub fn open(self, file: File) -> Result<Box<dyn Read>> {
        Ok(match self {
            DumpPacking::None => Box::new(file),
            DumpPacking::Gzip => Box::new(MultiGzDecoder::new(file)),
            DumpPacking::Zstd => Box::new(Decoder::new(file)?),
        })
    }
}

impl Form {
    /// Looks at the beginning of a file, opened where it is. `csv` says which CSV files the app takes.
    ///
    /// # Errors
    /// E0450 when it is none of the forms that can be imported.
    pub fn of(shown: &str, file: io::Result<File>, csv: Option<&CsvImport>) -> Result<Self> {
        let none = |why: &str| Fault::new(Code::E0450, format!("{shown} {why}")).hint(taken(csv));
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::IsADirectory => {
                none("is a folder; pg_dump's directory format cannot be imported")
            }
            _ => none(&format!("cannot be read: {error}")),
        };
        let mut file = file.map_err(unreadable)?;
        let packing = DumpPacking::of(&head(&mut file).map_err(unreadable)?);
        file.rewind().map_err(unreadable)?;
        let head = head(packing.open(file)?)
            .map_err(|error| none(&format!("cannot be decompressed: {error}")))?;
        let kind = kind(&head, csv).map_err(|why| none(&why))?;
        if packing != DumpPacking::None && matches!(kind, DumpKind::Csv(_)) {
            return Err(none("is a compressed CSV; decompress it first").into());
        }
        Ok(Self { packing, kind })
    }
}

/// What can be imported.
fn taken(csv: Option<&CsvImport>) -> String {
    let dump = "nothing was sent; import a dump of one database by pg_dump in plain or custom format, also compressed with gzip or zstd";
    match csv {
        None => dump.to_owned(),
        Some(import) => {
            let names = import.tables.iter().map(|table| table.name.to_string());
            format!(
                "{dump}, or CSV files of {} with a line of column names",
                any_of(names)
            )
        }
    }
}

/// `` `name`, or `name` and `price` ``
fn wanted_columns(import: &CsvImport) -> String {
    let of_table = |table: &Table| {
        let columns = table.columns.iter().map(|column| format!("`{column}`"));
        columns.collect::<Vec<_>>().join(" and ")
    };
    let all: Vec<String> = import.tables.iter().map(of_table).collect();
    all.join(", or ")
}

fn any_of(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

fn head(read: impl Read) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    match read.take(LOOKED_AT).read_to_end(&mut head) {
        // What is packed may be cut short; what there is of it tells what it is.
        Err(error) if head.is_empty() => Err(error),
        _ => Ok(head),
    }
}

fn kind(head: &[u8], csv: Option<&CsvImport>) -> Result<DumpKind, String> {
    /// Behind `PGDMP` stand three bytes of version, two of sizes, and the format.
    const FORMAT: usize = 10;
    const CUSTOM: u8 = 1;
    if head.is_empty() {
        return Err("is empty".to_owned());
    }
    if head.starts_with(b"PGDMP") {
        return match head.get(FORMAT) {
            Some(&CUSTOM) => Ok(DumpKind::Archive),
            _ => Err("is a dump of pg_dump in a format that cannot be imported".to_owned()),
        };
    }
    if head.get(257..262) == Some(b"ustar") {
        return Err("is a tar archive; pg_dump's tar format cannot be imported".to_owned());
    }
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Err(
            "is in UTF-16, as PowerShell's `>` writes a dump and Excel its \"Unicode text\": let pg_dump write the file with `--file`, and save a table as \"CSV UTF-8\""
                .to_owned(),
        );
    }
    if head.contains(&0) {
        return Err("is neither a dump nor a CSV".to_owned());
    }
    let text = String::from_utf8_lossy(head);
    if text
        .lines()
        .any(|line| line.trim_end() == "-- PostgreSQL database cluster dump")
    {
        return Err(
            "is a dump of a whole server by pg_dumpall; dump one database with pg_dump".to_owned(),
        );
    }
    if text.lines().any(|line| line.trim_end() == HEAD) {
        return Ok(DumpKind::Sql);
    }
    let Some(import) = csv else {
        return Err("is not a dump of pg_dump, and the app takes no CSV files".to_owned());
    };
    table(head, import).map(DumpKind::Csv).ok_or_else(|| {
        format!(
            "is neither a dump nor a CSV of the app: it does not begin like a dump of pg_dump, and its first line does not name {}",
            wanted_columns(import)
        )
    })
}

/// The table whose columns the first line names; a line `sep=;` before it is Excel's.
fn table(head: &[u8], import: &CsvImport) -> Option<String> {
    let head = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    let first = if first.starts_with(b"sep=") {
        lines.next()?
    } else {
        first
    };
    // What is not UTF-8 is a code page of Windows, whose letters are those of Latin-1.
    let latin = || first.iter().map(|byte| char::from(*byte)).collect();
    let first = std::str::from_utf8(first).map_or_else(|_| latin(), str::to_owned);
    let names: Vec<&str> = first
        .split([',', ';', '\t'])
        .map(|name| name.trim().trim_matches('"'))
        .collect();
    let table = import.table_of(&names).filter(|_| names.len() > 1);
    table.map(|table| table.name.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const DUMP: &str = "--\n-- PostgreSQL database dump\n--\n\nSET x = 1;\n";

    fn import() -> CsvImport {
        serde_json::from_value(serde_json::json!({
            "load": { "run": ["read", "{file}"], "check": ["read", "--dry", "{file}"] },
            "tables": [{ "name": "people", "columns": ["name"] }, { "name": "goods", "columns": ["name", "price"] }],
        }))
        .unwrap()
    }

    fn of(bytes: &[u8]) -> Result<Form, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Form::of("it", File::open(file.path()), Some(&import())).map_err(|error| error.to_string())
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        crate::storage::pack::gzip(bytes).unwrap()
    }

    #[test]
    fn a_form_is_known_by_content_whatever_it_is_packed_with() {
        let archive = [b"PGDMP".as_slice(), &[1, 14, 0, 4, 8, 1], &[0; 50]].concat();
        for (bytes, kind) in [
            (DUMP.as_bytes(), DumpKind::Sql),
            (&archive, DumpKind::Archive),
        ] {
            let zstd = zstd::encode_all(bytes, 1).unwrap();
            for (packed, packing) in [
                (bytes, DumpPacking::None),
                (&gzip(bytes), DumpPacking::Gzip),
                (&zstd, DumpPacking::Zstd),
            ] {
                let kind = kind.clone();
                assert_eq!(of(packed), Ok(Form { packing, kind }));
            }
        }
        for (line, table) in [
            ("\u{feff}Name;Price\na;1\n", "goods"),
            ("\"name\",age\n", "people"),
            ("sep=;\r\nName;Price\r\na;1\r\n", "goods"),
            ("name\tprice\na\t1\n", "goods"),
            ("Namé ;;age\n", "people"),
        ] {
            assert_eq!(
                of(line.as_bytes()).unwrap().kind,
                DumpKind::Csv(table.to_owned())
            );
        }
    }

    #[test]
    fn a_first_line_in_a_code_page_of_windows_is_read() {
        let kind = of(b"Nam\xe9,Price\na,1\n").unwrap().kind;
        assert_eq!(kind, DumpKind::Csv("goods".to_owned()));
    }

    #[test]
    fn what_is_none_of_them_is_refused_with_the_reason() {
        let tar = [vec![b'a'; 257], b"ustar\0".to_vec()].concat();
        let utf16: Vec<u8> = "\u{feff}-- PostgreSQL"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (bytes, why) in [
            (&b""[..], "is empty"),
            (b"\x7fELF\0\0", "neither a dump nor a CSV"),
            (
                b"PGDMP\x01\x0e\x00\x04\x08\x03",
                "a format that cannot be imported",
            ),
            (&tar, "tar archive"),
            (&utf16, "UTF-16"),
            (
                b"--\n-- PostgreSQL database cluster dump\n--\n",
                "pg_dumpall",
            ),
            (b"SELECT 1;\n", "neither a dump"),
            (b"name\na\n", "neither a dump"),
            (b"city,age\n", "does not name `name`, or `name` and `price`"),
            (&gzip(b"name,age\n"), "compressed CSV"),
            (b"\x1f\x8bno gzip", "cannot be decompressed"),
        ] {
            let said = of(bytes).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(
            Form::of("it", File::open(folder.path()), Some(&import()))
                .unwrap_err()
                .to_string()
                .contains("is a folder")
        );
    }
}
