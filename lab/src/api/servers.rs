//! Servers as they are looked at and named; what is done to them is in the files beside.

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::error::{Answer, ApiError};
use super::request::Body;
use super::routes::{Routes, post, put};
use super::{
    Account, actions, addresses, firewall_resources, resource, server_actions, server_create,
};
use crate::store::{FIREWALLS, SERVERS, Store, VOLUMES, id_of};

/// Everything under `/servers`.
pub fn routes() -> Routes {
    resource::routes(SERVERS, "server")
        .route("/servers", post(server_create::create))
        .route("/servers/{id}", put(update).delete(server_actions::delete))
        .actions(
            "/servers/{id}/actions/{action}",
            server_actions::NAMES,
            post(server_actions::act),
        )
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<u64>,
    Body(wish): Body<Value>,
) -> Answer {
    super::rename(&account, SERVERS, "server", id, &wish)
}

/// A server with what follows from elsewhere: whether its machine runs, its addresses, volumes and
/// firewalls.
pub fn shown(account: &Account, store: &Store, server: &Value) -> Value {
    let id = id_of(server);
    let mut server = server.clone();
    server["status"] = status(account, store, &server);
    server["locked"] = json!(actions::running_on(store, "server", id));
    server["public_net"] = addresses::public_net(store, id);
    let before = store
        .all(FIREWALLS)
        .filter(|firewall| firewall_resources::stands_before(firewall, &server));
    server["public_net"]["firewalls"] = before
        .map(|firewall| json!({ "id": id_of(firewall), "status": "applied" }))
        .collect();
    let volumes = store.all(VOLUMES).filter(|volume| volume["server"] == id);
    server["volumes"] = volumes.map(id_of).collect();
    server
}

fn status(account: &Account, store: &Store, server: &Value) -> Value {
    let stopped = server["status"] == "running"
        && account
            .machine(store, id_of(server))
            .is_some_and(|machine| !machine.is_running());
    if stopped {
        json!("off")
    } else {
        server["status"].clone()
    }
}

/// Whether a server is off.
pub fn is_off(account: &Account, store: &Store, server: &Value) -> bool {
    status(account, store, server) == "off"
}

/// 422 when a server that has to be off is not.
pub fn off(account: &Account, store: &Store, server: &Value) -> Result<(), ApiError> {
    if is_off(account, store, server) {
        return Ok(());
    }
    let message = "server must be stopped for this";
    Err(ApiError::new(422, "server_not_stopped", message))
}
