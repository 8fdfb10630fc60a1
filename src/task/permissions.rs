//! The permission bits of a file or folder.

use serde::{Deserialize, Serialize};

/// A permission mode, written `"0644"` in playbooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Perm(pub u32);

impl TryFrom<String> for Perm {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match u32::from_str_radix(&text, 8) {
            Ok(bits) if (3..=4).contains(&text.len()) && bits <= 0o7777 => Ok(Self(bits)),
            _ => Err(format!(
                "`{text}` is not a mode: write it as four octal digits in quotes, such as \"0644\""
            )),
        }
    }
}

impl From<Perm> for String {
    fn from(mode: Perm) -> Self {
        format!("{:04o}", mode.0)
    }
}
