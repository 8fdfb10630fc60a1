//! What tests of the lab set under `/_lab`. Nothing of it outlives the process.

use serde::Deserialize;

use super::budget::Budget;
use super::calls::Calls;
use super::faults::Faults;
use super::offers::Offers;

/// All of it.
#[derive(Default)]
pub struct Controls {
    pub budget: Budget,
    pub calls: Calls,
    pub faults: Faults,
    pub offers: Offers,
    pub tokens: Vec<Token>,
}

/// A further token of the project.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub token: String,
    #[serde(default)]
    pub readonly: bool,
}
