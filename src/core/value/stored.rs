//! Names of what is kept on hosts and in buckets. They come over the wire and become parts of paths and of command lines, so
//! none can lead elsewhere: no separator, no `..`, no control character, no hyphen first.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::text::{checked_text, is_plain, shown};
use crate::core::digest;

/// Reads a text that must be one of these, for fields that hold it as a text: `#[serde(deserialize_with = "checked::<_, Sha256>")]`.
///
/// # Errors
/// Why the text is none. So of the others here.
pub fn checked<'de, D, T>(from: D) -> Result<String, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Into<String>,
{
    T::deserialize(from).map(Into::into)
}

/// The same of a text that may be absent.
pub fn checked_if_any<'de, D, T>(from: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Into<String>,
{
    Option::<T>::deserialize(from).map(|value| value.map(Into::into))
}

/// The same of a list.
pub fn checked_each<'de, D, T>(from: D) -> Result<Vec<String>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Into<String>,
{
    let values = Vec::<T>::deserialize(from)?;
    Ok(values.into_iter().map(Into::into).collect())
}

/// The same of the names of a map.
pub fn checked_names<'de, D, K, V>(from: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Into<String> + Ord,
    V: Deserialize<'de>,
{
    let values = BTreeMap::<K, V>::deserialize(from)?;
    let named = values.into_iter().map(|(name, value)| (name.into(), value));
    Ok(named.collect())
}

/// A SHA-256 in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

checked_text!(Sha256);

impl Sha256 {
    /// That of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(digest::sha256(bytes))
    }

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

/// What a key is called where it must not be told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

checked_text!(KeyId);

impl KeyId {
    /// That of these bytes, of which there are eight.
    pub fn of(bytes: &[u8]) -> Self {
        Self(digest::hex(bytes))
    }

    fn refusal(text: &str) -> Option<String> {
        let is_id = text.len() == 16
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (!is_id).then(|| format!("must be the id of a key, not `{}`", shown(text)))
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

/// The name of a file of a backup, without a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

checked_text!(FileName);

impl FileName {
    fn refusal(text: &str) -> Option<String> {
        refused_file_name(text, "a file")
    }
}

/// What an entry of a folder is called, whoever made it: one part of a path, and none that leads elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntryName(String);

checked_text!(EntryName);

impl EntryName {
    fn refusal(text: &str) -> Option<String> {
        let is_part = (1..=255).contains(&text.len())
            && !matches!(text, "." | "..")
            && !text.contains(['/', '\0']);
        (!is_part).then(|| {
            format!(
                "must be the name of an entry of a folder, not `{}`",
                shown(text)
            )
        })
    }
}

/// One of the two slots of a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SlotName(String);

checked_text!(SlotName);

impl SlotName {
    /// The first one is that of a host's first release.
    pub const ALL: [&'static str; 2] = ["blue", "green"];

    fn refusal(text: &str) -> Option<String> {
        (!Self::ALL.contains(&text)).then(|| format!("must be a slot, not `{}`", shown(text)))
    }
}

/// What names a run in journals, locks and the audit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

checked_text!(RunId);

impl RunId {
    fn refusal(text: &str) -> Option<String> {
        refused_file_name(text, "a run")
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
