//! Reads a CSV or JSON file into records of text. An unreadable row becomes a reject with its place and its reason.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use csv::ByteRecord;
use encoding_rs::WINDOWS_1252;
use serde_json::{Map, Value};

use crate::catalog::fold::fold;
use crate::load::reject::{Reason, Reject};

/// One row of a file.
#[derive(Debug)]
pub struct Record {
    /// Where it begins: `line 12` or `element 3`.
    pub place: String,
    /// Its values by column, trimmed; an empty one is absent.
    pub values: BTreeMap<String, String>,
    /// Columns whose value is a number by its type, so that its point parts the decimals.
    pub numbers: BTreeSet<String>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Content {
    /// The readable rows, in order.
    pub records: Vec<Record>,
    /// The rejected rows.
    pub rejects: Vec<Reject>,
    /// What somebody should know of how it was read.
    pub notes: Vec<String>,
}

/// Reads a file by its ending, `.csv` or `.json`.
pub fn read(path: &Path) -> Result<Content> {
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("{shown} cannot be read"))?;
    let content = match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => from_csv(&bytes),
        Some("json") => from_json(&bytes),
        _ => bail!("{shown} is neither a .csv nor a .json file"),
    };
    content.with_context(|| format!("{shown} cannot be loaded"))
}

/// The first line names the columns, without regard to case, accents and blanks. The separator is the one that the first line has
/// most of, or that a line `sep=;` before it names, as Excel writes it. Rows without any value are passed over.
pub fn from_csv(bytes: &[u8]) -> Result<Content> {
    let mut content = Content::default();
    let bytes = utf8(bytes, &mut content.notes)?;
    let (delimiter, before, bytes) = separator(&bytes);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        // Empty values at the end of a line are no values: spreadsheets leave them.
        .flexible(true)
        .from_reader(bytes);
    let columns = columns(reader.byte_headers().context("the first line is not CSV")?)?;
    let mut record = ByteRecord::new();
    loop {
        let line = reader.position().line() + before;
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(content),
            Ok(true) if record.iter().all(is_blank) => {}
            Ok(true) => {
                let line = record
                    .position()
                    .map_or(line, |position| position.line() + before);
                content.take(format!("line {line}"), texts(&columns, &record));
            }
            Err(_) => content.reject(format!("line {line}"), Reason::plain("It is not CSV.")),
        }
    }
}

/// A list of objects whose values are texts, numbers, booleans or null.
pub fn from_json(bytes: &[u8]) -> Result<Content> {
    let elements: Vec<Value> =
        serde_json::from_slice(bytes).context("it is not a JSON list of objects")?;
    let mut content = Content::default();
    for (number, element) in (1..).zip(elements) {
        let values = match element {
            Value::Object(object) => scalars(object),
            _ => Err(Reason::plain("It is no object.")),
        };
        content.take(format!("element {number}"), values);
    }
    Ok(content)
}

/// The values of a row by column, and which of them are numbers by their type.
type Values = (BTreeMap<String, String>, BTreeSet<String>);

impl Content {
    fn take(&mut self, place: String, values: Result<Values, Reason>) {
        match values {
            Ok((values, numbers)) => self.records.push(Record {
                place,
                values,
                numbers,
            }),
            Err(reason) => self.reject(place, reason),
        }
    }

    fn reject(&mut self, place: String, reason: Reason) {
        let reasons = vec![reason];
        self.rejects.push(Reject { place, reasons });
    }
}

/// The same text in UTF-8. Spreadsheets on Windows write its own code page: what is not UTF-8 anywhere is taken for that. Where both
/// are mixed, the rows that are not UTF-8 are refused one by one.
fn utf8<'b>(bytes: &'b [u8], notes: &mut Vec<String>) -> Result<Cow<'b, [u8]>> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        bail!("it is written in UTF-16, as Excel's \"Unicode text\" is; save it as \"CSV UTF-8\"");
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let has_letters = || {
        let mut chunks = bytes.utf8_chunks();
        chunks.any(|chunk| !chunk.valid().is_ascii())
    };
    if std::str::from_utf8(bytes).is_ok() || has_letters() {
        return Ok(Cow::Borrowed(bytes));
    }
    notes.push("it is not UTF-8, so it was read as Windows-1252".to_owned());
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    Ok(Cow::Owned(text.into_owned().into_bytes()))
}

