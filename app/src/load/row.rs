//! Turns records into rows of a table, or lists everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::catalog::fold::fold;
use crate::demo::places::ZONES;
use crate::load::file::{Record, Reject};

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
}

/// Reads a record as a row of one of the tables.
pub type Reader = fn(&mut Row, &Given);

/// The rows that can be loaded, in the form of the staging table; the others become rejects.
pub fn rows(
    records: Vec<Record>,
    read: Reader,
    given: &Given,
    rejects: &mut Vec<Reject>,
) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for record in records {
        let mut row = Row::new(record.values);
        let codigo = row.code();
        read(&mut row, given);
        if let Some(first) = seen.get(&codigo) {
            row.faults.push(format!("It has the same code as {first}."));
        }
        if row.faults.is_empty() {
            seen.insert(codigo, record.place);
            rows.push(Value::Object(row.out));
        } else {
            let reason = row.faults.join(" ");
            let place = record.place;
            rejects.push(Reject { place, reason });
        }
    }
    rows
}

/// A record on its way into a row.
pub struct Row {
    values: BTreeMap<String, String>,
    out: Map<String, Value>,
    faults: Vec<String>,
}

impl Row {
    fn new(mut values: BTreeMap<String, String>) -> Self {
        // The names that the owner's files use.
        for (theirs, ours) in [
            ("precio_usd", "precio"),
            ("latitud", "lat"),
            ("longitud", "lng"),
            ("url", "url_origen"),
            ("codigo_proveedor", "codigo"),
        ] {
            if !values.contains_key(ours)
                && let Some(value) = values.remove(theirs)
            {
                values.insert(ours.to_owned(), value);
            }
        }
        Row {
            values,
            out: Map::new(),
            faults: Vec::new(),
        }
    }

    /// What identifies the row within its source: its code, or else its URL.
    fn code(&mut self) -> String {
        let own = self.taken("codigo");
        let code = own.or_else(|| self.values.get("url_origen").map(|url| shortened(url)));
        let code = code.unwrap_or_default();
        if code.is_empty() {
            self.fault("codigo is missing, and url too.".to_owned());
        }
        self.bounded("codigo", &code, CODE);
        self.put("codigo", json!(code));
        code
    }

    /// Takes the value of a column out of the record.
    pub fn taken(&mut self, column: &str) -> Option<String> {
        self.values.remove(column)
    }

    /// Sets a column of the table.
    pub fn put(&mut self, column: &str, value: Value) {
        self.out.insert(column.to_owned(), value);
    }

    /// A text that must be there.
    pub fn required(&mut self, column: &'static str, most: usize) {
        if !self.values.contains_key(column) {
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
            self.fault(format!(
                "zona is \"{text}\", which is not a known zone of the city; the most similar is {near}."
            ));
        }
        let single = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = zone.map_or(single, |zone| zone.name.to_owned());
        self.put("zona", json!(name));
    }

    /// Notes that something is wrong.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
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
            self.fault(format!(
                "{column} is \"{text}\"; it must be one of {words}."
            ));
        }
        found
    }

    /// With a decimal point and without thousands separators; anything else could mean two things.
    pub fn number(&mut self, column: &str, low: f64, high: f64) -> Option<f64> {
        let text = self.taken(column)?;
        match text.parse::<f64>() {
            Ok(number) if (low..=high).contains(&number) => return Some(number),
            Ok(_) => self.fault(format!(
                "{column} is {text}; it must lie between {low} and {high}."
            )),
            Err(_) => self.fault(format!(
                "{column} is \"{text}\", which is not a plain number."
            )),
        }
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
            self.fault(format!(
                "{column} is \"{text}\", which is not a date like 2025-10-16."
            ));
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

/// A URL that is too long for a code is replaced by its digest.
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
pub fn unknown_columns(records: &[Record], read: Reader) -> BTreeSet<String> {
    let names: BTreeSet<&String> = records
        .iter()
        .flat_map(|record| record.values.keys())
        .collect();
    let values = names
        .into_iter()
        .map(|name| (name.clone(), "1".to_owned()))
        .collect();
    let mut row = Row::new(values);
    let _ = row.code();
    read(&mut row, &Given::default());
    row.values.into_keys().collect()
}
