//! Attaches volumes to servers, and detaches them.

use serde_json::{Value, json};

use super::account::Account;
use super::background::{self, MachineJob};
use super::error::ApiError;
use super::{actions, request, resource};
use crate::machine::{Machine, volume};
use crate::store::{SERVERS, Store, VOLUMES, id_of};

/// A volume on its way to a server.
pub struct Attachment {
    pub volume: u64,
    pub server: u64,
    pub automount: bool,
    /// The `attach_volume` that ends with it.
    pub action: u64,
}

/// Does the work of an `attach_volume`. If it fails, the volume has no server.
pub fn plug_in(
    account: &Account,
    store: &Store,
    Attachment {
        volume,
        server,
        automount,
        action,
    }: Attachment,
) {
    let job = MachineJob {
        server,
        actions: vec![action],
        after: None,
    };
    background::run_then(
        account,
        store,
        job,
        move |machine| plug(machine, volume, automount),
        move |store, went_well| {
            if !went_well {
                set_server(store, volume, None);
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
    body: &Value,
) -> Result<Value, ApiError> {
    let server = request::needed("server", request::number(body, "server")?)?;
    let automount = request::flag(body, "automount")?.unwrap_or(false);
    let place = resource::named(store, SERVERS, "server", server)?["location"].clone();
    free(store, id, &place)?;
    resource::unlocked(store, "server", server)?;
    set_server(store, id, Some(server));
    let about = [("volume", id), ("server", server)];
    let action = actions::begin(store, "attach_volume", &about);
    let attachment = Attachment {
        volume: id,
        server,
        automount,
        action: id_of(&action),
    };
    plug_in(account, store, attachment);
    Ok(action)
}

/// Whether a volume is free and in the right location.
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

/// Stores the server of a volume.
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
    let job = MachineJob {
        server,
        actions: vec![id_of(&action)],
        after: None,
    };
    background::run_then(
        account,
        store,
        job,
        move |machine| volume::detach(machine, id),
        move |store, went_well| {
            if went_well {
                set_server(store, id, None);
            }
        },
    );
    Ok(action)
}

/// Frees the volumes of a deleted server.
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