/// The separator, how many lines stand before the names of the columns, and what begins with those.
fn separator(bytes: &[u8]) -> (u8, u64, &[u8]) {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
    if let [b's', b'e', b'p', b'=', separator, end @ ..] = first
        && separator.is_ascii()
        && matches!(end, [] | [b'\r'])
    {
        let rest = bytes.get(first.len() + 1..).unwrap_or_default();
        return (*separator, 1, rest);
    }
    let names = String::from_utf8_lossy(first);
    let count = |wanted: u8| names.matches(char::from(wanted)).count();
    // Of those that are there as often, the first.
    let mut found = b',';
    for other in [b';', b'\t'] {
        if count(other) > count(found) {
            found = other;
        }
    }
    (found, 0, bytes)
}

/// The columns' names; none for one that the first line does not name.
fn columns(header: &ByteRecord) -> Result<Vec<Option<String>>> {
    let mut columns: Vec<Option<String>> = Vec::new();
    for name in header {
        let name = column_name(&String::from_utf8_lossy(name));
        if name.is_some() && columns.contains(&name) {
            bail!(
                "the first line names the column \"{}\" twice",
                name.unwrap_or_default()
            );
        }
        columns.push(name);
    }
    if columns.iter().all(Option::is_none) {
        bail!("the first line names no column");
    }
    Ok(columns)
}

/// `Fecha Publicación` is `fecha_publicacion`.
fn column_name(name: &str) -> Option<String> {
    let name = fold(name).replace([' ', '-'], "_");
    (!name.is_empty()).then_some(name)
}

/// A column that somebody names, as the first line's names are read.
pub fn key(name: &str) -> String {
    column_name(name).unwrap_or_default()
}

fn is_blank(value: &[u8]) -> bool {
    String::from_utf8_lossy(value).trim().is_empty()
}

fn texts(columns: &[Option<String>], record: &ByteRecord) -> Result<Values, Reason> {
    let mut values = BTreeMap::new();
    let surplus = record
        .iter()
        .skip(columns.len())
        .any(|value| !is_blank(value));
    if record.len() < columns.len() || surplus {
        let (is, wished) = (record.len(), columns.len());
        return Err(Reason {
            group: "It has another number of values than the first line.".to_owned(),
            value: Some(is.to_string()),
            told: format!("It has {is} values where the first line has {wished}."),
        });
    }
    for (number, (column, value)) in (1..).zip(columns.iter().zip(record)) {
        let Some(column) = column else {
            if is_blank(value) {
                continue;
            }
            let told = format!("Column {number} has a value, but no name in the first line.");
            return Err(Reason::plain(told));
        };
        let Ok(value) = std::str::from_utf8(value) else {
            return Err(Reason::plain(format!("{column} is not UTF-8.")));
        };
        put(&mut values, column, value)?;
    }
    Ok((values, BTreeSet::new()))
}

fn scalars(object: Map<String, Value>) -> Result<Values, Reason> {
    let (mut values, mut numbers) = (BTreeMap::new(), BTreeSet::new());
    for (column, value) in object {
        let Some(column) = column_name(&column) else {
            return Err(Reason::plain("It has a value without a name."));
        };
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Array(_) | Value::Object(_) => {
                return Err(Reason::plain(format!("{column} is not a single value.")));
            }
            Value::Number(number) => {
                numbers.insert(column.clone());
                number.to_string()
            }
            other @ Value::Bool(_) => other.to_string(),
        };
        put(&mut values, &column, &text)?;
    }
    Ok((values, numbers))
}

