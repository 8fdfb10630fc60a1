//! What can be ordered now: every server type with its locations and prices, for whoever chooses.

use std::fmt;

use anyhow::Result;
use time::OffsetDateTime;

use super::Hetzner;
use super::cost::price_in;
use super::offer;
use super::products::ServerType;

/// A type in a location.
#[derive(Clone, Debug, PartialEq)]
pub struct MenuItem {
    pub server_type: String,
    pub location: String,
    pub cores: u32,
    pub memory_gb: f64,
    pub disk_gb: f64,
    /// Of the server alone, in a month.
    pub net: f64,
    pub currency: String,
}

impl MenuItem {
    /// What it is and costs, without its place.
    pub fn told(&self) -> String {
        format!(
            "{} vCPU, {} GB, {} GB disk; {:.2} {} a month net",
            self.cores, self.memory_gb, self.disk_gb, self.net, self.currency
        )
    }
}

impl fmt::Display for MenuItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.server_type, self.told())
    }
}

impl Hetzner {
    /// Whatever carries the stack and can be ordered, the cheapest first.
    ///
    /// # Errors
    /// E0301 and E0302 when the API does not answer, or not to this token.
    pub async fn menu(&self) -> Result<Vec<MenuItem>> {
        let (types, pricing) = tokio::join!(self.server_types(), self.pricing());
        let (types, currency) = (types?, pricing?.currency);
        let now = OffsetDateTime::now_utc();
        let fits = types
            .iter()
            .filter(|one| matches!(&*one.architecture, "x86" | ""));
        let mut items: Vec<MenuItem> = fits
            .flat_map(|one| in_each_location(one, &currency, now))
            .collect();
        items.sort_by(|a, b| a.net.total_cmp(&b.net));
        Ok(items)
    }
}

fn in_each_location(found: &ServerType, currency: &str, now: OffsetDateTime) -> Vec<MenuItem> {
    let item = |location: &String| {
        let lasts = matches!(offer::orderable(found, location, now), Ok(None));
        let net = price_in(&found.prices, location).filter(|_| lasts)?;
        Some(MenuItem {
            server_type: found.name.clone(),
            location: location.clone(),
            cores: found.cores,
            memory_gb: found.memory,
            disk_gb: found.disk,
            net,
            currency: currency.to_owned(),
        })
    };
    found
        .locations
        .iter()
        .filter_map(|offered| item(&offered.name))
        .collect()
}
