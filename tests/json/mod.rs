//! What `--json` prints, held to `docs/json.schema.json`.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

pub const SCHEMA: &str = include_str!("../../docs/json.schema.json");

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::validator_for(&schema).unwrap()
});

/// # Panics
/// When a line has another form than the schema says.
pub fn holds(line: &Value) {
    assert!(is_held(line), "the schema does not have this: {line}");
}

pub fn is_held(line: &Value) -> bool {
    VALIDATOR.is_valid(line)
}
