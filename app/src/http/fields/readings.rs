//! The kinds of values that a field may have.

use serde_json::{Value, json};
use utoipa::openapi::schema::{ArrayBuilder, ArrayItems, Type};

use super::schema::{TEXT_LIMIT, body_schema, bounded, one_of};
use super::{Fields, LIST_LIMIT, Origin, Read};
use crate::catalog::fold::fold;

/// Highest number of a field.
const HIGHEST: f64 = 1e12;

impl Fields {
    /// A finite number of at least `low` and at most 10¹², such as a price in dollars.
    pub fn number(&mut self, name: &'static str, low: f64) -> Option<f64> {
        self.number_up_to(name, low, HIGHEST)
    }

    /// A finite number from `low` to `high`.
    pub fn number_up_to(&mut self, name: &'static str, low: f64, high: f64) -> Option<f64> {
        let value = self.take(name, Type::Number, |schema| {
            schema.minimum(Some(low)).maximum(Some(high))
        })?;
        match value.as_f64() {
            Some(number) if (low..=high).contains(&number) => Some(number),
            Some(_) => self.fault(name, format!("Debe estar entre {low} y {high}.")),
            None => self.fault(name, "Debe ser un número, sin comillas."),
        }
    }

    /// A whole number from `low` to `high`.
    pub fn whole(&mut self, name: &'static str, low: i64, high: i64) -> Option<i64> {
        let value = self.take(name, Type::Integer, |schema| {
            schema.minimum(Some(low)).maximum(Some(high))
        })?;
        match whole(&value) {
            Some(number) if (low..=high).contains(&number) => Some(number),
            Some(_) => self.fault(name, format!("Debe estar entre {low} y {high}.")),
            None => self.fault(name, "Debe ser un número entero, sin comillas."),
        }
    }

    /// One of these whole numbers.
    pub fn whole_of(&mut self, name: &'static str, numbers: &[i64]) -> Option<i64> {
        let value = self.take(name, Type::Integer, |schema| {
            schema.enum_values(Some(numbers.iter().map(|number| json!(number))))
        })?;
        let number = whole(&value);
        if let Some(number) = number.filter(|number| numbers.contains(number)) {
            return Some(number);
        }
        let words = numbers.iter().map(ToString::to_string).collect();
        self.fault_with(name, format!("{value} no es un valor conocido."), words)
    }

    /// True or false.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        match self.take(name, Type::Boolean, |schema| schema)? {
            Value::Bool(value) => Some(value),
            _ => self.fault(name, "Debe ser true o false."),
        }
    }

    /// A text, trimmed; an empty one counts as absent, as the original's forms send it.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.take(name, Type::String, bounded)?;
        match checked_text(&value) {
            Ok(text) if text.is_empty() => None,
            Ok(text) => Some(text),
            Err(why) => self.fault(name, why),
        }
    }

    /// A text of one or more lines, trimmed, of at most so many characters; an empty one counts as absent.
    pub fn prose(&mut self, name: &'static str, limit: usize) -> Option<String> {
        match self.take(name, Type::String, |schema| schema.max_length(Some(limit)))? {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) if text.chars().count() <= limit => Some(text.trim().to_owned()),
            Value::String(_) => {
                self.fault(name, format!("No puede tener más de {limit} caracteres."))
            }
            _ => self.fault(name, "Debe ser un texto."),
        }
    }

    /// A list of objects.
    pub fn objects<T: Read>(&mut self, name: &'static str) -> Vec<T> {
        if self.describing {
            let list = ArrayBuilder::new()
                .schema_type(self.nullable(Type::Array))
                .items(ArrayItems::RefOrSchema(Box::new(body_schema::<T>().into())))
                .max_items(Some(LIST_LIMIT));
            self.known.push((name, Some(list.build().into())));
            return Vec::new();
        }
        let mut found = Vec::new();
        for (index, item) in self.list(name, |items| items).into_iter().enumerate() {
            let Value::Object(object) = item else {
                self.fault::<()>(name, format!("El elemento {index} debe ser un objeto."));
                continue;
            };
            let mut fields = Fields::new(object, Origin::Body);
            found.push(T::read(&mut fields));
            if fields.finish().is_err() {
                self.fault::<()>(name, format!("El elemento {index} no es válido."));
            }
        }
        found
    }

    /// One word of a list, folded as zones are, or "" for any; another is a fault that carries the list.
    pub fn one_of(&mut self, name: &'static str, words: &[&'static str]) -> Option<&'static str> {
        let value = self.take(name, Type::String, |schema| one_of(schema, words))?;
        match checked_text(&value) {
            Err(why) => self.fault(name, why),
            Ok(_) if value == "" => None,
            Ok(text) => match words.iter().find(|word| **word == fold(&text)) {
                Some(word) => Some(word),
                None => self.unknown_word(name, &text, words),
            },
        }
    }

    /// A list of words of a list, each folded; `spell` may bring a word into the form of the list.
    pub fn many_of(
        &mut self,
        name: &'static str,
        words: &[&'static str],
        spell: impl Fn(&str) -> String,
    ) -> Vec<&'static str> {
        let items = self.list(name, |items| one_of(items, words));
        let mut found = Vec::new();
        for item in items {
            match checked_text(&item) {
                Err(why) => {
                    self.fault::<()>(name, why);
                }
                Ok(_) if item == "" => {}
                Ok(text) => match words.iter().find(|word| **word == spell(&fold(&text))) {
                    Some(word) => found.push(*word),
                    None => {
                        self.unknown_word::<()>(name, &text, words);
                    }
                },
            }
        }
        found
    }

    /// A list of whole numbers from `low` to `high`.
    pub fn wholes(&mut self, name: &'static str, low: i64, high: i64) -> Vec<i64> {
        let items = self.list(name, |items| {
            items
                .schema_type(Type::Integer)
                .minimum(Some(low))
                .maximum(Some(high))
        });
        let numbers: Vec<i64> = items
            .iter()
            .filter_map(whole)
            .filter(|number| (low..=high).contains(number))
            .collect();
        if numbers.len() != items.len() {
            let message = format!("Cada elemento debe ser un número entero entre {low} y {high}.");
            self.fault::<()>(name, message);
        }
        numbers
    }
}

/// JSON Schema counts 5.0 as a whole number; so do we.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it saturates, and all ranges are smaller"
        )]
        Some(number as i64)
    })
}

fn checked_text(value: &Value) -> Result<String, String> {
    let Value::String(text) = value else {
        return Err("Debe ser un texto.".to_owned());
    };
    if text.chars().count() > TEXT_LIMIT {
        return Err(format!("No puede tener más de {TEXT_LIMIT} caracteres."));
    }
    if text.chars().any(char::is_control) {
        return Err("No puede tener caracteres de control.".to_owned());
    }
    Ok(text.trim().to_owned())
}
