//! What answers have in common, read leniently: an absent key, a null and an unknown value are no
//! errors, and what nobody asks for is not read.

use serde::{Deserialize, Deserializer};

/// null reads as the default.
pub(super) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// An object of which only the name matters.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct NameAnswer {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
}

/// Since when something is no longer offered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Deprecation {
    #[serde(deserialize_with = "or_default")]
    pub announced: String,
    #[serde(deserialize_with = "or_default")]
    pub unavailable_after: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Protection {
    #[serde(deserialize_with = "or_default")]
    pub delete: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    #[serde(deserialize_with = "or_default")]
    pub pagination: Pagination,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Pagination {
    pub next_page: Option<i64>,
}
