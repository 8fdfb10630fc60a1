//! The schemas of requests for the `OpenAPI` document.

use serde_json::{Map, Value};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};

use super::{Fields, Origin, Read};

/// Longest text of a field, in characters.
pub const TEXT_LIMIT: usize = 500;
/// Texts have no control characters.
const TEXT_PATTERN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// Reads a request without any fields in describing mode, which collects the schemas.
fn described<T: Read>(origin: Origin) -> Fields {
    let mut fields = Fields::new(Map::new(), origin);
    fields.describing = true;
    let _ = T::read(&mut fields);
    fields
}

/// The schema of a request that is a JSON object.
pub fn body_schema<T: Read>() -> Schema {
    let fields = described::<T>(Origin::Body);
    let mut object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    for (name, schema) in fields.known {
        if let Some(schema) = schema {
            object = object.property(name, schema);
        }
    }
    for name in fields.required {
        object = object.required(name);
    }
    object.build().into()
}

/// A request's fields as parameters behind the question mark.
pub fn parameters<T: Read>() -> Vec<Parameter> {
    described::<T>(Origin::Query)
        .known
        .into_iter()
        .map(|(name, schema)| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .schema(schema)
                .build()
        })
        .collect()
}

/// A text on one line.
pub fn bounded(schema: ObjectBuilder) -> ObjectBuilder {
    schema
        .max_length(Some(TEXT_LIMIT))
        .pattern(Some(TEXT_PATTERN))
}

/// One of these words, or none.
pub fn one_of(schema: ObjectBuilder, words: &[&str]) -> ObjectBuilder {
    let words = std::iter::once("").chain(words.iter().copied());
    schema.enum_values(Some(words.map(Value::from)))
}
