//! What a month costs, by the API's own prices, and the limit that it must keep.

use anyhow::Result;

use super::products::{Price, Pricing, ServerType};
use crate::config::stack::Cloud;
use crate::core::error::{Code, Fault};

/// One thing that costs something, net a month.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub name: String,
    pub net: f64,
}

/// What a month costs, net.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    pub currency: String,
    pub items: Vec<Item>,
    /// In percent; not in the amounts.
    pub vat_rate: f64,
}

impl Cost {
    pub fn total(&self) -> f64 {
        self.items.iter().map(|item| item.net).sum()
    }

    pub fn gross(&self) -> f64 {
        self.total() * (1.0 + self.vat_rate / 100.0)
    }

    /// Of what citrino.yml wishes, and of the snapshots that are there (in GB).
    pub(super) fn of(
        found: &ServerType,
        pricing: &Pricing,
        cloud: &Cloud,
        snapshots_gb: f64,
    ) -> Result<Self> {
        let location = &cloud.location;
        let unknown = |what: &str| {
            Fault::new(
                Code::E0303,
                format!("the Hetzner API has no price for {what} in {location}"),
            )
            .hint("check cloud.location")
        };
        let server = price_in(&found.prices, location).ok_or_else(|| unknown(&found.name))?;
        let address = |family: &str| {
            let kind = pricing.primary_ips.iter().find(|kind| kind.kind == family);
            kind.and_then(|kind| price_in(&kind.prices, location))
        };
        let ipv4 = address("ipv4").ok_or_else(|| unknown("an IPv4 address"))?;
        let mut items = vec![
            Item::new(format!("server {} in {location}", found.name), server),
            Item::new("IPv4 address", ipv4),
        ];
        // The API lists IPv6 with a price of nothing, or not at all.
        if let Some(ipv6) = address("ipv6").filter(|net| *net > 0.0) {
            items.push(Item::new("IPv6 network", ipv6));
        }
        if cloud.backups {
            let percent: f64 = pricing
                .server_backup
                .percentage
                .parse()
                .map_err(|_| unknown("backups"))?;
            let name = format!("automatic backups ({percent} % of server)");
            items.push(Item::new(name, server * percent / 100.0));
        }
        if let Some(size) = cloud.volume_gb {
            let each = pricing.volume.net().ok_or_else(|| unknown("a volume"))?;
            items.push(Item::new(
                format!("volume of {size} GB"),
                each * f64::from(*size),
            ));
        }
        if snapshots_gb > 0.0 {
            let each = pricing.image.net().ok_or_else(|| unknown("a snapshot"))?;
            let name = format!("snapshots of {snapshots_gb:.1} GB");
            items.push(Item::new(name, each * snapshots_gb));
        }
        Ok(Cost {
            currency: pricing.currency.clone(),
            items,
            vat_rate: pricing.vat_rate.parse().unwrap_or_default(),
        })
    }

    pub(super) fn within_limit(&self, cloud: &Cloud) -> Result<()> {
        let Some(limit) = cloud.max_monthly_eur.as_deref() else {
            return Ok(());
        };
        if self.currency != "EUR" {
            return Err(Fault::new(
                Code::E0308,
                format!(
                    "cloud.max_monthly_eur is in EUR, but the prices of this account are in {}",
                    self.currency
                ),
            )
            .hint("remove cloud.max_monthly_eur to continue without a limit")
            .into());
        }
        // Amounts are compared in cents, as they are shown.
        if (self.total() * 100.0).round() > (limit * 100.0).round() {
            let items: Vec<_> = self
                .items
                .iter()
                .map(|item| format!("{:.2} {}", item.net, item.name))
                .collect();
            let message = format!(
                "the stack costs {:.2} EUR per month net ({}), over the limit of {limit:.2}",
                self.total(),
                items.join("; ")
            );
            return Err(Fault::new(Code::E0308, message)
                .hint("raise cloud.max_monthly_eur, or choose a smaller cloud.server_type")
                .into());
        }
        Ok(())
    }
}

impl Item {
    fn new(name: impl Into<String>, net: f64) -> Self {
        Self {
            name: name.into(),
            net,
        }
    }
}

pub(super) fn price_in(prices: &[Price], location: &str) -> Option<f64> {
    let there = |price: &&Price| price.location == location;
    prices.iter().find(there)?.price_monthly.net()
}
