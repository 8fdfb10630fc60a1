//! What changes all of a server: another disk, and another type.

use serde_json::{Value, json};

use super::account::Account;
use super::background::{self, Errand};
use super::error::ApiError;
use super::{actions, catalogue, images, request, resource, server_state};
use crate::machine::Birth;
use crate::store::{SERVERS, Store, id_of};

/// Gives a server the disk of an image, and everything that it was born with once more.
pub fn rebuild(
    account: &Account,
    store: &mut Store,
    id: u64,
    wish: &Value,
) -> Result<Value, ApiError> {
    let server = resource::find(store, SERVERS, "server", id)?;
    if server["protection"]["rebuild"] == true {
        let message = "server rebuild is protected";
        return Err(ApiError::new(423, "protected", message));
    }
    let image = request::needed("image", wish.get("image"))?;
    let image = images::usable(store, image, &server["server_type"], account.has_machines())?;
    images::fits(&image, server["primary_disk_size"].as_u64())?;
    let user_data = request::text(wish, "user_data")?;
    request::user_data(user_data)?;

    let before = store.births.get(&id).cloned().unwrap_or_default();
    let birth = Birth {
        id,
        name: server["name"].as_str().unwrap_or_default().to_owned(),
        user_data: user_data.map_or(before.user_data, str::to_owned),
        root_password: before
            .public_keys
            .is_empty()
            .then(server_state::new_password),
        snapshot: images::disk(&image),
        ..before
    };
    let password = birth.root_password.clone();
    store.births.insert(id, birth.clone());
    Ok(json!({ "action": begin(account, store, birth, image), "root_password": password }))
}

fn begin(account: &Account, store: &mut Store, birth: Birth, image: Value) -> Value {
    if let Some(server) = store.get_mut(SERVERS, birth.id) {
        server["status"] = json!("rebuilding");
        server["image"] = image;
    }
    let action = actions::begin(store, "rebuild_server", &[("server", birth.id)]);
    let errand = Errand {
        server: birth.id,
        actions: vec![id_of(&action)],
        after: Some("running"),
    };
    background::run(account, store, errand, move |machine| {
        machine.rebuild(&birth)
    });
    action
}

/// Moves a server that is off to another type; it stays off.
pub fn change_type(
    account: &Account,
    store: &mut Store,
    id: u64,
    wish: &Value,
) -> Result<Value, ApiError> {
    let upgrade = request::needed("upgrade_disk", request::flag(wish, "upgrade_disk")?)?;
    let name = request::needed("server_type", wish.get("server_type"))?;
    let wished = catalogue::find("server_types", name)
        .ok_or_else(|| ApiError::invalid("server_type", "server type not found"))?;
    let server = resource::find(store, SERVERS, "server", id)?;
    server_state::must_be_off(account, store, server)?;
    fits(server, &account.controls().offers.of(wished))?;
    let memory_bytes = catalogue::memory_bytes(wished);
    let traffic = catalogue::included_traffic(wished, &server["location"]);
    if let Some(server) = store.get_mut(SERVERS, id) {
        server["status"] = json!("migrating");
        server["server_type"] = wished.clone();
        server["included_traffic"] = traffic;
        if upgrade {
            server["primary_disk_size"] = wished["disk"].clone();
        }
    }
    if let Some(birth) = store.births.get_mut(&id) {
        birth.memory_bytes = memory_bytes;
    }
    let action = actions::begin(store, "change_server_type", &[("server", id)]);
    let errand = Errand {
        server: id,
        actions: vec![id_of(&action)],
        after: Some("off"),
    };
    background::run(account, store, errand, move |machine| {
        machine.configure(|settings| settings.memory_bytes = memory_bytes)
    });
    Ok(action)
}

/// Whether a server can become one of another type.
fn fits(server: &Value, wished: &Value) -> Result<(), ApiError> {
    let refused = |message: &str| Err(ApiError::new(422, "invalid_server_type", message));
    let had = &server["server_type"];
    if wished["id"] == had["id"] {
        return refused("the server has this type already");
    }
    if ["architecture", "storage_type"]
        .iter()
        .any(|key| wished[key] != had[key])
    {
        return refused("the server type has another architecture or storage");
    }
    if wished["disk"].as_u64() < server["primary_disk_size"].as_u64() {
        return refused("the disk of the server type is too small; disks cannot shrink");
    }
    if catalogue::is_retired(wished, &server["location"]) {
        return refused("the server type is deprecated");
    }
    catalogue::check_orderable(wished, &server["location"])
}
