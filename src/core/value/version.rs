//! A version of the tool itself: which of two is the older one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `1.2.3`; what stands behind it, as in `1.2.3-rc.1`, counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ToolVersion([u64; 3]);

impl ToolVersion {
    /// Of this binary.
    pub fn own() -> Self {
        // Cargo takes no other.
        env!("CARGO_PKG_VERSION").parse().unwrap_or(Self([0; 3]))
    }
}

impl FromStr for ToolVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be a version, such as 1.2.3".to_owned();
        let bare = text.trim().split(['-', '+']).next().unwrap_or_default();
        let numbers = bare
            .split('.')
            .map(str::parse)
            .collect::<Result<Vec<_>, _>>();
        let numbers = numbers.map_err(|_| wrong())?;
        numbers.try_into().map(Self).map_err(|_| wrong())
    }
}

impl TryFrom<String> for ToolVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ToolVersion> for String {
    fn from(version: ToolVersion) -> Self {
        version.to_string()
    }
}

impl fmt::Display for ToolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_is_told_by_its_numbers() {
        let version = |text: &str| text.parse::<ToolVersion>().unwrap();
        assert!(version("0.9.0") < version("0.10.0"));
        assert!(version("0.10.9") < version("1.0.0"));
        assert_eq!(version("1.2.3-rc.1+abc\n"), version("1.2.3"));
        for wrong in ["", "1", "1.2", "1.2.3.4", "1.2.x", "v1.2.3", "1.2.-3"] {
            assert!(wrong.parse::<ToolVersion>().is_err(), "{wrong}");
        }
        assert_eq!(ToolVersion::own().to_string(), env!("CARGO_PKG_VERSION"));
    }
}
