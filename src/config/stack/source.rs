//! Where a secret comes from.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Where a secret comes from: exactly one of four.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "Keys")]
pub enum SecretSource {
    /// An environment variable of the operator.
    Env(String),
    /// A file, relative to citrino.yml.
    File(PathBuf),
    /// A command line for `sh -c`.
    Command(String),
    /// A name in `secrets.age`, the encrypted file beside citrino.yml.
    Age(String),
}

/// A source as it is written: a mapping with one key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Keys {
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<String>,
}

const REFUSAL: &str = "a secret is not written here: name where it comes from, by exactly one of `env`, `file`, `command`, `age`";

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(SourceText)
    }
}

/// What stands in the place of a source. Whoever writes the secret itself there must not read it in an error, so no value is
/// looked at that is no mapping.
struct SourceText;

impl<'de> Visitor<'de> for SourceText {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a source of a secret: exactly one of `env`, `file`, `command`, `age`")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretSource, A::Error> {
        let keys = Keys::deserialize(MapAccessDeserializer::new(map))?;
        match (keys.env, keys.file, keys.command, keys.age) {
            (Some(name), None, None, None) => Ok(SecretSource::Env(name)),
            (None, Some(path), None, None) => Ok(SecretSource::File(path)),
            (None, None, Some(line), None) => Ok(SecretSource::Command(line)),
            (None, None, None, Some(name)) => Ok(SecretSource::Age(name)),
            _ => Err(A::Error::custom(REFUSAL)),
        }
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<SecretSource, E> {
        Err(E::custom(REFUSAL))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<SecretSource, E> {
        Err(E::custom(REFUSAL))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<SecretSource, E> {
        Err(E::custom(REFUSAL))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<SecretSource, E> {
        Err(E::custom(REFUSAL))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<SecretSource, E> {
        Err(E::custom(REFUSAL))
    }
}

impl fmt::Display for SecretSource {
    /// In which way it is given; a command line may hold what opens the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Command(_) => f.write_str("a command"),
            Self::Age(name) => write!(f, "secrets.age: {name}"),
        }
    }
}

impl From<SecretSource> for Keys {
    fn from(source: SecretSource) -> Self {
        let mut keys = Self::default();
        match source {
            SecretSource::Env(name) => keys.env = Some(name),
            SecretSource::File(path) => keys.file = Some(path),
            SecretSource::Command(line) => keys.command = Some(line),
            SecretSource::Age(name) => keys.age = Some(name),
        }
        keys
    }
}

impl JsonSchema for SecretSource {
    fn schema_name() -> Cow<'static, str> {
        "SecretSource".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let key = |meaning: &str| json_schema!({ "type": "string", "description": meaning });
        json_schema!({
            "description": "A source of a secret: `{ env: NAME }`, `{ file: PATH }`, `{ command: LINE }` or `{ age: NAME }`.",
            "type": "object",
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {
                "env": key("An environment variable of the operator."),
                "file": key("A file, relative to citrino.yml."),
                "command": key("A command line for `sh -c`; what it prints is the secret."),
                "age": key("A name in `secrets.age`, the encrypted file beside citrino.yml (`citrino-ops secrets set NAME`)."),
            },
        })
    }
}
