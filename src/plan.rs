//! A verb as data: the wishes in order, and the wishes that undo.

use serde::{Deserialize, Serialize};

/// One wish with its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step<T> {
    /// The playbook or the part of the verb that the step belongs to.
    pub part: String,
    /// The wish as a sentence: "nginx runs".
    pub name: String,
    pub task: T,
}

/// Whether a run makes the world as wished or only says what differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Check,
    Apply,
}

/// A run that was seen, and whether it was over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub run: String,
    pub ended: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan<T> {
    /// Names the run in the journal.
    pub run: String,
    pub stack: String,
    pub verb: String,
    /// Who asks: `user@machine`.
    pub who: String,
    pub mode: Mode,
    /// The newest run of the world, as it was when this plan was made for it: another one since
    /// then may have changed what the plan rests on.
    #[serde(default)]
    pub after: Option<Seen>,
    pub steps: Vec<Step<T>>,
    /// Wished, in order, when a step fails.
    pub on_failure: Vec<Step<T>>,
}

impl<T> Step<T> {
    pub fn new(part: impl Into<String>, name: impl Into<String>, task: impl Into<T>) -> Self {
        Self {
            part: part.into(),
            name: name.into(),
            task: task.into(),
        }
    }
}
