//! Servers as they are looked at and named; what is done to them is in the files beside.

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::error::{Answer, ApiError};
use super::listing::{self, Query};
use super::request::Body;
use super::{Account, actions, firewall_resources};
use crate::store::{FIREWALLS, SERVERS, Store, id_of};

pub async fn list(State(account): State<Account>, query: Query) -> Answer {
    let store = account.lock();
    let all: Vec<Value> = store
        .all(SERVERS)
        .map(|server| shown(&account, &store, server))
        .collect();
    listing::list(SERVERS, all.iter(), &query)
}

pub async fn get(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    super::show(&account, SERVERS, "server", id)
}

pub async fn update(
    State(account): State<Account>,
    Path(id): Path<u64>,
    Body(wish): Body<Value>,
) -> Answer {
    super::rename(&account, SERVERS, "server", id, &wish)
}

pub async fn list_actions(
    State(account): State<Account>,
    Path(id): Path<u64>,
    query: Query,
) -> Answer {
    if account.lock().get(SERVERS, id).is_none() {
        return Err(ApiError::not_found("server"));
    }
    actions::list_of(&account, "server", id, &query)
}

pub async fn get_action(
    State(account): State<Account>,
    Path((server, action)): Path<(u64, u64)>,
) -> Answer {
    actions::get_of(&account, "server", server, action)
}

/// A server with what follows from elsewhere: whether its machine runs, and its firewalls.
pub fn shown(account: &Account, store: &Store, server: &Value) -> Value {
    let id = id_of(server);
    let mut server = server.clone();
    if server["status"] == "running"
        && account
            .machine(store, id)
            .is_some_and(|machine| !machine.is_running())
    {
        server["status"] = json!("off");
    }
    server["locked"] = json!(actions::running_on(store, "server", id));
    let before = store
        .all(FIREWALLS)
        .filter(|firewall| firewall_resources::stands_before(firewall, &server));
    server["public_net"]["firewalls"] = before
        .map(|firewall| json!({ "id": id_of(firewall), "status": "applied" }))
        .collect();
    server
}
