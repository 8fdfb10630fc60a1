//! The tree of a YAML file.

use crate::core::value::two_readings;

/// Where something begins. Lines count from 1, columns from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    pub at: Position,
    pub content: NodeContent,
    /// The keys that were found wrong and taken out of it.
    pub(super) spoiled: Vec<String>,
}

#[derive(Clone, Debug)]
pub enum NodeContent {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A single value, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    pub text: String,
    /// Without quotes, so that it may be a number, a truth value or nothing.
    pub is_plain: bool,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    /// Where the key stands.
    pub at: Position,
    pub value: Node,
}

impl Node {
    pub fn new(at: Position, content: NodeContent) -> Self {
        Self {
            at,
            content,
            spoiled: Vec::new(),
        }
    }

    /// A text that is nothing but text.
    pub fn text(at: Position, text: impl Into<String>) -> Self {
        let text = text.into();
        Self::new(
            at,
            NodeContent::Scalar(Scalar {
                text,
                is_plain: false,
            }),
        )
    }

    /// A mapping with this one key.
    pub fn map_of(at: Position, key: impl Into<String>, value: Node) -> Self {
        let key = key.into();
        Self::new(at, NodeContent::Map(vec![Entry { key, at, value }]))
    }

    /// A value of JSON, all of it at one place.
    pub fn of_json(at: Position, value: serde_json::Value) -> Self {
        use serde_json::Value;
        let plain = |text: String| {
            NodeContent::Scalar(Scalar {
                text,
                is_plain: true,
            })
        };
        let content = match value {
            Value::String(text) => return Self::text(at, text),
            Value::Null => plain("null".to_owned()),
            Value::Bool(flag) => plain(flag.to_string()),
            Value::Number(number) => plain(number.to_string()),
            Value::Array(items) => {
                let items = items.into_iter().map(|item| Self::of_json(at, item));
                NodeContent::List(items.collect())
            }
            Value::Object(map) => {
                let entries = map.into_iter().map(|(key, value)| Entry {
                    key,
                    at,
                    value: Self::of_json(at, value),
                });
                NodeContent::Map(entries.collect())
            }
        };
        Self::new(at, content)
    }

    /// The value of a key, when it is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            NodeContent::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// Its text, when it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            NodeContent::Scalar(scalar) if scalar.is_text() => Some(&scalar.text),
            _ => None,
        }
    }

    /// Nothing is written there.
    /// What it is, for an error. A text is not repeated: it may be a secret in the wrong place.
    pub fn shown(&self) -> String {
        let scalar = match &self.content {
            NodeContent::List(_) => return "a list".to_owned(),
            NodeContent::Map(_) => return "a section".to_owned(),
            NodeContent::Scalar(scalar) => scalar,
        };
        match scalar.value() {
            Value::Null => "nothing".to_owned(),
            Value::Text(word) if ELSEWHERE_TRUTHS.contains(&word) => format!("`{word}`"),
            Value::Text(_) => "text".to_owned(),
            Value::Bool(flag) => flag.to_string(),
            Value::Unsigned(_) | Value::Signed(_) | Value::Float(_) => scalar.text.clone(),
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(&self.content, NodeContent::Scalar(scalar) if matches!(scalar.value(), Value::Null))
    }
}

/// Words that older versions of YAML read as true or false.
const ELSEWHERE_TRUTHS: [&str; 6] = ["yes", "no", "on", "off", "y", "n"];

/// What a scalar stands for, by YAML's core schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
}

impl Scalar {
    /// It is no number, no truth value, and not nothing.
    pub fn is_text(&self) -> bool {
        matches!(self.value(), Value::Text(_))
    }

    pub(super) fn value(&self) -> Value<'_> {
        let text = self.text.as_str();
        if !self.is_plain {
            return Value::Text(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Value::Null,
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            _ => number(text).unwrap_or(Value::Text(text)),
        }
    }
}

fn number(text: &str) -> Option<Value<'static>> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            let is_positive = !text.starts_with('-') && !digits.starts_with(['+', '-']);
            let number = u64::from_str_radix(digits, radix).ok();
            return number.filter(|_| is_positive).map(Value::Unsigned);
        }
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    // `0755` is a mode or a code of a town, and no number.
    let is_padded = digits.len() > 1
        && digits.starts_with('0')
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    if is_padded {
        return None;
    }
    // `1.500` is one and a half to some and fifteen hundred to others.
    if two_readings(digits).is_some() {
        return None;
    }
    let whole = text.strip_prefix('+').unwrap_or(text);
    let unsigned = whole.parse().ok().map(Value::Unsigned);
    let signed = || whole.parse().ok().map(Value::Signed);
    let float = || whole.parse().ok().map(Value::Float);
    unsigned.or_else(signed).or_else(float)
}
