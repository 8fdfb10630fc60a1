//! Which server can be had, and for how much. Pure: from the API's answers to an offer or a refusal
//! that names what can be had instead.

use std::fmt;

use anyhow::Result;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::answers::Deprecation;
use super::cost::{Cost, price_in};
use super::products::{Image, Offered, Pricing, ServerType};
use super::server_view::ServerView;
use crate::config::stack::Cloud;
use crate::core::error::{Code, Fault};

/// How many alternatives a refusal lists.
const LADDER: usize = 6;
/// Hetzner removes an image three months after its deprecation.
const IMAGE_GRACE: Duration = Duration::days(90);

/// What the wished server is and costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub server_type: String,
    pub location: String,
    pub image: String,
    pub cores: u32,
    pub memory_gb: f64,
    pub disk_gb: f64,
    pub cost: Cost,
    /// What the operator should know, and what is no reason to stop.
    pub notes: Vec<String>,
}

impl Offer {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some GB
    pub fn memory_mb(&self) -> u64 {
        (self.memory_gb * 1024.0) as u64
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in {}: {} vCPU, {} GB, {} GB disk, {}; ",
            self.server_type, self.location, self.cores, self.memory_gb, self.disk_gb, self.image,
        )?;
        let cost = &self.cost;
        if cost.items.is_empty() {
            return f.write_str("price unknown");
        }
        let (net, gross, currency) = (cost.total(), cost.gross(), &cost.currency);
        write!(
            f,
            "{net:.2} {currency} per month net, {gross:.2} {currency} with {} % VAT",
            cost.vat_rate
        )
    }
}

/// A type that can be had, on the way to an offer.
pub(super) struct FoundOffer {
    pub server_type: ServerType,
    /// Whether the server is of this type already.
    exists: bool,
    /// Whether citrino.yml names a location that has no such type, while the server stands in another: the plan
    /// refuses the move, so nobody asks for its price.
    moves: bool,
    /// Whether a disk will be made from the image.
    pub needs_image: bool,
    /// Whether the desired state adds something that costs money.
    pub costs_more: bool,
    notes: Vec<String>,
    now: OffsetDateTime,
}

/// Why a type cannot be ordered in a location.
pub(super) enum Refusal {
    NotThere,
    NoMore(String),
    NoneFree,
}

pub(super) fn choose_type(
    types: &[ServerType],
    cloud: &Cloud,
    existing: Option<&ServerView>,
    now: OffsetDateTime,
) -> Result<FoundOffer> {
    let exists = existing.is_some_and(|server| server.server_type == cloud.server_type);
    let needs_image = existing.is_none_or(|server| {
        let image = server.image.as_ref();
        image.is_some_and(|image| *image != cloud.image)
    });
    let stands_elsewhere = existing.is_some_and(|server| server.location != *cloud.location);
    let found = |server_type: ServerType, notes: Vec<String>| FoundOffer {
        server_type,
        exists,
        moves: false,
        needs_image,
        costs_more: existing.is_some_and(|server| cloud.backups && !server.backups),
        notes,
        now,
    };
    let wished = match type_named(types, &cloud.server_type) {
        // It runs, and the API no longer lists it.
        Err(error) if exists => {
            let server_type = ServerType {
                name: cloud.server_type.to_string(),
                ..ServerType::default()
            };
            return Ok(found(server_type, vec![error.to_string()]));
        }
        wished => wished?,
    };
    // The agent is this very binary, and the release is built for the same processor.
    if existing.is_none() && !matches!(&*wished.architecture, "x86" | "") {
        let (name, architecture) = (&wished.name, &wished.architecture);
        let message =
            format!("{name} has {architecture} processors, and the stack is built for x86");
        return Err(Fault::new(Code::E0304, message)
            .hint("nothing was ordered; set `cloud.server_type` to one of the types cpx…, cx… or ccx…")
            .into());
    }
    let mut notes = Vec::new();
    match orderable(wished, &cloud.location, now) {
        Ok(None) => {}
        Ok(Some(end)) => notes.push(format!(
            "{} can only be ordered in {} until {end}",
            wished.name, cloud.location
        )),
        Err(_) if exists && stands_elsewhere => {
            let found = found(wished.clone(), notes);
            return Ok(FoundOffer {
                moves: true,
                ..found
            });
        }
        Err(refusal) if exists => notes.push(format!(
            "{}; this does not affect the running server",
            refusal.sentence(&wished.name, &cloud.location)
        )),
        Err(refusal) => return Err(refuse(&refusal, wished, types, &cloud.location, now).into()),
    }
    if let Some(server) = existing.filter(|_| !exists) {
        refuse_rescale(server, wished, types)?;
        notes.push(given_up(server, types, now));
    }
    Ok(found(wished.clone(), notes))
}

