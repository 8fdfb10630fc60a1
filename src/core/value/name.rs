//! Names: of a stack, of databases and roles, of environment variables, and of what the API offers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{checked_text, is_plain, shown};

/// Whether the text is a label of a domain name (RFC 1123) of at most so many characters, starting with a letter.
fn is_label(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// A stack's name. It names the server too, so it is a label of a host name.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct StackName(String);

checked_text!(StackName);

impl StackName {
    fn refusal(text: &str) -> Option<String> {
        (!is_label(text, 50)).then(|| {
            format!(
                "must be 1 to 50 lower-case letters, digits and hyphens, starting with a letter, as it names the server; not `{}`",
                shown(text)
            )
        })
    }
}

/// A host's name. It is its server's name, a label's value, and a folder on the operator's machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

checked_text!(HostName);

impl HostName {
    /// What the API accepts as the name of a server.
    fn refusal(text: &str) -> Option<String> {
        (!is_label(text, 63)).then(|| {
            format!(
                "must be 1 to 63 lower-case letters, digits and hyphens, starting with a letter; not `{}`",
                shown(text)
            )
        })
    }
}

impl From<&StackName> for HostName {
    /// Whatever may name a stack may name a host.
    fn from(stack: &StackName) -> Self {
        Self(stack.0.clone())
    }
}

/// `PostgreSQL` cuts longer names without a word (its manual, 4.1.1).
const LONGEST_NAME: usize = 63;
/// Databases that are made beside it get its name with `_before_20261125_150000` or less at the end. Cut, that would be the
/// name of another one, or the live one's.
const LONGEST_DATABASE: usize = LONGEST_NAME - "_before_20261125_150000".len();
/// Names that mean something else in `pg_hba.conf`, for databases and roles alike.
const WORDS_OF_PG_HBA: [&str; 4] = ["all", "replication", "samerole", "sameuser"];

/// The name of the app's database.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct DatabaseName(String);

checked_text!(DatabaseName);

impl DatabaseName {
    fn refusal(text: &str) -> Option<String> {
        const OWN: [&str; 3] = ["postgres", "template0", "template1"];
        refused_identifier(text, LONGEST_DATABASE).or_else(|| taken(text, OWN.contains(&text)))
    }
}

/// The name of the app's role in the database.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct RoleName(String);

checked_text!(RoleName);

impl RoleName {
    fn refusal(text: &str) -> Option<String> {
        let is_own = ["postgres", "public", "none"].contains(&text) || text.starts_with("pg_");
        refused_identifier(text, LONGEST_NAME).or_else(|| taken(text, is_own))
    }
}

fn refused_identifier(text: &str, longest: usize) -> Option<String> {
    let is_identifier = (1..=longest).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    (!is_identifier).then(|| {
        format!(
            "must be up to {longest} lower-case letters, digits and underscores, no digit first; not `{}`",
            shown(text)
        )
    })
}

fn taken(text: &str, is_own: bool) -> Option<String> {
    (is_own || WORDS_OF_PG_HBA.contains(&text))
        .then(|| format!("cannot be `{text}`: PostgreSQL has a use of its own for that name"))
}

/// The name of an environment variable.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct Variable(String);

checked_text!(Variable);

impl Variable {
    fn refusal(text: &str) -> Option<String> {
        let is_name = is_plain(text, 256, "_") && !text.starts_with(|c: char| c.is_ascii_digit());
        (!is_name).then(|| {
            "is not a name for an environment variable: use letters, digits and underscores, no digit first".to_owned()
        })
    }
}

/// A word that the API knows something by: a server type, a location, an image.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct Word(String);

checked_text!(Word);

impl Word {
    fn refusal(text: &str) -> Option<String> {
        let is_word =
            is_plain(text, 63, "-._") && text.starts_with(|c: char| c.is_ascii_alphanumeric());
        (!is_word).then(|| {
            format!(
                "must be a name as the API has it: letters, digits, hyphens and dots; not `{}`",
                shown(text)
            )
        })
    }
}
