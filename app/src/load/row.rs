//! Turns records into rows of a table, or lists everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::catalog::fold::fold;
use crate::demo::places::ZONES;
use crate::load::file::Record;
use crate::load::number::{self, NoNumber, Style};
use crate::load::reject::{Reason, Reject};

/// Longest code, in characters.
const CODE: usize = 100;
/// Longest name of a zone, in characters.
const ZONE: usize = 255;

/// Facts that the command line adds to a file.
#[derive(Debug, Default)]
pub struct Given {
    /// Currency of prices without one.
    pub moneda: Option<String>,
    /// Bolivianos for a dollar.
    pub cambio: Option<f64>,
    /// Operation of properties without one.
    pub operacion: Option<String>,
    /// Whether a zone must be one of the city's known ones.
    pub known_zones: bool,
    /// The column that tells rows apart, where it is not the code.
    pub key: Option<String>,
}

/// How the numbers of each column are written.
type Styles = BTreeMap<String, Style>;

/// Reads a record as a row of one of the tables.
pub type Reader = fn(&mut Row<'_>, &Given);

/// The rows that can be loaded, in the form of the staging table; the others become rejects.
pub fn rows(
    records: Vec<Record>,
    read: Reader,
    given: &Given,
    rejects: &mut Vec<Reject>,
) -> Vec<Value> {
    let styles = styles(&records);
    let mut rows = Vec::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for record in records {
        let mut row = Row::new(record.values, &styles);
        let codigo = row.code(given);
        read(&mut row, given);
        if let Some(first) = seen.get(&codigo) {
            row.fault_of(
                "It has the same code as another row.",
                format!("as {first}"),
                format!("It has the same code as {first}."),
            );
        }
        let (place, reasons) = (record.place, row.faults);
        if reasons.is_empty() {
            seen.insert(codigo, place);
            rows.push(Value::Object(row.out));
        } else {
            rejects.push(Reject { place, reasons });
        }
    }
    rows
}

fn styles(records: &[Record]) -> Styles {
    let mut styles = Styles::new();
    for record in records {
        for (column, text) in &record.values {
            let style = styles.entry(column.clone()).or_default();
            if record.numbers.contains(column) {
                *style = style.with(Style::OF_PROGRAMS);
            } else {
                style.learn(text);
            }
        }
    }
    styles
}

/// Says so when what should tell the rows apart has few values: then a file is read whose code is something else.
pub fn fault_of_key(records: &[Record], given: &Given) -> Option<String> {
    /// A file of a few rows may be what it is.
    const FEW: usize = 20;
    let codes: BTreeSet<String> = records
        .iter()
        .filter_map(|record| code_of(record, given))
        .collect();
    if records.len() < FEW || codes.len() * 2 > records.len() {
        return None;
    }
    let key = given.key.as_deref().unwrap_or("codigo");
    let can: Vec<String> = columns(records)
        .into_iter()
        .filter(|column| tells_apart(records, column))
        .collect();
    let way_out = if can.is_empty() {
        "no other column has another value in each row".to_owned()
    } else {
        format!("--key COLUMN names one that can: {}", can.join(", "))
    };
    let count = codes.len();
    let values = if count == 1 {
        "value"
    } else {
        "different values"
    };
    Some(format!(
        "{key} has {count} {values} in {} rows, so it cannot tell them apart; {way_out}",
        records.len()
    ))
}

fn columns(records: &[Record]) -> BTreeSet<String> {
    let all = records.iter().flat_map(|record| record.values.keys());
    all.cloned().collect()
}

fn tells_apart(records: &[Record], column: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut rows = records.iter();
    rows.all(|record| {
        record
            .values
            .get(column)
            .is_some_and(|value| seen.insert(value))
    })
}

/// What identifies a row within its source: the column that was named, or its code, or else its URL.
fn code_of(record: &Record, given: &Given) -> Option<String> {
    let styles = Styles::new();
    let mut row = Row::new(record.values.clone(), &styles);
    let code = row.code(given);
    (!code.is_empty()).then_some(code)
}

/// The names that the owner's files use, and ours.
const NAMES: [(&str, &str); 12] = [
    ("precio_usd", "precio"),
    ("latitud", "lat"),
    ("longitud", "lng"),
    ("url", "url_origen"),
    ("codigo_proveedor", "codigo"),
    ("tipo", "tipo_propiedad"),
    ("tipo_inmueble", "tipo_propiedad"),
    ("tipo_de_propiedad", "tipo_propiedad"),
    ("tipo_operacion", "operacion"),
    ("tipo_de_operacion", "operacion"),
    ("transaccion", "operacion"),
    ("dormitorios", "num_dormitorios"),
];

/// A record on its way into a row.
pub struct Row<'s> {
    values: BTreeMap<String, String>,
    styles: &'s Styles,
    out: Map<String, Value>,
    faults: Vec<Reason>,
}