/// What a server of another type had, and whether it can be had again: whoever goes back orders at the price of that day.
fn given_up(server: &ServerView, types: &[ServerType], now: OffsetDateTime) -> String {
    let (name, location) = (&server.server_type, &server.location);
    let gives_up = format!("this gives up the {name} and the price that it was ordered at");
    let Some(found) = types.iter().find(|found| found.name == *name) else {
        return format!("{gives_up}; Hetzner no longer offers the type, so there is no way back");
    };
    match orderable(found, location, now) {
        Err(refusal) => format!(
            "{gives_up}; {}, so there is no way back to it now",
            refusal.sentence(name, location)
        ),
        Ok(end) => {
            let price = price_in(&found.prices, location);
            let price = price.map_or("a price that is not known".to_owned(), |price| {
                format!("{price:.2} EUR per month net")
            });
            let end = end.map_or_else(String::new, |end| format!(", until {end}"));
            format!("{gives_up}; it can be ordered again in {location} for {price}{end}")
        }
    }
}

/// Refuses a change of the server to this type, when it cannot be ordered there or does not fit.
pub(super) fn refuse_change(
    server: &ServerView,
    wished: &ServerType,
    types: &[ServerType],
    location: &str,
) -> Result<()> {
    let now = OffsetDateTime::now_utc();
    if let Err(refusal) = orderable(wished, location, now) {
        return Err(refuse(&refusal, wished, types, location, now).into());
    }
    refuse_rescale(server, wished, types)
}

/// A server keeps its disk and its architecture when it is given another type.
fn refuse_rescale(server: &ServerView, wished: &ServerType, types: &[ServerType]) -> Result<()> {
    let now = types.iter().find(|found| found.name == server.server_type);
    let architecture = now.map_or(&wished.architecture, |now| &now.architecture);
    #[allow(clippy::cast_precision_loss)] // a disk's GB are few
    let disk = server.disk_gb as f64;
    let why = if *architecture != wished.architecture {
        format!(
            "{} has the architecture {}, the server has {architecture}",
            wished.name, wished.architecture
        )
    } else if disk > wished.disk {
        format!(
            "its disk of {disk} GB does not fit into the {} GB of {}, and a disk cannot shrink",
            wished.disk, wished.name
        )
    } else {
        return Ok(());
    };
    Err(Fault::new(
        Code::E0311,
        format!(
            "server {} cannot become a {}: {why}",
            server.name, wished.name
        ),
    )
    .hint("nothing was changed; choose another cloud.server_type")
    .into())
}

pub(super) fn complete(
    found: FoundOffer,
    images: &[Image],
    pricing: &Pricing,
    cloud: &Cloud,
    snapshots_gb: f64,
) -> Result<Offer> {
    let mut notes = found.notes;
    if found.needs_image {
        let (_, note) = image_named(images, &cloud.image, found.now)?;
        notes.extend(note);
    }
    let cost = match Cost::of(&found.server_type, pricing, cloud, snapshots_gb) {
        _ if found.moves => Cost::default(),
        // The price of what runs may no longer be told.
        Err(error) if found.exists => {
            notes.push(error.to_string());
            Cost::default()
        }
        cost => cost?,
    };
    match cost.within_limit(cloud) {
        // What runs already costs no more by being left as it is.
        Err(error) if found.exists && !found.costs_more => notes.push(error.to_string()),
        kept => kept?,
    }
    Ok(Offer {
        server_type: found.server_type.name.clone(),
        location: cloud.location.to_string(),
        image: cloud.image.to_string(),
        cores: found.server_type.cores,
        memory_gb: found.server_type.memory,
        disk_gb: found.server_type.disk,
        cost,
        notes,
    })
}

pub(super) fn type_named<'a>(types: &'a [ServerType], name: &str) -> Result<&'a ServerType> {
    types
        .iter()
        .find(|found| found.name == name)
        .ok_or_else(|| {
            let names = nearest(types.iter().map(|found| found.name.as_str()), name);
            Fault::new(Code::E0304, format!("there is no server type `{name}`"))
                .hint(format!(
                    "set cloud.server_type; the nearest are {}",
                    names.join(", ")
                ))
                .into()
        })
}

