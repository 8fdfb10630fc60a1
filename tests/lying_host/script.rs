//! What a lying host says, as data.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing that is said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Word {
    Text(String),
    Bytes(Vec<u8>),
    /// Over and over, until nobody listens.
    Endless(String),
    /// Nothing, and the connection stays.
    Silence,
}

impl Word {
    /// A line of the agent.
    pub fn json(value: &Value) -> Self {
        Self::Text(format!("{value}\n"))
    }
}

impl From<String> for Word {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// What is said to whom.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Script {
    /// By the agent.
    agent: Vec<Word>,
    /// By programs: by the first of which the command line has this in it.
    programs: Vec<(String, Word)>,
}

impl Script {
    pub fn saying(agent: Vec<Word>) -> Self {
        Self {
            agent,
            programs: Vec::new(),
        }
    }

    pub fn program(mut self, part: &str, says: Word) -> Self {
        self.programs.push((part.to_owned(), says));
        self
    }

    /// What the program of this command line says.
    pub fn of(&self, command: &str) -> Vec<Word> {
        if command.ends_with(" agent") {
            return self.agent.clone();
        }
        let mut programs = self.programs.iter();
        let found = programs.find(|(part, _)| command.contains(part));
        found.map(|(_, word)| word.clone()).into_iter().collect()
    }

    pub fn write(&self, path: &Path) {
        fs::write(path, serde_json::to_vec(self).unwrap()).unwrap();
    }

    pub fn read(path: &Path) -> Self {
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }
}
