//! What an application is called, where it lies and what it is told: parts of unit files, of nginx's configuration and of
//! command lines, so none may mean more there than it says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{checked_text, is_plain, shown};
use crate::core::plain::is_hidden;

/// A name for a system user, a group, a unit or a binary.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SystemName(String);

checked_text!(SystemName);

/// useradd(8) takes no longer one.
const LONGEST_NAME: usize = 31;
/// What the host itself, or this tool, runs under that name.
const TAKEN: [&str; 6] = ["root", "postgres", "www-data", "nginx", "postgresql", "ssh"];
/// Names of the tool's own units begin so.
const OWN: &str = "citrino-";

impl SystemName {
    fn refusal(text: &str) -> Option<String> {
        let is_name = is_plain(text, LONGEST_NAME, "-_")
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.contains(|c: char| c.is_ascii_uppercase());
        if !is_name {
            return Some(format!(
                "must be up to {LONGEST_NAME} lower-case letters, digits, hyphens and underscores, starting with a letter; not `{}`",
                shown(text)
            ));
        }
        TAKEN
            .contains(&text)
            .then(|| format!("cannot be `{text}`: the host has a use of its own for that name"))
    }

    /// Whether units of that name would be mistaken for the tool's own.
    pub fn is_of_the_tool(&self) -> bool {
        self.0.starts_with(OWN)
    }
}

/// A path on a host: absolute, one way to write it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPath(String);

checked_text!(HostPath);

impl HostPath {
    fn refusal(text: &str) -> Option<String> {
        let is_path = text.strip_prefix('/').is_some_and(is_relative);
        (!is_path).then(|| {
            format!(
                "must be an absolute path without `..`, of letters, digits, dots, hyphens and underscores; not `{}`",
                shown(text)
            )
        })
    }
}

/// A file or folder below another one that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InnerPath(String);

checked_text!(InnerPath);

impl InnerPath {
    fn refusal(text: &str) -> Option<String> {
        (!is_relative(text)).then(|| {
            format!(
                "must be a relative path without `..`, of letters, digits, dots, hyphens and underscores; not `{}`",
                shown(text)
            )
        })
    }
}

fn is_relative(text: &str) -> bool {
    let is_part = |part: &str| is_plain(part, 255, "-._") && part != "." && part != "..";
    text.len() < 1024 && text.split('/').all(is_part)
}

/// The path of a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Route(String);

checked_text!(Route);

impl Route {
    fn refusal(text: &str) -> Option<String> {
        let is_route = text.starts_with('/') && is_plain(text, 1024, "/-._~%?&=+,:@");
        (!is_route).then(|| {
            format!(
                "must be the path of a URL, beginning with `/`; not `{}`",
                shown(text)
            )
        })
    }
}

/// A word of a command line. It stands in unit files too, so it has nothing that systemd or a shell would read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Argument(String);

checked_text!(Argument);

impl Argument {
    fn refusal(text: &str) -> Option<String> {
        (!is_plain(text, 255, "-._/=:,@+{}")).then(|| {
            format!(
                "must be a word of a command line, of letters, digits and `-._/=:,@+`; not `{}`",
                shown(text)
            )
        })
    }
}

/// An option of a command: `--unit`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Flag(String);

checked_text!(Flag);

impl Flag {
    fn refusal(text: &str) -> Option<String> {
        let is_flag = text
            .strip_prefix("--")
            .is_some_and(|name| is_plain(name, 63, "-") && !name.starts_with('-'));
        (!is_flag).then(|| {
            format!(
                "must be an option that begins with `--`, not `{}`",
                shown(text)
            )
        })
    }
}

/// A line of text as people read it.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct TextLine(String);

checked_text!(TextLine);

/// A sentence, not a page.
const LONGEST_LINE: usize = 300;

impl TextLine {
    fn refusal(text: &str) -> Option<String> {
        let is_line = (1..=LONGEST_LINE).contains(&text.chars().count())
            && !text.trim().is_empty()
            && !text.contains(is_hidden);
        (!is_line)
            .then(|| format!("must be one line of text, of at most {LONGEST_LINE} characters"))
    }
}
