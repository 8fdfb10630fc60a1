//! The app's command lines.

use serde::{Deserialize, Serialize};

use crate::core::value::Argument;

/// The words after the binary. `{word}` stands for something that is known only when the command is run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Argument>", into = "Vec<Argument>")]
pub struct Argv(Vec<Argument>);

impl TryFrom<Vec<Argument>> for Argv {
    type Error = &'static str;

    fn try_from(words: Vec<Argument>) -> Result<Self, Self::Error> {
        if words.is_empty() {
            return Err("is empty: give the words of the command");
        }
        Ok(Self(words))
    }
}

impl From<Argv> for Vec<Argument> {
    fn from(argv: Argv) -> Self {
        argv.0
    }
}

impl Argv {
    /// The words with these values in the place of their names: `("bind", "unix:/run/…")`.
    pub fn with(&self, values: &[(&str, &str)]) -> Vec<String> {
        let fill = |word: &Argument| {
            values.iter().fold(word.to_string(), |word, (name, value)| {
                word.replace(&format!("{{{name}}}"), value)
            })
        };
        self.0.iter().map(fill).collect()
    }

    /// The words as they are.
    pub fn words(&self) -> Vec<String> {
        self.with(&[])
    }

    /// Whether a value of this name goes into it.
    pub fn names(&self, name: &str) -> bool {
        let name = format!("{{{name}}}");
        self.0.iter().any(|word| word.contains(&name))
    }
}

/// A command, and the same as a question: exit 0 when there is nothing to do, 3 when there is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    pub run: Argv,
    pub check: Argv,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commands {
    /// Serves at `{bind}`, with the settings in `{settings}`.
    pub serve: Argv,
    /// Brings the database up to the schema of the release.
    pub migrate: Asked,
    /// Takes the schema back to `{version}`.
    pub down: Argv,
    /// Prints the migrations that the release knows, as JSON.
    pub describe: Argv,
    /// Prints what the database has seen of them, as JSON.
    pub status: Argv,
    /// Loads example data.
    #[serde(default)]
    pub demo: Option<Asked>,
}