fn put(values: &mut BTreeMap<String, String>, column: &str, value: &str) -> Result<(), Reason> {
    if value.contains('\0') {
        return Err(Reason::plain(format!("{column} has a zero byte.")));
    }
    let value = value.trim();
    if !value.is_empty() {
        values.insert(column.to_owned(), value.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quoted_line_break_keeps_the_lines_counted() {
        let text = "titulo;zona\n\"a\nb\";Centro\nsolo\nc;\"\"\n";
        let content = from_csv(text.as_bytes()).unwrap();
        let places: Vec<&str> = content
            .records
            .iter()
            .map(|record| record.place.as_str())
            .collect();
        assert_eq!(places, ["line 2", "line 5"]);
        assert_eq!(content.rejects[0].place, "line 4");
        assert!(
            content.rejects[0].told().contains("1 values"),
            "{:?}",
            content.rejects
        );
        assert!(!content.records[1].values.contains_key("zona"));
    }

    /// What spreadsheets make of the same row.
    #[test]
    fn the_shapes_of_spreadsheets_are_one_row() {
        let plain = "codigo,titulo,fecha_publicacion\nX,Peña,2026-01-15\n";
        let (cp1252, _, _) = WINDOWS_1252.encode(plain);
        for bytes in [
            plain.as_bytes(),
            "sep=;\r\ncodigo;titulo;fecha_publicacion\r\nX;Peña;2026-01-15\r\n".as_bytes(),
            "codigo\ttitulo\tfecha_publicacion\nX\tPeña\t2026-01-15\n".as_bytes(),
            "codigo;titulo;fecha_publicacion;;\nX;Peña;2026-01-15;;\n".as_bytes(),
            "Código,Título,Fecha Publicación\nX,Peña,2026-01-15,,\n,,\n \n".as_bytes(),
            &cp1252,
        ] {
            let content = from_csv(bytes).unwrap();
            assert!(content.rejects.is_empty(), "{:?}", content.rejects);
            let values: Vec<_> = content
                .records
                .iter()
                .map(|record| &record.values)
                .collect();
            let [values] = values[..] else {
                panic!("{values:?}")
            };
            let row = ["codigo", "titulo", "fecha_publicacion"].map(|column| &*values[column]);
            assert_eq!(row, ["X", "Peña", "2026-01-15"]);
        }
    }

    #[test]
    fn what_has_no_plain_meaning_is_refused_by_its_true_reason() {
        let utf16: Vec<u8> = "\u{feff}codigo\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (bytes, why) in [
            (&utf16[..], "it is written in UTF-16"),
            (b";;\nX;Y;Z\n", "the first line names no column"),
            (b"a,a\n", "names the column \"a\" twice"),
        ] {
            assert!(from_csv(bytes).unwrap_err().to_string().contains(why));
        }
        for (text, why) in [
            (
                &b"a,,b\n1,x,2\n"[..],
                "Column 2 has a value, but no name in the first line.",
            ),
            (
                b"a,b\n1,2,3\n",
                "It has 3 values where the first line has 2.",
            ),
        ] {
            assert_eq!(from_csv(text).unwrap().rejects[0].told(), why);
        }
        // Both in one file: which of the two a row is cannot be known.
        let mixed = [&b"a,b\n\xf1,1\n"[..], "ñ,2\n".as_bytes()].concat();
        let content = from_csv(&mixed).unwrap();
        assert_eq!(
            (content.records.len(), content.rejects[0].told()),
            (1, "a is not UTF-8.".to_owned())
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = from_csv(&bytes);
            let _ = from_json(&bytes);
        }

        #[test]
        fn every_row_is_taken_or_rejected(rows in proptest::collection::vec("[^\r\n\"]{1,20}", 0..20)) {
            // No quotes and no line breaks: a row is a line that is not blank.
            let rows: Vec<&String> = rows
                .iter()
                .filter(|row| row.chars().any(|letter| letter != ',' && !letter.is_whitespace()))
                .collect();
            let text = format!("titulo,zona\n{}\n", rows.iter().map(|row| row.as_str()).collect::<Vec<_>>().join("\n"));
            let content = from_csv(text.as_bytes()).unwrap();
            prop_assert_eq!(content.records.len() + content.rejects.len(), rows.len());
        }
    }
}
