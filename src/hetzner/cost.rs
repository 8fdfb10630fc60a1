//! What a month costs, by the API's own prices, and the limit that it must keep.

use anyhow::Result;

use super::catalogue::{Price, Pricing, ServerType};
use crate::error::Fault;
use crate::stack::Cloud;

/// What a month costs, net.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    pub currency: String,
    pub server: f64,
    pub ipv4: f64,
    pub backups: f64,
    /// In percent; not in the amounts.
    pub vat_rate: f64,
}

impl Cost {
    pub fn total(&self) -> f64 {
        self.server + self.ipv4 + self.backups
    }

    pub(super) fn of(found: &ServerType, pricing: &Pricing, cloud: &Cloud) -> Result<Self> {
        let unknown = |what: &str| {
            Fault::new(
                "E0303",
                format!(
                    "the Hetzner API tells no price of {what} in {}",
                    cloud.location
                ),
            )
            .hint("is cloud.location right?")
        };
        let server =
            price_in(&found.prices, &cloud.location).ok_or_else(|| unknown(&found.name))?;
        let ipv4 = pricing
            .primary_ips
            .iter()
            .find(|kind| kind.kind == "ipv4")
            .and_then(|kind| price_in(&kind.prices, &cloud.location))
            .ok_or_else(|| unknown("an IPv4 address"))?;
        let backups = if cloud.backups {
            let percentage: Option<f64> = pricing.server_backup.percentage.parse().ok();
            server * percentage.ok_or_else(|| unknown("backups"))? / 100.0
        } else {
            0.0
        };
        Ok(Cost {
            currency: pricing.currency.clone(),
            server,
            ipv4,
            backups,
            vat_rate: pricing.vat_rate.parse().unwrap_or_default(),
        })
    }

    pub(super) fn within_limit(&self, cloud: &Cloud) -> Result<()> {
        let Some(limit) = cloud.max_monthly_eur else {
            return Ok(());
        };
        if self.currency != "EUR" {
            return Err(Fault::new(
                "E0308",
                format!(
                    "cloud.max_monthly_eur is in EUR and the prices of this account are in {}",
                    self.currency
                ),
            )
            .hint("take cloud.max_monthly_eur out to go on without a limit")
            .into());
        }
        // Amounts are compared in cents, as they are shown.
        if (self.total() * 100.0).round() > (limit * 100.0).round() {
            let message = format!(
                "the server costs {:.2} EUR a month net ({:.2} server, {:.2} IPv4, {:.2} backups), over the limit of {limit:.2}",
                self.total(),
                self.server,
                self.ipv4,
                self.backups
            );
            return Err(Fault::new("E0308", message)
                .hint("raise cloud.max_monthly_eur, or choose a smaller cloud.server_type")
                .into());
        }
        Ok(())
    }
}

pub(super) fn price_in(prices: &[Price], location: &str) -> Option<f64> {
    let there = |price: &&Price| price.location == location;
    prices.iter().find(there)?.price_monthly.net()
}
