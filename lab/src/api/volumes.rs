//! Volumes: block storage that servers of the same location have one after the other.

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::background::{self, Errand};
use super::error::{Answer, ApiError};
use super::request::{self, Body};
use super::routes::{Routes, post, put};
use super::{Account, actions, created, resource, volume_create};
use crate::machine::{Machine, volume};
use crate::store::{SERVERS, Store, VOLUMES, id_of};

/// What can be done to one beside naming and deleting it.
const ACTIONS: &[&str] = &["attach", "detach", "resize", "change_protection"];

/// Everything under `/volumes`.
pub fn routes() -> Routes {
    resource::routes(VOLUMES, "volume")
        .route("/volumes", post(volume_create::create))
        .route("/volumes/{id}", put(update).delete(delete))
        .actions("/volumes/{id}/actions/{action}", ACTIONS, post(act))
}

/// Does the work of an `attach_volume`; a volume that could not be attached is nobody's.
pub fn plug_in(
    account: &Account,
    store: &Store,
    id: u64,
    server: u64,
    (automount, action): (bool, u64),
) {
    let errand = Errand {
        server,
        actions: vec![action],
        after: None,
    };
    background::run_then(
        account,
        store,
        errand,
        move |machine| plug(machine, id, automount),
        move |store, went_well| {
            if !went_well {
                set_server(store, id, None);
            }
        },
    );
}

fn plug(machine: &Machine, id: u64, automount: bool) -> anyhow::Result<()> {
    volume::attach(machine, id)?;
    if automount {
        volume::automount(machine, id)?;
    }
    Ok(())
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<u64>,
    Body(wish): Body<Value>,
) -> Answer {
    super::rename(&account, VOLUMES, "volume", id, &wish)
}

async fn delete(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    let mut store = account.lock();
    let found = resource::find(&store, VOLUMES, "volume", id)?;
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
    Ok(resource::gone())
}

/// POST /volumes/{id}/actions/{action}.
async fn act(
    State(account): State<Account>,
    Path((id, action)): Path<(u64, String)>,
    Body(wish): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    resource::find(&store, VOLUMES, "volume", id)?;
    resource::unlocked(&store, "volume", id)?;
    let action = match action.as_str() {
        "attach" => attach(&account, &mut store, id, &wish)?,
        "detach" => detach(&account, &mut store, id)?,
        "resize" => resize(&account, &mut store, id, &wish)?,
        "change_protection" => resource::protect(&mut store, VOLUMES, "volume", id, &wish)?,
        other => return Err(resource::unknown_action(other)),
    };
    account.commit(&store)?;
    Ok(created(json!({ "action": action })))
}

fn attach(account: &Account, store: &mut Store, id: u64, wish: &Value) -> Result<Value, ApiError> {
    let server = request::needed("server", request::number(wish, "server")?)?;
    let automount = request::flag(wish, "automount")?.unwrap_or(false);
    let place = resource::named(store, SERVERS, "server", server)?["location"].clone();
    free(store, id, &place)?;
    resource::unlocked(store, "server", server)?;
    set_server(store, id, Some(server));
    let about = [("volume", id), ("server", server)];
    let action = actions::begin(store, "attach_volume", &about);
    plug_in(account, store, id, server, (automount, id_of(&action)));
    Ok(action)
}

/// Whether nobody has a volume, and it is where it is wanted.
pub fn free(store: &Store, id: u64, place: &Value) -> Result<(), ApiError> {
    let volume = resource::named(store, VOLUMES, "volume", id)?;
    if !volume["server"].is_null() {
        let message = "the volume is attached to a server already";
        return Err(ApiError::new(422, "volume_already_attached", message));
    }
    if volume["location"]["name"] != place["name"] {
        let message = "the volume is in another location than the server";
        return Err(ApiError::invalid("server", message));
    }
    Ok(())
}

/// Writes down who has a volume.
pub fn set_server(store: &mut Store, id: u64, server: Option<u64>) {
    if let Some(volume) = store.get_mut(VOLUMES, id) {
        volume["server"] = json!(server);
    }
}

fn detach(account: &Account, store: &mut Store, id: u64) -> Result<Value, ApiError> {
    let server = store
        .get(VOLUMES, id)
        .and_then(|volume| volume["server"].as_u64())
        .ok_or_else(|| ApiError::invalid("id", "the volume is not attached"))?;
    resource::unlocked(store, "server", server)?;
    let about = [("volume", id), ("server", server)];
    let action = actions::begin(store, "detach_volume", &about);
    let errand = Errand {
        server,
        actions: vec![id_of(&action)],
        after: None,
    };
    background::run_then(
        account,
        store,
        errand,
        move |machine| volume::detach(machine, id),
        move |store, went_well| {
            if went_well {
                set_server(store, id, None);
            }
        },
    );
    Ok(action)
}

fn resize(account: &Account, store: &mut Store, id: u64, wish: &Value) -> Result<Value, ApiError> {
    let size = volume_create::size(request::needed("size", wish.get("size"))?)?;
    let volume = resource::find(store, VOLUMES, "volume", id)?;
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

/// A server that is no more has none.
pub fn forget_server(store: &mut Store, server: u64) {
    let of_it: Vec<u64> = store
        .all(VOLUMES)
        .filter(|volume| volume["server"] == server)
        .map(id_of)
        .collect();
    for id in of_it {
        set_server(store, id, None);
    }
}
