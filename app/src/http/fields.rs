//! Reads typed values out of a request and collects every fault instead of stopping at the first.
//!
//! Each reading also knows its own schema. In describing mode it adds the schema to the `OpenAPI` document instead of reading,
//! so the document always matches the code.

mod readings;
mod schema;

use serde_json::{Map, Value};
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, Schema, SchemaType, Type};

pub use schema::{body_schema, parameters};

use crate::http::error::{ApiError, FieldError};

/// Longest list of a field.
const LIST_LIMIT: usize = 50;

/// A request that is read field by field.
pub trait Read: Sized {
    /// Takes the fields it knows. Then the caller calls [`Fields::finish`], which returns the faults.
    fn read(fields: &mut Fields) -> Self;
}

/// Where fields come from, which decides how numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A JSON object: typed values, `null` counts as absent.
    Body,
    /// A query string: everything is text.
    Query,
}

/// The fields of a request. Each is taken once; the fields left at the end are unknown.
pub struct Fields {
    object: Map<String, Value>,
    origin: Origin,
    known: Vec<(&'static str, Option<Schema>)>,
    required: Vec<&'static str>,
    describing: bool,
    faults: Vec<FieldError>,
}

impl Fields {
    /// Over the fields of an object.
    pub fn new(object: Map<String, Value>, origin: Origin) -> Self {
        Fields {
            object,
            origin,
            known: Vec::new(),
            required: Vec::new(),
            describing: false,
            faults: Vec::new(),
        }
    }

    /// Whether any of the fields is there.
    pub fn has_any(&self, names: &[&str]) -> bool {
        names
            .iter()
            .any(|name| self.object.get(*name).is_some_and(|value| !value.is_null()))
    }

    /// Notes that a field is missing, unless a fault of it is noted already.
    pub fn missing(&mut self, name: &'static str) {
        self.required.push(name);
        let noted = self.faults.iter().any(|fault| fault.campo == name);
        if !noted && !self.describing {
            self.fault::<()>(name, "Falta.");
        }
    }

    /// Notes that the first value is above the second.
    pub fn ordered<T: PartialOrd>(
        &mut self,
        low: (&'static str, Option<T>),
        high: (&'static str, Option<T>),
    ) {
        if let (Some(least), Some(most)) = (low.1, high.1)
            && least > most
        {
            self.fault::<()>(low.0, format!("No puede ser mayor que {}.", high.0));
        }
    }

    /// Notes a fault of a field.
    pub fn fault<T>(&mut self, name: &str, mensaje: impl Into<String>) -> Option<T> {
        self.fault_with(name, mensaje, Vec::new())
    }

    /// The faults, and one more for every unknown field.
    pub fn finish(mut self) -> Result<(), ApiError> {
        for name in self.object.keys() {
            let mut fault = FieldError::new(name, "El campo no existe.");
            let near = self
                .known
                .iter()
                .map(|(known, _)| *known)
                .max_by(|a, b| likeness(name, a).total_cmp(&likeness(name, b)));
            fault.sugerencias = near.into_iter().map(str::to_owned).collect();
            self.faults.push(fault);
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(ApiError::fields(self.faults))
        }
    }

    fn take(
        &mut self,
        name: &'static str,
        kind: Type,
        detail: impl FnOnce(ObjectBuilder) -> ObjectBuilder,
    ) -> Option<Value> {
        let typed = self.origin == Origin::Query && kind != Type::String;
        if self.describing {
            let schema = ObjectBuilder::new().schema_type(self.nullable(kind));
            let schema: Object = detail(schema).build();
            self.known
                .push((name, Some(nullable_enum(schema, self.origin).into())));
            return None;
        }
        self.known.push((name, None));
        let value = self.object.remove(name)?;
        match value {
            Value::Null => None,
            // A value that is not JSON stays text, and is then refused as not a number.
            Value::String(text) if typed => {
                Some(serde_json::from_str(&text).unwrap_or(Value::String(text)))
            }
            value => Some(value),
        }
    }

    fn list(
        &mut self,
        name: &'static str,
        items: impl FnOnce(ObjectBuilder) -> ObjectBuilder,
    ) -> Vec<Value> {
        if self.describing {
            let items = items(ObjectBuilder::new().schema_type(Type::String));
            let list = ArrayBuilder::new()
                .schema_type(self.nullable(Type::Array))
                .items(items)
                .max_items(Some(LIST_LIMIT));
            self.known.push((name, Some(list.build().into())));
            return Vec::new();
        }
        match self.take(name, Type::Array, |schema| schema) {
            None => Vec::new(),
            Some(Value::Array(items)) if items.len() <= LIST_LIMIT => items,
            Some(Value::Array(_)) => {
                let message = format!("No puede tener más de {LIST_LIMIT} elementos.");
                self.fault::<()>(name, message);
                Vec::new()
            }
            Some(_) => {
                self.fault::<()>(name, "Debe ser una lista.");
                Vec::new()
            }
        }
    }

    fn nullable(&self, kind: Type) -> SchemaType {
        match self.origin {
            Origin::Body => SchemaType::from_iter([kind, Type::Null]),
            Origin::Query => SchemaType::new(kind),
        }
    }

    fn unknown_word<T>(&mut self, name: &str, text: &str, words: &[&'static str]) -> Option<T> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        self.fault_with(name, format!("\"{text}\" no es un valor conocido."), words)
    }

    fn fault_with<T>(
        &mut self,
        name: &str,
        mensaje: impl Into<String>,
        sugerencias: Vec<String>,
    ) -> Option<T> {
        self.faults.push(FieldError {
            campo: name.to_owned(),
            mensaje: mensaje.into(),
            sugerencias,
        });
        None
    }
}

fn likeness(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(a, b)
}

/// An enumeration that allows null must list it.
fn nullable_enum(mut schema: Object, origin: Origin) -> Object {
    if let (Origin::Body, Some(values)) = (origin, &mut schema.enum_values) {
        values.push(Value::Null);
    }
    schema
}
