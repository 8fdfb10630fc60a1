//! What can be had: server types by location, images by architecture, prices. Asked before
//! anything is created; never a list in the code.

use anyhow::Result;
use serde::Deserialize;
use time::OffsetDateTime;

use super::Hetzner;
use super::answers::{Deprecation, or_default};
use super::offer::{self, Offer};
use super::server_view::ServerView;
use super::volumes::VolumeView;
use crate::config::stack::Cloud;

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
    pub price_monthly: Money,
}

/// Amounts travel as text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Money {
    #[serde(deserialize_with = "or_default")]
    pub net: String,
}

impl Money {
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
    price_per_gb_month: Money,
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct PricingAnswer {
    pricing: Pricing,
}

/// Whether the wished server can be had, and what the stack costs in a month. Nothing is changed.
///
/// A server that exists need not be orderable any more: then what would refuse a new one is a note.
///
/// # Errors
/// E0304 the type or its location, E0305 the image, E0308 the cost, each with what can be had; E0311
/// for a type that the server cannot be given.
pub async fn availability(
    api: &Hetzner,
    stack: &str,
    cloud: &Cloud,
    existing: Option<&ServerView>,
) -> Result<Offer> {
    let (types, pricing, snapshots, volumes) = tokio::join!(
        api.server_types(),
        api.pricing(),
        api.snapshots_of(stack),
        api.of_stack::<VolumeView>(stack)
    );
    let types = types?;
    let mut found = offer::choose_type(&types, cloud, existing, OffsetDateTime::now_utc())?;
    let wished = f64::from(cloud.volume_gb.unwrap_or_default());
    let has: f64 = volumes?.iter().map(|volume| volume.size).sum();
    found.costs_more |= wished > has;
    let images = if found.needs_image {
        api.images(&found.server_type.architecture).await?
    } else {
        Vec::new()
    };
    let gb = snapshots?.iter().map(|one| one.image_size).sum();
    offer::complete(found, &images, &pricing?, cloud, gb)
}

impl Hetzner {
    async fn server_types(&self) -> Result<Vec<ServerType>> {
        self.list("/server_types", "server_types", &[])
            .await
            .map_err(|error| error.told("list the server types").into())
    }

    async fn images(&self, architecture: &str) -> Result<Vec<Image>> {
        let query = [
            ("type", "system".to_owned()),
            ("architecture", architecture.to_owned()),
            ("include_deprecated", "true".to_owned()),
        ];
        let found: Vec<Image> = self
            .list("/images", "images", &query)
            .await
            .map_err(|error| error.told("list the images"))?;
        let fits = |image: &Image| image.architecture == architecture;
        Ok(found.into_iter().filter(fits).collect())
    }

    async fn pricing(&self) -> Result<Pricing> {
        let answer: PricingAnswer = self
            .get("/pricing", &[])
            .await
            .map_err(|error| error.told("read the prices"))?;
        Ok(answer.pricing)
    }

    /// The id of the image of this name for the architecture of the server type.
    pub async fn image_id(&self, server_type: &str, image: &str) -> Result<i64> {
        let types = self.server_types().await?;
        let architecture = offer::type_named(&types, server_type)?.architecture.clone();
        let images = self.images(&architecture).await?;
        let (image, _) = offer::image_named(&images, image, OffsetDateTime::now_utc())?;
        Ok(image.id)
    }
}
