//! How the host defends itself: the section `hardening` of citrino.yml.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Stack;
use crate::core::value::{Cidr, TimeOfDay};

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hardening {
    /// The time of day at which the host reboots for an update that needs it, by its own clock, such as "04:00". Without it the host waits for an operator.
    #[schemars(extend("x-applied" = "host"))]
    pub reboot: Option<TimeOfDay>,
    /// Whether fail2ban keeps addresses out that try to log in again and again. It needs to know which addresses are the operators'.
    #[schemars(extend("x-applied" = "host"))]
    pub fail2ban: bool,
    /// The networks that fail2ban never keeps out, beside those of `cloud.allow_ssh_from`.
    #[schemars(extend("x-applied" = "host"))]
    pub spare: Vec<Cidr>,
}

impl Stack {
    /// The operators' networks. One that is everybody's names nobody.
    pub fn spared(&self) -> Vec<Cidr> {
        let cloud = self.cloud.iter().flat_map(|cloud| &cloud.allow_ssh_from);
        let named = cloud.chain(&self.hardening.spare);
        let mut spared: Vec<Cidr> = named.filter(|it| !it.is_everybody()).copied().collect();
        spared.sort_unstable();
        spared.dedup();
        spared
    }
}
