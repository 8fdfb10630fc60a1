//! What can be wrong with a value, by its kind and not by a sentence.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

/// A fault and the way to it, the innermost part first.
#[derive(Debug)]
pub struct YamlError {
    pub why: Why,
    pub path: Vec<usize>,
}

#[derive(Debug)]
pub enum Why {
    /// The mapping has no such key.
    UnknownKey(&'static [&'static str]),
    /// The mapping lacks this key.
    Missing(&'static str),
    /// A sentence that stands after the name of the key.
    Wrong(String),
}

impl YamlError {
    pub fn wrong(why: impl Into<String>) -> Self {
        Self::of(Why::Wrong(why.into()))
    }

    /// It lies in the part `index` of what is read.
    pub fn within(mut self, index: usize) -> Self {
        self.path.push(index);
        self
    }

    fn of(why: Why) -> Self {
        let path = Vec::new();
        Self { why, path }
    }
}

impl de::Error for YamlError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::wrong(message.to_string())
    }

    /// What was found instead is not repeated: it may be a secret in the wrong place.
    fn invalid_type(_: Unexpected, expected: &dyn Expected) -> Self {
        Self::wrong(format!("must be {expected}"))
    }

    fn invalid_value(found: Unexpected, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unsigned(number) => {
                Self::wrong(format!("must be {expected}, not {number}"))
            }
            Unexpected::Signed(number) => Self::wrong(format!("must be {expected}, not {number}")),
            Unexpected::Float(number) => Self::wrong(format!("must be {expected}, not {number}")),
            _ => Self::wrong(format!("must be {expected}")),
        }
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::wrong(format!("must be {expected}"))
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        Self::wrong(format!("must be {}", one_of(found, known)))
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::of(Why::UnknownKey(known))
    }

    fn missing_field(key: &'static str) -> Self {
        Self::of(Why::Missing(key))
    }
}

/// The message of a fault whose key is known elsewhere.
impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::UnknownKey(_) => f.write_str("there is no such key"),
            Why::Missing(key) => write!(f, "`{key}` is missing"),
            Why::Wrong(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for YamlError {}

/// That there is no such key, and which one was meant.
pub fn no_such_key(wrong: &str, known: &[&str]) -> String {
    match nearest(wrong, known.iter().copied()) {
        Some(near) => format!("there is no such key; did you mean `{near}`?"),
        None => format!("there is no such key; there are {}", listed(known)),
    }
}

fn one_of(wrong: &str, known: &[&str]) -> String {
    let all = format!("one of {}", listed(known));
    match nearest(wrong, known.iter().copied()) {
        Some(near) => format!("{all}; did you mean `{near}`?"),
        None => all,
    }
}

fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// Two words that are less alike than this are not a slip for each other.
const ALIKE: f64 = 0.7;

/// The known word that a wrong one was meant to be.
pub fn nearest<'k>(wrong: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|word| (strsim::jaro_winkler(wrong, word), word))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}
