//! Reads a CSV or JSON file into records of text. An unreadable row becomes a reject with its place and its reason.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use csv::ByteRecord;
use serde_json::{Map, Value};

/// One row of a file.
#[derive(Debug)]
pub struct Record {
    /// Where it begins: `line 12` or `element 3`.
    pub place: String,
    /// Its values by column, trimmed; an empty one is absent.
    pub values: BTreeMap<String, String>,
}

/// A row that is not loaded.
#[derive(Debug)]
pub struct Reject {
    /// Where it is.
    pub place: String,
    /// Why, as sentences.
    pub reason: String,
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Content {
    /// The readable rows, in order.
    pub records: Vec<Record>,
    /// The rejected rows.
    pub rejects: Vec<Reject>,
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

/// The first line names the columns. The separator is the comma or the semicolon, whichever the first line has more of.
pub fn from_csv(bytes: &[u8]) -> Result<Content> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
    let first = String::from_utf8_lossy(first);
    let semicolons = first.matches(';').count() > first.matches(',').count();
    let delimiter = if semicolons { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .from_reader(bytes);
    let columns = columns(reader.byte_headers().context("the first line is not CSV")?)?;
    let mut content = Content::default();
    let mut record = ByteRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(content),
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                content.take(format!("line {line}"), texts(&columns, &record));
            }
            Err(error) => content.reject(format!("line {line}"), explained(&error)),
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
            _ => Err("It is no object.".to_owned()),
        };
        content.take(format!("element {number}"), values);
    }
    Ok(content)
}

impl Content {
    fn take(&mut self, place: String, values: Result<BTreeMap<String, String>, String>) {
        match values {
            Ok(values) => self.records.push(Record { place, values }),
            Err(reason) => self.reject(place, reason),
        }
    }

    fn reject(&mut self, place: String, reason: String) {
        self.rejects.push(Reject { place, reason });
    }
}

fn columns(header: &ByteRecord) -> Result<Vec<String>> {
    let mut columns: Vec<String> = Vec::new();
    for name in header {
        let name = String::from_utf8_lossy(name).trim().to_lowercase();
        if name.is_empty() || columns.contains(&name) {
            bail!("the first line names a column \"{name}\" twice, or not at all");
        }
        columns.push(name);
    }
    Ok(columns)
}

fn texts(columns: &[String], record: &ByteRecord) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for (column, value) in columns.iter().zip(record) {
        let Ok(value) = std::str::from_utf8(value) else {
            return Err(format!("{column} is not UTF-8."));
        };
        put(&mut values, column, value)?;
    }
    Ok(values)
}

fn scalars(object: Map<String, Value>) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for (column, value) in object {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Array(_) | Value::Object(_) => {
                return Err(format!("{column} is not a single value."));
            }
            other => other.to_string(),
        };
        put(&mut values, &column.to_lowercase(), &text)?;
    }
    Ok(values)
}

fn put(values: &mut BTreeMap<String, String>, column: &str, value: &str) -> Result<(), String> {
    if value.contains('\0') {
        return Err(format!("{column} has a zero byte."));
    }
    let value = value.trim();
    if !value.is_empty() {
        values.insert(column.to_owned(), value.to_owned());
    }
    Ok(())
}

fn explained(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("It has {len} values where the first line has {expected_len}."),
        _ => "It is not CSV.".to_owned(),
    }
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
            content.rejects[0].reason.contains("1 values"),
            "{:?}",
            content.rejects
        );
        assert!(!content.records[1].values.contains_key("zona"));
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
            let text = format!("titulo,zona\n{}\n", rows.join("\n"));
            let content = from_csv(text.as_bytes()).unwrap();
            prop_assert_eq!(content.records.len() + content.rejects.len(), rows.len());
        }
    }
}
