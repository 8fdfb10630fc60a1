//! The private network of a stack's hosts.

use anyhow::Result;

use super::ours::find_ours;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::hetzner::{Hetzner, NetworkView};

#[derive(Clone, Debug)]
pub struct Network {
    /// Its name too.
    pub stack: String,
    /// All of it, as `10.0.0.0/16`.
    pub range: String,
    pub location: String,
}

impl Network {
    async fn find(&self, api: &Hetzner) -> Result<Option<NetworkView>> {
        find_ours(api, &self.stack, &self.stack).await
    }
}

impl Wish<Hetzner> for Network {
    async fn check(&self, api: &Hetzner) -> Result<CheckResult> {
        match self.find(api).await? {
            None => Ok(CheckResult::absent("does not exist")),
            Some(found) if found.ip_range == self.range => Ok(if found.has_room() {
                CheckResult::same()
            } else {
                CheckResult::differs(format!("network {} has no subnet", found.name))
            }),
            Some(found) => Err(Fault::new(
                Code::E0311,
                format!(
                    "cannot change the range from {} to {}: hosts in it would lose their addresses",
                    found.ip_range, self.range
                ),
            )
            .hint("correct cloud.network, or delete the network in the Hetzner console first")
            .into()),
        }
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        match self.find(api).await? {
            Some(found) => api.add_subnet(&found, &self.location).await,
            None => {
                api.create_network(&self.stack, &self.stack, &self.range, &self.location)
                    .await
            }
        }
    }
}
