//! A fault of a file as it is told.

use std::fmt;

use super::node::Position;

/// A fault and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    pub(super) at: Position,
    /// The keys that lead to it.
    pub(super) path: Vec<String>,
    pub(super) why: String,
}

impl ConfigFault {
    pub(super) fn new(at: Position, path: &[String], why: String) -> Self {
        let path = path.to_vec();
        Self { at, path, why }
    }
}

/// What follows the place: `: app.port: must be a number from 1 to 65535`
impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: String = self.path.join(".").escape_debug().collect();
        let colon = if path.is_empty() { "" } else { ": " };
        write!(f, ": {path}{colon}{}", self.why)
    }
}