/// The image, with a note when it will not be there for long.
pub(super) fn image_named<'a>(
    images: &'a [Image],
    name: &str,
    now: OffsetDateTime,
) -> Result<(&'a Image, Option<String>)> {
    let usable: Vec<_> = images
        .iter()
        .filter(|image| image_end(image).is_none_or(|end| end > now))
        .collect();
    if let Some(image) = usable.iter().find(|image| image.name == name) {
        let note = image_end(image).map(|end| {
            format!(
                "image {name} is deprecated and will be removed on {}",
                end.date()
            )
        });
        return Ok((image, note));
    }
    let why = if images.iter().any(|image| image.name == name) {
        "is deprecated and no longer available"
    } else {
        "does not exist for the architecture of the server type"
    };
    let names: Vec<_> = usable.iter().map(|image| image.name.as_str()).collect();
    Err(Fault::new(Code::E0305, format!("image `{name}` {why}"))
        .hint(format!("set cloud.image to one of {}", names.join(", ")))
        .into())
}

fn image_end(image: &Image) -> Option<OffsetDateTime> {
    if let Some(deprecation) = &image.deprecation {
        return date(&deprecation.unavailable_after);
    }
    Some(date(image.deprecated.as_deref()?)? + IMAGE_GRACE)
}

fn date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Ok with the day on which orders end, when one is known.
pub(super) fn orderable(
    found: &ServerType,
    location: &str,
    now: OffsetDateTime,
) -> Result<Option<String>, Refusal> {
    let there = |offered: &&Offered| offered.name == location;
    let offered = found
        .locations
        .iter()
        .find(there)
        .ok_or(Refusal::NotThere)?;
    let end = offered.deprecation.as_ref().and_then(end_of);
    match end {
        Some(end) if end <= now => Err(Refusal::NoMore(end.date().to_string())),
        _ if offered.available == Some(false) => Err(Refusal::NoneFree),
        end => Ok(end.map(|end| end.date().to_string())),
    }
}

fn end_of(deprecation: &Deprecation) -> Option<OffsetDateTime> {
    date(&deprecation.unavailable_after)
}

impl Refusal {
    fn sentence(&self, name: &str, location: &str) -> String {
        match self {
            Refusal::NotThere => format!("server type {name} is not offered in {location}"),
            Refusal::NoMore(day) => {
                format!("server type {name} cannot be ordered in {location} since {day}")
            }
            Refusal::NoneFree => {
                format!("no server of type {name} is available in {location} now")
            }
        }
    }
}

fn refuse(
    refusal: &Refusal,
    wished: &ServerType,
    types: &[ServerType],
    location: &str,
    now: OffsetDateTime,
) -> Fault {
    let sentence = refusal.sentence(&wished.name, location);
    let elsewhere: Vec<_> = wished
        .locations
        .iter()
        .filter(|offered| orderable(wished, &offered.name, now).is_ok())
        .map(|offered| match price_in(&wished.prices, &offered.name) {
            Some(price) => format!("{} ({price:.2} EUR/month)", offered.name),
            None => offered.name.clone(),
        })
        .collect();
    let message = if elsewhere.is_empty() {
        format!("{sentence}, nor anywhere else")
    } else {
        format!("{sentence}; it is available in {}", elsewhere.join(", "))
    };
    let ladder = ladder(types, wished, location, now);
    Fault::new(Code::E0304, message).hint(if ladder.is_empty() {
        format!("no other type can be ordered in {location}: choose another cloud.location")
    } else {
        format!(
            "available in {location}, net per month: {}",
            ladder.join(", ")
        )
    })
}

/// What can be ordered in the location, cheapest first: at least as much memory as was wished.
fn ladder(
    types: &[ServerType],
    wished: &ServerType,
    location: &str,
    now: OffsetDateTime,
) -> Vec<String> {
    let mut steps: Vec<_> = types
        .iter()
        .filter(|other| other.architecture == wished.architecture && other.memory >= wished.memory)
        .filter(|other| orderable(other, location, now).is_ok())
        .filter_map(|other| Some((price_in(&other.prices, location)?, other)))
        .collect();
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    steps
        .iter()
        .take(LADDER)
        .map(|(price, other)| {
            format!(
                "{} {price:.2} EUR ({} vCPU, {} GB)",
                other.name, other.cores, other.memory
            )
        })
        .collect()
}

/// The names most like a wrong one.
fn nearest<'a>(names: impl Iterator<Item = &'a str>, wrong: &str) -> Vec<&'a str> {
    let mut names: Vec<_> = names
        .map(|name| (strsim::jaro_winkler(name, wrong), name))
        .collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0));
    names.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
#[path = "offer_tests.rs"]
mod tests;
