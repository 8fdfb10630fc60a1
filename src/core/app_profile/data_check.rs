//! Questions to imported data, in SQL, and the sentences that tell the answers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::core::value::{InnerPath, TextLine};

/// SQL that is run as the app's role, and gives one value: a JSON list of objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataCheck {
    /// A file beside the profile with the SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<InnerPath>,
    /// The SQL itself, when no file has it.
    #[serde(default)]
    pub sql: String,
    /// What keeps data from going live.
    #[serde(default)]
    pub faults: Vec<Told>,
    /// What is worth a line, and no more.
    #[serde(default)]
    pub notes: Vec<Told>,
}

/// Tells each object whose `count` is above 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    pub count: TextLine,
    /// `{key}` stands for the value of that key.
    pub says: TextLine,
}

/// An object of the answer.
pub type DataObject = Map<String, Value>;

impl DataCheck {
    /// The sentences of all faults found.
    pub fn faults<'a>(&'a self, found: &'a [DataObject]) -> impl Iterator<Item = String> + 'a {
        sentences(&self.faults, found)
    }

    /// The sentences of all notes.
    pub fn notes<'a>(&'a self, found: &'a [DataObject]) -> impl Iterator<Item = String> + 'a {
        sentences(&self.notes, found)
    }
}

fn sentences<'a>(told: &'a [Told], found: &'a [DataObject]) -> impl Iterator<Item = String> + 'a {
    found
        .iter()
        .flat_map(|one| told.iter().filter_map(|told| told.of(one)))
}

impl Told {
    fn of(&self, found: &DataObject) -> Option<String> {
        let count = found.get(&*self.count).and_then(Value::as_u64)?;
        let says = || {
            let sentence = self.says.to_string();
            found.iter().fold(sentence, |sentence, (key, value)| {
                let text = value.as_str().map_or(value.to_string(), str::to_owned);
                sentence.replace(&format!("{{{key}}}"), &text)
            })
        };
        (count > 0).then(says)
    }
}
