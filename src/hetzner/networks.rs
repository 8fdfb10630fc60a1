//! Private networks.

use anyhow::{Context, Result};
use hcloud::models::{CreateNetworkRequest, Subnet, subnet};
use serde::Deserialize;

use super::Hetzner;
use super::answers::{Protection, or_default};
use super::labels;
use super::resource::{Fields, Labelled, Order};
use super::servers::map_of;

pub type NetworkView = Labelled<NetworkFields>;

#[derive(Clone, Debug, Default, Deserialize)]
pub struct NetworkFields {
    #[serde(default, deserialize_with = "or_default")]
    pub ip_range: String,
    #[serde(default, deserialize_with = "or_default")]
    subnets: Vec<serde::de::IgnoredAny>,
    /// Ids of the servers that are in it.
    #[serde(default, deserialize_with = "or_default")]
    pub servers: Vec<i64>,
    /// Ids of the load balancers that are in it.
    #[serde(default, deserialize_with = "or_default")]
    pub load_balancers: Vec<i64>,
    #[serde(default, deserialize_with = "or_default")]
    protection: Protection,
}

impl Fields for NetworkFields {
    const MANY: &'static str = "networks";
    const ONE: &'static str = "network";
    const WORD: &'static str = "network";
    const CAN_UNPROTECT: bool = true;

    fn is_used(&self) -> bool {
        !self.servers.is_empty() || !self.load_balancers.is_empty()
    }
    fn is_protected(&self) -> bool {
        self.protection.delete
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    network_zone: String,
}

impl NetworkView {
    /// Whether a server can be in it: addresses are given out by subnets.
    pub fn has_room(&self) -> bool {
        !self.subnets.is_empty()
    }
}

impl Hetzner {
    /// A network whose one subnet is all of it, in the zone of the location.
    pub async fn create_network(
        &self,
        name: &str,
        stack: &str,
        range: &str,
        location: &str,
    ) -> Result<()> {
        let body = CreateNetworkRequest {
            labels: Some(map_of(&labels::of_stack(stack))),
            subnets: Some(vec![self.subnet(range, location).await?]),
            ..CreateNetworkRequest::new(range.to_owned(), name.to_owned())
        };
        let made: Result<NetworkView> = self.make(name, stack, &body).await;
        made.map(drop)
    }

    /// Gives a network that has no subnet the one that is all of it.
    pub async fn add_subnet(&self, found: &NetworkView, location: &str) -> Result<()> {
        let doing = format!("add a subnet to network {}", found.name);
        let body = self.subnet(&found.ip_range, location).await?;
        self.order::<NetworkView>(Order::new(found.id, "add_subnet", &doing), &body)
            .await
    }

    async fn subnet(&self, range: &str, location: &str) -> Result<Subnet> {
        let zone = self.network_zone(location).await?;
        Ok(Subnet {
            ip_range: Some(range.to_owned()),
            ..Subnet::new(zone, subnet::Type::Cloud)
        })
    }

    async fn network_zone(&self, location: &str) -> Result<String> {
        let found: Vec<Location> = self
            .list("/locations", "locations", &[("name", location.to_owned())])
            .await
            .map_err(|error| error.told("read the location"))?;
        let found = found.into_iter().find(|one| one.name == location);
        Ok(found
            .with_context(|| format!("the Hetzner API knows no location {location}"))?
            .network_zone)
    }
}
