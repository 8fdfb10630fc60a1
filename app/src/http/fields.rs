//! Reads typed values out of a JSON object and collects every fault instead of stopping at the first.

use serde_json::{Map, Value};

use crate::http::error::{ApiError, FieldError};

/// Longest text of a field, in characters.
const TEXT_LIMIT: usize = 500;
/// Longest list of a field.
const LIST_LIMIT: usize = 50;

/// The fields of a request. Each is taken once; what is left at the end is unknown. `null` counts as absent.
pub struct Fields {
    object: Map<String, Value>,
    known: Vec<&'static str>,
    faults: Vec<FieldError>,
}

impl Fields {
    /// Over the fields of an object.
    pub fn new(object: Map<String, Value>) -> Self {
        Fields {
            object,
            known: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Whether any of the fields is there.
    pub fn has_any(&self, names: &[&str]) -> bool {
        names
            .iter()
            .any(|name| self.object.get(*name).is_some_and(|value| !value.is_null()))
    }

    /// A finite number of at least `low` and at most 10¹², such as a price in dollars.
    pub fn number(&mut self, name: &'static str, low: f64) -> Option<f64> {
        let value = self.take(name)?;
        match value.as_f64() {
            Some(number) if number.is_finite() && number >= low && number <= 1e12 => Some(number),
            Some(_) => self.fault(name, format!("Debe estar entre {low} y 1000000000000.")),
            None => self.fault(name, "Debe ser un número JSON, sin comillas."),
        }
    }

    /// A whole number from `low` to `high`.
    pub fn whole(&mut self, name: &'static str, low: i64, high: i64) -> Option<i64> {
        let value = self.take(name)?;
        match value.as_i64() {
            Some(number) if (low..=high).contains(&number) => Some(number),
            Some(_) => self.fault(name, format!("Debe estar entre {low} y {high}.")),
            None => self.fault(name, "Debe ser un número entero, sin comillas."),
        }
    }

    /// True or false.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(value) => Some(value),
            _ => self.fault(name, "Debe ser true o false."),
        }
    }

    /// A text, trimmed; an empty one counts as absent, as the original's forms send it.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.take(name)?;
        match checked_text(&value) {
            Ok(text) if text.is_empty() => None,
            Ok(text) => Some(text),
            Err(why) => self.fault(name, why),
        }
    }

    /// One word of a list, folded as zones are; any other is a fault that carries the list.
    pub fn one_of(&mut self, name: &'static str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(name)?;
        let folded = fold(&text);
        match words.iter().find(|word| **word == folded) {
            Some(word) => Some(word),
            None => self.fault_with(name, format!("\"{text}\" no es un valor conocido."), words),
        }
    }

    /// A list of texts.
    pub fn texts(&mut self, name: &'static str) -> Vec<String> {
        let items = self.list(name);
        let mut texts = Vec::new();
        for item in items {
            match checked_text(&item) {
                Ok(text) if text.is_empty() => {}
                Ok(text) => texts.push(text),
                Err(why) => {
                    self.fault::<()>(name, why);
                }
            }
        }
        texts
    }

    /// A list of whole numbers from `low` to `high`.
    pub fn wholes(&mut self, name: &'static str, low: i64, high: i64) -> Vec<i64> {
        let items = self.list(name);
        let numbers: Vec<i64> = items
            .iter()
            .filter_map(Value::as_i64)
            .filter(|number| (low..=high).contains(number))
            .collect();
        if numbers.len() != items.len() {
            self.fault::<()>(
                name,
                format!("Cada elemento debe ser un número entero entre {low} y {high}."),
            );
        }
        numbers
    }

    /// Notes that the first value is above the second.
    pub fn ordered(&mut self, low: (&'static str, Option<f64>), high: (&'static str, Option<f64>)) {
        if let (Some(least), Some(most)) = (low.1, high.1)
            && least > most
        {
            self.fault::<()>(low.0, format!("No puede ser mayor que {}.", high.0));
        }
    }

    /// Notes a fault of a field, with the values that would be taken.
    pub fn fault_with<T>(
        &mut self,
        name: &str,
        mensaje: String,
        words: &[&'static str],
    ) -> Option<T> {
        let sugerencias = words.iter().map(|word| (*word).to_owned()).collect();
        self.faults.push(FieldError {
            campo: name.to_owned(),
            mensaje,
            sugerencias,
        });
        None
    }

    /// The faults found, and one for every field that nobody asked for.
    pub fn finish(mut self) -> Result<(), ApiError> {
        for name in self.object.keys() {
            let mut fault = FieldError::new(name, "El campo no existe.");
            let near = self
                .known
                .iter()
                .max_by(|a, b| likeness(name, a).total_cmp(&likeness(name, b)));
            fault.sugerencias = near.into_iter().map(|near| (*near).to_owned()).collect();
            self.faults.push(fault);
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(ApiError::fields(self.faults))
        }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.object.remove(name).filter(|value| !value.is_null())
    }

    fn list(&mut self, name: &'static str) -> Vec<Value> {
        match self.take(name) {
            None => Vec::new(),
            Some(Value::Array(items)) if items.len() <= LIST_LIMIT => items,
            Some(Value::Array(_)) => {
                self.fault::<()>(
                    name,
                    format!("No puede tener más de {LIST_LIMIT} elementos."),
                );
                Vec::new()
            }
            Some(_) => {
                self.fault::<()>(name, "Debe ser una lista.");
                Vec::new()
            }
        }
    }

    fn fault<T>(&mut self, name: &str, mensaje: impl Into<String>) -> Option<T> {
        self.faults.push(FieldError::new(name, mensaje));
        None
    }
}

fn checked_text(value: &Value) -> Result<String, String> {
    let Value::String(text) = value else {
        return Err("Debe ser un texto.".to_owned());
    };
    let text = text.trim();
    if text.chars().count() > TEXT_LIMIT {
        return Err(format!("No puede tener más de {TEXT_LIMIT} caracteres."));
    }
    if text.chars().any(char::is_control) {
        return Err("No puede tener caracteres de control.".to_owned());
    }
    Ok(text.to_owned())
}

fn likeness(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(a, b)
}

/// Lower case without the accents of Spanish, as the database's `normalizar` does it.
pub fn fold(text: &str) -> String {
    let plain = |letter: char| match letter {
        'á' | 'à' | 'ä' | 'â' | 'ã' => 'a',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'í' | 'ì' | 'ï' | 'î' => 'i',
        'ó' | 'ò' | 'ö' | 'ô' | 'õ' => 'o',
        'ú' | 'ù' | 'ü' | 'û' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    };
    let folded: String = text.to_lowercase().chars().map(plain).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}
