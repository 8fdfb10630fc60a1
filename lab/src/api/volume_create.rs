//! POST /volumes: checks the request, and creates the volume in the background.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::account::Account;
use super::background;
use super::error::{Answer, ApiError};
use super::reply::created;
use super::request::{self, Body};
use super::timestamp::now;
use super::volume_attach::{self, Attachment};
use super::{actions, catalogue, resource};
use crate::machine::volume;
use crate::store::{SERVERS, Store, VOLUMES, id_of};

/// Hetzner's own limits, in gigabytes.
const SIZES: std::ops::RangeInclusive<u64> = 10..=10240;

/// The body of POST /volumes.
#[derive(Deserialize)]
pub struct Create {
    name: Value,
    size: Value,
    server: Option<u64>,
    location: Option<Value>,
    format: Option<String>,
    automount: Option<bool>,
    labels: Option<Value>,
}

/// Answers as soon as everything is stored.
pub async fn create(State(account): State<Account>, Body(body): Body<Create>) -> Answer {
    let mut store = account.lock();
    let volume = read(&mut store, &body)?;
    let id = id_of(&volume);
    store.insert(VOLUMES, id, volume.clone());
    let action = actions::begin(&mut store, "create_volume", &[("volume", id)]);
    let next = body.server.map(|server| {
        let about = [("volume", id), ("server", server)];
        actions::begin(&mut store, "attach_volume", &about)
    });
    account.commit(&store)?;
    let attachment = body
        .server
        .zip(next.as_ref())
        .map(|(server, action)| Attachment {
            volume: id,
            server,
            automount: body.automount.unwrap_or(false),
            action: id_of(action),
        });
    make(
        &account,
        &volume,
        id_of(&action),
        move |account, store, made| {
            let Some(attachment) = attachment else {
                return;
            };
            if made {
                volume_attach::plug_in(account, store, attachment);
            } else {
                let why = "the volume was not created";
                actions::finish(store, attachment.action, Some(why));
            }
        },
    );
    let next: Vec<Value> = next.into_iter().collect();
    Ok(created(
        json!({ "volume": volume, "action": action, "next_actions": next }),
    ))
}

/// The requested volume, as it is stored.
fn read(store: &mut Store, body: &Create) -> Result<Value, ApiError> {
    let name = request::name(VOLUMES, &body.name)?;
    let size = size(&body.size)?;
    let format = body
        .format
        .as_deref()
        .map(|format| request::one_of("format", format, &["ext4", "xfs"]))
        .transpose()?;
    let labels = request::labels(body.labels.clone())?;
    let location = location(store, body.server, body.location.as_ref())?;
    match body.server {
        Some(server) => resource::unlocked(store, "server", server)?,
        None if body.automount == Some(true) => {
            return Err(ApiError::invalid("automount", "needs a server"));
        }
        None => {}
    }
    resource::unique(store, VOLUMES, &name)?;
    let id = store.next_id();
    Ok(json!({
        "id": id, "name": name, "created": now(), "size": size, "server": body.server, "location": location,
        "format": format, "status": "creating", "linux_device": volume::device(id), "labels": labels,
        "protection": { "delete": false },
    }))
}

/// Creates the volume's file. If that fails, the volume is removed.
fn make(
    account: &Account,
    volume: &Value,
    action: u64,
    then: impl FnOnce(&Account, &mut Store, bool) + Send + 'static,
) {
    let (id, size) = (id_of(volume), volume["size"].as_u64().unwrap_or_default());
    let format = volume["format"].as_str().map(str::to_owned);
    let (lab, own) = (account.lab(), account.clone());
    background::work(
        account,
        vec![action],
        move || {
            lab.map_or(Ok(()), |lab| {
                volume::create(&lab, id, size, format.as_deref())
            })
        },
        move |store, made| {
            if !made {
                store.remove(VOLUMES, id);
            } else if let Some(volume) = store.get_mut(VOLUMES, id) {
                volume["status"] = json!("available");
            }
            then(&own, store, made);
        },
    );
}

/// A size; some clients send it as a decimal number.
pub fn size(body: &Value) -> Result<u64, ApiError> {
    let whole = body
        .as_u64()
        .or_else(|| body.to_string().strip_suffix(".0")?.parse().ok());
    whole.filter(|size| SIZES.contains(size)).ok_or_else(|| {
        let message = format!("must be {} to {} GB", SIZES.start(), SIZES.end());
        ApiError::invalid("size", message)
    })
}

fn location(store: &Store, server: Option<u64>, body: Option<&Value>) -> Result<Value, ApiError> {
    if let Some(server) = server {
        let server = resource::named(store, SERVERS, "server", server)?;
        return Ok(server["location"].clone());
    }
    let body = request::needed("location", body.filter(|value| !value.is_null()))?;
    catalogue::find("locations", body)
        .cloned()
        .ok_or_else(|| ApiError::invalid("location", "location not found"))
}
