//! What a stack has at Hetzner now, and what it costs.

use std::fmt;

use anyhow::Result;

use super::Hetzner;
use super::addresses::AddressView;
use super::cost::price_in;
use super::firewalls::FirewallView;
use super::networks::NetworkView;
use super::products::{Pricing, ServerType};
use super::resource::ResourceKind;
use super::server_view::ServerView;
use super::snapshots::SnapshotView;
use super::ssh_keys::KeyView;
use super::volumes::VolumeView;
use super::words::ServerStatus;

/// One resource: `server prod (off)`, and its net price a month when it has one.
struct Holding {
    what: String,
    net: f64,
}

/// Everything with the label of a stack.
pub struct Holdings {
    stack: String,
    held: Vec<Holding>,
    currency: String,
}

impl Holdings {
    /// # Errors
    /// When the API does not say it.
    pub async fn of(api: &Hetzner, stack: &str) -> Result<Self> {
        let _remembering = api.remembering();
        // Without prices it is still true what there is.
        let pricing = api.pricing().await.unwrap_or_default();
        let types = api.server_types().await.unwrap_or_default();
        let mut held = Vec::new();
        held.extend(free::<KeyView>(api, stack).await?);
        held.extend(free::<FirewallView>(api, stack).await?);
        for one in api.of_stack::<AddressView>(stack).await? {
            held.push(address(&one, &pricing));
        }
        for one in api.of_stack::<ServerView>(stack).await? {
            held.push(server(&one, &types));
        }
        for one in api.of_stack::<VolumeView>(stack).await? {
            let net = pricing.volume.net().unwrap_or_default() * one.size;
            held.push(Holding::new(&one, net));
        }
        held.extend(free::<NetworkView>(api, stack).await?);
        for one in api.snapshots_of(stack).await? {
            let net = pricing.image.net().unwrap_or_default() * one.image_size;
            held.push(Holding::new::<SnapshotView>(&one, net));
        }
        Ok(Self {
            stack: stack.to_owned(),
            held,
            currency: pricing.currency,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

impl Holding {
    fn new<K: ResourceKind>(one: &K, net: f64) -> Self {
        Self {
            what: format!("{} {}", K::WORD, one.name()),
            net,
        }
    }
}

/// All of a kind that costs nothing.
async fn free<K: ResourceKind>(api: &Hetzner, stack: &str) -> Result<Vec<Holding>> {
    let found: Vec<K> = api.of_stack(stack).await?;
    Ok(found.iter().map(|one| Holding::new(one, 0.0)).collect())
}

fn address(one: &AddressView, pricing: &Pricing) -> Holding {
    let kind = pricing
        .primary_ips
        .iter()
        .find(|kind| kind.kind == one.family);
    let net = kind.and_then(|kind| price_in(&kind.prices, &one.location));
    Holding::new(one, net.unwrap_or_default())
}

/// A server that is off costs as much as one that runs.
fn server(one: &ServerView, types: &[ServerType]) -> Holding {
    let found = types.iter().find(|found| found.name == one.server_type);
    let net = found.and_then(|found| price_in(&found.prices, &one.location));
    let mut holding = Holding::new(one, net.unwrap_or_default());
    if one.status != ServerStatus::Running {
        holding.what = format!("{}, which is {}", holding.what, one.status);
    }
    holding
}

impl fmt::Display for Holdings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stack = &self.stack;
        if self.is_empty() {
            return write!(f, "stack {stack} has no resources at Hetzner now");
        }
        let currency = &self.currency;
        let names: Vec<String> = self
            .held
            .iter()
            .map(|one| match one.net {
                0.0 => one.what.clone(),
                net => format!("{} ({net:.2} {currency} per month)", one.what),
            })
            .collect();
        write!(f, "stack {stack} now has: {}", names.join(", "))
    }
}
