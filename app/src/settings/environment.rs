//! Settings from the environment: `CITRINO_APP_WORKERS=4`, and with two underscores one level down,
//! `CITRINO_APP_POOL__MAX=16`.

use serde_yaml::{Mapping, Value};

const PREFIX: &str = "CITRINO_APP_";

/// The file's settings, overridden by the environment. Values are YAML, so `[a, b]` is a list.
pub fn overlay(file: Value, environment: impl Iterator<Item = (String, String)>) -> Value {
    let mut settings = match file {
        Value::Null => Value::Mapping(Mapping::new()),
        file => file,
    };
    for (name, value) in environment {
        let Some(key) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let value = serde_yaml::from_str(&value).unwrap_or(Value::String(value));
        let key = key.to_lowercase();
        put(&mut settings, &key, value);
    }
    settings
}

fn put(settings: &mut Value, key: &str, value: Value) {
    if !settings.is_mapping() {
        *settings = Value::Mapping(Mapping::new());
    }
    let Value::Mapping(map) = settings else {
        return;
    };
    match key.split_once("__") {
        None => {
            map.insert(key.into(), value);
        }
        Some((first, rest)) => put(map.entry(first.into()).or_insert(Value::Null), rest, value),
    }
}
