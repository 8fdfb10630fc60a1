//! What Hetzner sells, as its API says it: server types, images and prices.

use serde::Deserialize;

use super::answers::{Deprecation, or_default};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ServerType {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub cores: u32,
    #[serde(deserialize_with = "or_default")]
    pub memory: f64,
    #[serde(deserialize_with = "or_default")]
    pub disk: f64,
    #[serde(deserialize_with = "or_default")]
    pub architecture: String,
    #[serde(deserialize_with = "or_default")]
    pub locations: Vec<Offered>,
    #[serde(deserialize_with = "or_default")]
    pub prices: Vec<Price>,
}

/// A type in one location.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Offered {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    pub deprecation: Option<Deprecation>,
    /// Whether there are free machines; not in every answer.
    pub available: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Price {
    #[serde(deserialize_with = "or_default")]
    pub location: String,
    #[serde(deserialize_with = "or_default")]
    pub price_monthly: PriceAnswer,
}

/// Amounts travel as text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PriceAnswer {
    #[serde(deserialize_with = "or_default")]
    pub net: String,
}

impl PriceAnswer {
    pub fn net(&self) -> Option<f64> {
        self.net.parse().ok()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Image {
    pub id: i64,
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub architecture: String,
    /// The older way to tell, a date; `deprecation` takes its place.
    pub deprecated: Option<String>,
    pub deprecation: Option<Deprecation>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pricing {
    #[serde(deserialize_with = "or_default")]
    pub currency: String,
    #[serde(deserialize_with = "or_default")]
    pub vat_rate: String,
    #[serde(deserialize_with = "or_default")]
    pub primary_ips: Vec<AddressPrices>,
    #[serde(deserialize_with = "or_default")]
    pub server_backup: BackupPrice,
    #[serde(deserialize_with = "or_default")]
    pub volume: PerGb,
    #[serde(deserialize_with = "or_default")]
    pub image: PerGb,
}

/// The price of a GB in a month.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PerGb {
    #[serde(deserialize_with = "or_default")]
    price_per_gb_month: PriceAnswer,
}

impl PerGb {
    pub fn net(&self) -> Option<f64> {
        self.price_per_gb_month.net()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AddressPrices {
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    #[serde(deserialize_with = "or_default")]
    pub prices: Vec<Price>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BackupPrice {
    #[serde(deserialize_with = "or_default")]
    pub percentage: String,
}
