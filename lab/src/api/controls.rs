//! The settings that tests change under `/_lab`. They do not survive a restart.

use serde::Deserialize;

use super::budget::Budget;
use super::calls::Calls;
use super::faults::Faults;
use super::offers::Offers;

/// The settings.
#[derive(Default)]
pub struct Controls {
    pub budget: Budget,
    pub calls: Calls,
    pub faults: Faults,
    pub offers: Offers,
    pub limits: Limits,
    pub tokens: Vec<Token>,
}

/// How many resources the account may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub servers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { servers: 10 }
    }
}

/// An additional token of the project.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub token: String,
    #[serde(default)]
    pub readonly: bool,
}
