//! Names of what is kept on hosts and in buckets. They come over the wire and become parts of paths and of command lines, so
//! none can lead elsewhere: no separator, no `..`, no control character, no hyphen first.

use serde::{Deserialize, Deserializer, Serialize};

use super::text::{checked_text, is_plain, shown};

/// Reads a text that must be one of these, for fields that hold it as a text: `#[serde(deserialize_with = "checked::<_, Sha256>")]`.
///
/// # Errors
/// Why the text is none.
pub fn checked<'de, D, T>(from: D) -> Result<String, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Into<String>,
{
    T::deserialize(from).map(Into::into)
}

/// A SHA-256 in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

checked_text!(Sha256);

impl Sha256 {
    fn refusal(text: &str) -> Option<String> {
        let is_digest = text.len() == 64
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (!is_digest).then(|| {
            format!(
                "must be a SHA-256 of 64 lower-case hexadecimal digits, not `{}`",
                shown(text)
            )
        })
    }
}

/// The name of a release on a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseId(String);

checked_text!(ReleaseId);

impl ReleaseId {
    fn refusal(text: &str) -> Option<String> {
        refused_file_name(text, "a release")
    }
}

/// The name of a backup, on a host or in a bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackupName(String);

checked_text!(BackupName);

impl BackupName {
    fn refusal(text: &str) -> Option<String> {
        refused_file_name(text, "a backup")
    }
}

/// The longest name leaves room for endings within the 255 bytes of a file system.
const LONGEST: usize = 128;

fn refused_file_name(text: &str, what: &str) -> Option<String> {
    let is_name =
        is_plain(text, LONGEST, "-._") && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    (!is_name).then(|| {
        format!(
            "must be the name of {what}: letters, digits, hyphens, dots and underscores; not `{}`",
            shown(text)
        )
    })
}
