//! Volumes: block storage for one server at a time in the same location.

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::account::Account;
use super::error::{Answer, ApiError};
use super::kind::VOLUME;
use super::reply::{created, gone};
use super::request::{self, Body};
use super::routes::{Routes, post, put};
use super::volume_attach::{attach, detach};
use super::{actions, resource, volume_create};
use crate::machine::volume;
use crate::store::{Store, VOLUMES};

/// Its actions.
const ACTIONS: &[&str] = &["attach", "detach", "resize", "change_protection"];

/// Everything under `/volumes`.
pub fn routes() -> Routes {
    resource::routes(VOLUME)
        .route("/volumes", post(volume_create::create))
        .route("/volumes/{id}", put(update).delete(delete))
        .actions("/volumes/{id}/actions/{action}", ACTIONS, post(act))
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<u64>,
    Body(body): Body<Value>,
) -> Answer {
    resource::rename(&account, VOLUME, id, &body)
}

async fn delete(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    let mut store = account.lock();
    let found = resource::find(&store, VOLUME, id)?;
    resource::unprotected(found, "volume")?;
    if !found["server"].is_null() {
        let message = "the volume is attached to a server; detach it first";
        return Err(ApiError::new(422, "resource_in_use", message));
    }
    resource::unlocked(&store, "volume", id)?;
    if let Some(lab) = account.lab() {
        volume::remove(&lab, id)?;
    }
    store.remove(VOLUMES, id);
    account.commit(&store)?;
    Ok(gone())
}

/// POST /volumes/{id}/actions/{action}.
async fn act(
    State(account): State<Account>,
    Path((id, action)): Path<(u64, String)>,
    Body(body): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    resource::find(&store, VOLUME, id)?;
    resource::unlocked(&store, "volume", id)?;
    let action = match action.as_str() {
        "attach" => attach(&account, &mut store, id, &body)?,
        "detach" => detach(&account, &mut store, id)?,
        "resize" => resize(&account, &mut store, id, &body)?,
        "change_protection" => resource::protect(&mut store, VOLUME, id, &body)?,
        other => return Err(ApiError::unknown_action(other)),
    };
    account.commit(&store)?;
    Ok(created(json!({ "action": action })))
}

fn resize(account: &Account, store: &mut Store, id: u64, body: &Value) -> Result<Value, ApiError> {
    let size = volume_create::size(request::needed("size", body.get("size"))?)?;
    let volume = resource::find(store, VOLUME, id)?;
    if Some(size) <= volume["size"].as_u64() {
        let message = "must be greater than the current size";
        return Err(ApiError::invalid("size", message));
    }
    if let Some(lab) = account.lab() {
        volume::resize(&lab, id, size)?;
    }
    if let Some(volume) = store.get_mut(VOLUMES, id) {
        volume["size"] = json!(size);
    }
    Ok(actions::done(store, "resize_volume", &[("volume", id)]))
}