impl<'s> Row<'s> {
    fn new(values: BTreeMap<String, String>, styles: &'s Styles) -> Self {
        Row {
            values,
            styles,
            out: Map::new(),
            faults: Vec::new(),
        }
    }

    /// What identifies the row within its source.
    fn code(&mut self, given: &Given) -> String {
        let code = if let Some(key) = &given.key {
            self.values.get(key).map(|value| shortened(value))
        } else {
            let own = self.taken("codigo");
            own.or_else(|| self.value("url_origen").map(|url| shortened(url)))
        };
        let code = code.unwrap_or_default();
        if code.is_empty() {
            let missing = match &given.key {
                Some(key) => format!("{key} is missing, by which rows are told apart."),
                None => "codigo is missing, and url too; --key COLUMN names another column that tells rows apart.".to_owned(),
            };
            self.fault(missing);
        }
        self.bounded("codigo", &code, CODE);
        self.put("codigo", json!(code));
        code
    }

    /// The name that the file has for a column, where it has the column.
    fn name_of(&self, column: &str) -> Option<&'static str> {
        let mut names = NAMES.iter().filter(|(_, ours)| *ours == column);
        names
            .find(|(theirs, _)| self.values.contains_key(*theirs))
            .map(|(theirs, _)| *theirs)
    }

    fn value(&self, column: &str) -> Option<&String> {
        let own = self.values.get(column);
        own.or_else(|| self.values.get(self.name_of(column)?))
    }

    /// Takes the value of a column out of the record.
    pub fn taken(&mut self, column: &str) -> Option<String> {
        let own = self.values.remove(column);
        own.or_else(|| self.values.remove(self.name_of(column)?))
    }

    /// Sets a column of the table.
    pub fn put(&mut self, column: &str, value: Value) {
        self.out.insert(column.to_owned(), value);
    }

    /// A text that must be there.
    pub fn required(&mut self, column: &'static str, most: usize) {
        if self.value(column).is_none() {
            self.fault(format!("{column} is missing."));
        }
        self.text(column, most);
    }

    /// A text, copied.
    pub fn text(&mut self, column: &'static str, most: usize) {
        let text = self.taken(column);
        if let Some(text) = &text {
            self.bounded(column, text, most);
        }
        self.put(column, json!(text));
    }

    /// A zone. A known zone of the city gets its usual spelling; an unknown one is taken as it is, or refused.
    pub fn zone(&mut self, given: &Given) {
        let text = self.taken("zona");
        let Some(text) = text else {
            return self.put("zona", Value::Null);
        };
        self.bounded("zona", &text, ZONE);
        let folded = fold(&text);
        let zone = ZONES.iter().find(|zone| fold(zone.name) == folded);
        if zone.is_none() && given.known_zones {
            let near = ZONES
                .iter()
                .max_by(|a, b| likeness(a.name, &folded).total_cmp(&likeness(b.name, &folded)))
                .map_or("", |zone| zone.name);
            self.fault_of(
                "zona is not a known zone of the city.",
                format!("\"{text}\""),
                format!("zona is \"{text}\", which is not a known zone of the city; the most similar is {near}."),
            );
        }
        let single = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = zone.map_or(single, |zone| zone.name.to_owned());
        self.put("zona", json!(name));
    }

    /// Notes that something is wrong, in words that are the same for every such row.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(Reason::plain(fault));
    }

    /// Notes it with what is wrong in this row.
    pub fn fault_of(&mut self, group: impl Into<String>, value: String, told: String) {
        let (group, value) = (group.into(), Some(value));
        self.faults.push(Reason { group, value, told });
    }

    /// Whether nothing has been wrong so far.
    pub fn sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// The title that was read, folded.
    pub fn title(&self) -> String {
        self.out
            .get("titulo")
            .and_then(Value::as_str)
            .map(fold)
            .unwrap_or_default()
    }

    fn bounded(&mut self, column: &str, text: &str, most: usize) {
        if text.chars().count() > most {
            self.fault(format!("{column} is longer than {most} characters."));
        }
    }

    /// One word of a list, without regard to case and accents.
    pub fn word(&mut self, column: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.taken(column)?;
        let found = known(words, &fold(&text));
        if found.is_none() {
            let words = words.join(", ");
            self.fault_of(
                format!("{column} must be one of {words}."),
                format!("\"{text}\""),
                format!("{column} is \"{text}\"; it must be one of {words}."),
            );
        }
        found
    }

    /// As people and spreadsheets write it, where that can only mean one number in this column.
    pub fn number(&mut self, column: &str, low: f64, high: f64) -> Option<f64> {
        let theirs = self.name_of(column).unwrap_or(column);
        let style = self.styles.get(theirs).or_else(|| self.styles.get(column));
        let style = style.copied().unwrap_or_default();
        let text = self.taken(column)?;
        let why = match number::read(&text, style, low, high) {
            Ok(number) => return Some(number),
            Err(why) => why,
        };
        let (group, value, told) = match why {
            NoNumber::Not => (
                format!("{column} is not a number."),
                format!("\"{text}\""),
                format!("{column} is \"{text}\", which is not a number."),
            ),
            NoNumber::Outside => (
                format!("{column} must lie between {low} and {high}."),
                text.clone(),
                format!("{column} is {text}; it must lie between {low} and {high}."),
            ),
            NoNumber::Two(one, other) => (
                format!("{column} can mean two numbers: write it without a thousands separator."),
                format!("\"{text}\" is {one} or {other}"),
                format!(
                    "{column} is \"{text}\", which can mean {one} or {other}; write it without a thousands separator."
                ),
            ),
        };
        self.fault_of(group, value, told);
        None
    }

    /// Degrees, both or neither, in Bolivia.
    pub fn place(&mut self) {
        let lat = self.number("lat", -23.0, -9.0);
        let lng = self.number("lng", -70.0, -57.0);
        if lat.is_some() != lng.is_some() && self.faults.is_empty() {
            self.fault("Only one of lat and lng is there.".to_owned());
        }
        self.put("lat", json!(lat));
        self.put("lng", json!(lng));
    }

    /// A day.
    pub fn date(&mut self, column: &'static str) {
        let format = time::macros::format_description!("[year]-[month]-[day]");
        let text = self.taken(column);
        if let Some(text) = text
            .as_deref()
            .filter(|text| time::Date::parse(text, format).is_err())
        {
            self.fault_of(
                format!("{column} is not a date like 2025-10-16."),
                format!("\"{text}\""),
                format!("{column} is \"{text}\", which is not a date like 2025-10-16."),
            );
        }
        self.put(column, json!(text));
    }
}

fn likeness(zone: &str, folded: &str) -> f64 {
    strsim::jaro_winkler(&fold(zone), folded)
}

/// The word of a list that equals the given one.
pub fn known(words: &[&'static str], wanted: &str) -> Option<&'static str> {
    words.iter().find(|word| **word == wanted).copied()
}

/// What is too long for a code is replaced by its digest.
fn shortened(url: &str) -> String {
    if url.chars().count() <= CODE {
        return url.to_owned();
    }
    let digest = Sha256::digest(url.as_bytes());
    digest
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The columns of these records that the table's reader does not look at.
pub fn unknown_columns(records: &[Record], read: Reader, given: &Given) -> BTreeSet<String> {
    let values = columns(records)
        .into_iter()
        .map(|name| (name, "1".to_owned()))
        .collect();
    let styles = Styles::new();
    let mut row = Row::new(values, &styles);
    let _ = row.code(given);
    read(&mut row, given);
    row.values
        .into_keys()
        .filter(|column| given.key.as_ref() != Some(column))
        .collect()
}
