//! Which server has a volume, and how it gets it.

use serde_json::{Value, json};

use super::account::Account;
use super::background::{self, Errand};
use super::error::ApiError;
use super::{actions, request, resource};
use crate::machine::{Machine, volume};
use crate::store::{SERVERS, Store, VOLUMES, id_of};

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

/// The action `attach`.
pub fn attach(
    account: &Account,
    store: &mut Store,
    id: u64,
    wish: &Value,
) -> Result<Value, ApiError> {
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

/// The action `detach`.
pub fn detach(account: &Account, store: &mut Store, id: u64) -> Result<Value, ApiError> {
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
