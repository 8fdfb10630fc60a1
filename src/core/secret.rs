//! Values that must never be read by a person: they travel on the wire and print as dots.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::{Code, Fault};

/// What stands for a secret wherever it would be shown.
pub const DOTS: &str = "•••";

/// What stands for a secret whose source was not asked. Nothing that has it in it may leave this machine.
pub const STAND_IN: &str = "citrino-ops: a secret that was not read";

/// # Errors
/// E0103 when what is about to be sent has it in it.
pub fn refuse_stand_in(line: &str) -> Result<(), Fault> {
    if !line.contains(STAND_IN) {
        return Ok(());
    }
    let message = "this command would send a secret, and does not read any";
    Err(Fault::new(Code::E0103, message)
        .hint("nothing was sent; take the secret out of the playbook or template that this command uses, and report this"))
}

/// A secret value. It serialises as `{"secret": "…"}`, so it fits only into fields that are
/// declared secret: a plain text field refuses the mapping, and a playbook that would put a
/// password into an argument list does not load.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    secret: String,
}

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self {
            secret: value.into(),
        }
    }

    /// Whether its source was not asked.
    pub fn is_stand_in(&self) -> bool {
        self.secret == STAND_IN
    }

    /// The value itself. Call it only where the value leaves for its destination.
    pub fn reveal(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(DOTS)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(DOTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_dots_and_travels_whole() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "••• •••");
        let wire = serde_json::to_string(&secret).unwrap();
        assert_eq!(
            serde_json::from_str::<Secret>(&wire).unwrap().reveal(),
            "hunter2"
        );
        assert!(serde_json::from_str::<String>(&wire).is_err());
    }
}
