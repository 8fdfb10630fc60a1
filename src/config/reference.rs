//! What citrino.yml can say, told by the types that read it: as JSON Schema, and as a list of its keys.

use schemars::schema_for;
use serde::Serialize;
use serde_json::Value;

use super::stack::Stack;

/// The JSON Schema (draft 2020-12) of citrino.yml, for editors.
pub fn schema() -> Value {
    let mut schema = schema_for!(Stack);
    schema.insert("title".to_owned(), "citrino.yml".into());
    schema.to_value()
}

/// A key of citrino.yml.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyPage {
    /// The names that lead to it, as `app.port`.
    pub key: String,
    pub meaning: String,
    /// What it takes, in words.
    pub takes: String,
    /// As YAML has it; none where it must be given, or where nothing stands in its place.
    pub default: Option<String>,
    pub is_required: bool,
    /// What another value of it needs until it is in force.
    pub applied_by: Vec<AppliedBy>,
}

/// What puts a changed value in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AppliedBy {
    /// The resources at Hetzner are changed.
    Cloud,
    /// `PostgreSQL` is restarted.
    Postgresql,
    Nginx,
    /// The app goes to its other slot.
    App,
    /// Something else on the host.
    Host,
    Deploy,
    /// It is read on the operator's machine.
    Here,
}

impl AppliedBy {
    const ALL: [(&str, Self); 7] = [
        ("cloud", Self::Cloud),
        ("postgresql", Self::Postgresql),
        ("nginx", Self::Nginx),
        ("app", Self::App),
        ("host", Self::Host),
        ("deploy", Self::Deploy),
        ("here", Self::Here),
    ];

    /// What is typed, and what happens then.
    pub fn words(self) -> &'static str {
        match self {
            Self::Cloud => "`provision` changes the resource at Hetzner",
            Self::Postgresql => "`converge` restarts PostgreSQL, and asks first",
            Self::Nginx => "`converge` reloads nginx",
            Self::App => "`converge` starts the app in its other slot; no request is lost",
            Self::Host => "`converge`, without a restart",
            Self::Deploy => "the next `deploy`",
            Self::Here => "the next command",
        }
    }

    fn of(written: &Value) -> Vec<Self> {
        let words = written.as_str().unwrap_or_default().split(' ');
        let known = words.filter_map(|word| Self::ALL.iter().find(|(name, _)| *name == word));
        known.map(|(_, applied)| *applied).collect()
    }
}

/// Every key, each section before what is in it.
pub fn keys() -> Vec<KeyPage> {
    let book = Book { root: schema() };
    let mut pages = Vec::new();
    book.section(&book.root, "", &mut pages);
    pages
}

/// The schema, in which types are named by reference.
struct Book {
    root: Value,
}

impl Book {
    fn section(&self, section: &Value, above: &str, pages: &mut Vec<KeyPage>) {
        let required = section["required"].as_array().cloned().unwrap_or_default();
        for (name, property) in section["properties"].as_object().into_iter().flatten() {
            let key = format!("{above}{name}");
            let what = self.named(property);
            pages.push(KeyPage {
                meaning: one_line(&property["description"]),
                takes: self.takes(what, property),
                default: default(property),
                is_required: required.iter().any(|one| one == name),
                applied_by: AppliedBy::of(&property["x-applied"]),
                key: key.clone(),
            });
            if is_section(what) {
                self.section(what, &format!("{key}."), pages);
            }
        }
    }

    /// What a property is, by its own words or by reference; that it may be left out says another field.
    fn named<'b>(&'b self, property: &'b Value) -> &'b Value {
        if let Some(reference) = property["$ref"].as_str() {
            let pointer = reference.trim_start_matches('#');
            return self.root.pointer(pointer).unwrap_or(property);
        }
        let ways = property["anyOf"].as_array();
        let way = ways.and_then(|ways| ways.iter().find(|way| way["type"] != "null"));
        way.map_or(property, |way| self.named(way))
    }

    fn of(&self, item: &Value) -> String {
        self.takes(self.named(item), item)
    }

    /// What stands at a property itself is about its key; what it refers to is about its type.
    fn takes(&self, what: &Value, property: &Value) -> String {
        if let Some(words) = property["x-takes"].as_str() {
            return words.to_owned();
        }
        if !std::ptr::eq(what, property)
            && let Some(words) = words(what)
        {
            return words;
        }
        let kind = what["type"].as_str().or_else(|| what["type"][0].as_str());
        match kind {
            Some("boolean") => "`true` or `false`".to_owned(),
            Some("integer") => format!("a whole number, {}", range(what)),
            Some("number") => "a number above 0".to_owned(),
            Some("array") => format!("a list; each is {}", self.of(&what["items"])),
            Some("object") if is_section(what) => "a section".to_owned(),
            Some("object") => {
                let of = self.of(&what["additionalProperties"]);
                format!("a section of names; each has {of}")
            }
            _ => "text".to_owned(),
        }
    }
}

/// A section has keys that are known. A source of a secret has too, and is told in one line.
fn is_section(what: &Value) -> bool {
    what["properties"].is_object() && what["maxProperties"].is_null()
}

/// What stands at the type itself: the words that an enum may be, or the first sentence about it.
fn words(what: &Value) -> Option<String> {
    if let Some(choices) = what["oneOf"].as_array() {
        let choices = choices.iter().map(|choice| {
            let meaning = one_line(&choice["description"]);
            let meaning = meaning.trim_end_matches('.');
            format!("`{}` ({meaning})", choice["const"].as_str().unwrap_or("?"))
        });
        return Some(choices.collect::<Vec<_>>().join(", "));
    }
    if is_section(what) {
        return None;
    }
    let about = one_line(&what["description"]);
    let first = about.split(". ").next()?.trim_end_matches('.');
    let mut letters = first.chars();
    let begin = letters.next()?.to_lowercase();
    Some(begin.chain(letters).collect())
}

fn range(what: &Value) -> String {
    format!("{} to {}", what["minimum"], what["maximum"])
}

/// A comment's lines are one text.
fn one_line(text: &Value) -> String {
    let text = text.as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Nothing, an empty list and an empty section are no value that anybody would write.
fn default(property: &Value) -> Option<String> {
    let default = property.get("default")?;
    let is_empty =
        default.is_null() || default.is_object() || default.as_array().is_some_and(Vec::is_empty);
    (!is_empty).then(|| match default {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests;
