//! The section `hooks` of citrino.yml.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::value::WholeNumber;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HookSettings {
    /// How many seconds a hook may take. Then it is stopped, and has failed. The host stays locked meanwhile.
    #[schemars(extend("x-applied" = "here"))]
    pub within_s: WholeNumber<1, 86_400>,
}

impl Default for HookSettings {
    fn default() -> Self {
        Self {
            within_s: WholeNumber::near(300),
        }
    }
}
