//! Objects as the API shows them: some of what it shows follows from other objects.

use axum::Json;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::account::Account;
use super::error::{Answer, ApiError};
use super::kind::Kind;
use super::{actions, addresses, firewall_scope, membership, selector, server_state};
use crate::store::{FIREWALLS, NETWORKS, SERVERS, Store, VOLUMES, id_of};

/// An object as the API shows it.
pub fn object(account: &Account, store: &Store, kind: &str, kept: &Value) -> Value {
    match kind {
        SERVERS => server(account, store, kept),
        FIREWALLS => firewall(store, kept),
        NETWORKS => network(store, kept),
        _ => kept.clone(),
    }
}

/// One object under its singular.
pub fn show(account: &Account, kind: Kind, id: u64) -> Answer {
    let store = account.lock();
    let found = store
        .get(kind.plural, id)
        .ok_or_else(|| ApiError::not_found(kind.singular))?;
    Ok(Json(json!({ kind.singular: object(account, &store, kind.plural, found) })).into_response())
}

/// A server with its status, addresses, volumes and firewalls.
pub fn server(account: &Account, store: &Store, server: &Value) -> Value {
    let id = id_of(server);
    let mut server = server.clone();
    server["status"] = server_state::status(account, store, &server);
    server["locked"] = json!(actions::running_on(store, "server", id));
    server["public_net"] = addresses::public_net(store, id);
    let before = store
        .all(FIREWALLS)
        .filter(|firewall| firewall_scope::stands_before(firewall, &server));
    server["public_net"]["firewalls"] = before
        .map(|firewall| json!({ "id": id_of(firewall), "status": "applied" }))
        .collect();
    let volumes = store.all(VOLUMES).filter(|volume| volume["server"] == id);
    server["volumes"] = volumes.map(id_of).collect();
    server
}

/// A firewall with the servers that its label selectors match now.
pub fn firewall(store: &Store, firewall: &Value) -> Value {
    let mut firewall = firewall.clone();
    for resource in firewall["applied_to"].as_array_mut().into_iter().flatten() {
        let Some(text) = resource["label_selector"]["selector"]
            .as_str()
            .map(str::to_owned)
        else {
            continue;
        };
        let reached = store
            .all(SERVERS)
            .filter(|server| selector::matches(server, &text).unwrap_or(false));
        resource["applied_to_resources"] = reached
            .map(|server| json!({ "type": "server", "server": { "id": server["id"] } }))
            .collect();
    }
    firewall
}

/// A network with the servers that are in it.
pub fn network(store: &Store, network: &Value) -> Value {
    let mut network = network.clone();
    let id = id_of(&network);
    let inside = |server: &&Value| membership::of(server, id).is_some();
    network["servers"] = store.all(SERVERS).filter(inside).map(id_of).collect();
    network
}
