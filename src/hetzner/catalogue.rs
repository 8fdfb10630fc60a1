//! Asks the API what can be had: server types by location, images by architecture, prices. Asked before anything is
//! created; never a list in the code.

use anyhow::Result;
use serde::Deserialize;
use time::OffsetDateTime;

use super::Hetzner;
use super::offer::{self, Offer};
use super::products::{Image, Pricing, ServerType};
use super::server_view::ServerView;
use super::volumes::VolumeView;
use crate::config::stack::Cloud;

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
    let wished = f64::from(cloud.volume_gb.map_or(0, |size| *size));
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
    /// Refuses a type that the server cannot be given, before it is switched off for it.
    pub async fn refuse_type(
        &self,
        server: &ServerView,
        wished: &str,
        location: &str,
    ) -> Result<()> {
        let types = self.server_types().await?;
        let wished = offer::type_named(&types, wished)?;
        offer::refuse_change(server, wished, &types, location)
    }

    pub(super) async fn server_types(&self) -> Result<Vec<ServerType>> {
        self.list_once("/server_types", "server_types", &[])
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
            .list_once("/images", "images", &query)
            .await
            .map_err(|error| error.told("list the images"))?;
        let fits = |image: &Image| image.architecture == architecture;
        Ok(found.into_iter().filter(fits).collect())
    }

    pub(super) async fn pricing(&self) -> Result<Pricing> {
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
