//! Rebuild, and change of the server type.

use serde_json::{Value, json};

use super::account::Account;
use super::background::{self, MachineJob};
use super::error::ApiError;
use super::kind::SERVER;
use super::{actions, catalogue, images, request, resource, server_state};
use crate::machine::Bootstrap;
use crate::store::{SERVERS, Store, id_of};

/// Gives a server the disk of an image, and the same keys and data as when it was created.
pub fn rebuild(
    account: &Account,
    store: &mut Store,
    id: u64,
    body: &Value,
) -> Result<Value, ApiError> {
    let server = resource::find(store, SERVER, id)?;
    if server["protection"]["rebuild"] == true {
        let message = "server rebuild is protected";
        return Err(ApiError::new(423, "protected", message));
    }
    let image = request::needed("image", body.get("image"))?;
    let image = images::usable(store, image, &server["server_type"], account.has_machines())?;
    images::fits(&image, server["primary_disk_size"].as_u64())?;
    let user_data = request::text(body, "user_data")?;
    request::user_data(user_data)?;

    let before = store.bootstraps.get(&id).cloned().unwrap_or_default();
    let bootstrap = Bootstrap {
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
    let password = bootstrap.root_password.clone();
    store.bootstraps.insert(id, bootstrap.clone());
    Ok(json!({ "action": begin(account, store, bootstrap, image), "root_password": password }))
}

fn begin(account: &Account, store: &mut Store, bootstrap: Bootstrap, image: Value) -> Value {
    if let Some(server) = store.get_mut(SERVERS, bootstrap.id) {
        server["status"] = json!("rebuilding");
        server["image"] = image;
    }
    let action = actions::begin(store, "rebuild_server", &[("server", bootstrap.id)]);
    let job = MachineJob {
        server: bootstrap.id,
        actions: vec![id_of(&action)],
        after: Some("running"),
    };
    background::run(account, store, job, move |machine| {
        machine.rebuild(&bootstrap)
    });
    action
}

/// Changes the type of a server that is off; it stays off.
pub fn change_type(
    account: &Account,
    store: &mut Store,
    id: u64,
    body: &Value,
) -> Result<Value, ApiError> {
    let upgrade = request::needed("upgrade_disk", request::flag(body, "upgrade_disk")?)?;
    let name = request::needed("server_type", body.get("server_type"))?;
    let requested = catalogue::find("server_types", name)
        .ok_or_else(|| ApiError::invalid("server_type", "server type not found"))?;
    let server = resource::find(store, SERVER, id)?;
    server_state::must_be_off(account, store, server)?;
    fits(server, &account.controls().offers.of(requested))?;
    let memory_bytes = catalogue::memory_bytes(requested);
    let traffic = catalogue::included_traffic(requested, &server["location"]);
    if let Some(server) = store.get_mut(SERVERS, id) {
        server["status"] = json!("migrating");
        server["server_type"] = requested.clone();
        server["included_traffic"] = traffic;
        if upgrade {
            server["primary_disk_size"] = requested["disk"].clone();
        }
    }
    if let Some(bootstrap) = store.bootstraps.get_mut(&id) {
        bootstrap.memory_bytes = memory_bytes;
    }
    let action = actions::begin(store, "change_server_type", &[("server", id)]);
    let job = MachineJob {
        server: id,
        actions: vec![id_of(&action)],
        after: Some("off"),
    };
    background::run(account, store, job, move |machine| {
        machine.configure(|settings| settings.memory_bytes = memory_bytes)
    });
    Ok(action)
}

/// Whether a server can be changed to another type.
fn fits(server: &Value, requested: &Value) -> Result<(), ApiError> {
    let refused = |message: &str| Err(ApiError::new(422, "invalid_server_type", message));
    let had = &server["server_type"];
    if requested["id"] == had["id"] {
        return refused("the server has this type already");
    }
    if ["architecture", "storage_type"]
        .iter()
        .any(|key| requested[key] != had[key])
    {
        return refused("the server type has another architecture or storage");
    }
    if requested["disk"].as_u64() < server["primary_disk_size"].as_u64() {
        return refused("the disk of the server type is too small; disks cannot shrink");
    }
    if catalogue::is_retired(requested, &server["location"]) {
        return refused("the server type is deprecated");
    }
    catalogue::check_orderable(requested, &server["location"])
}
