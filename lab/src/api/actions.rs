//! Actions: what takes time, told by polling.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error::{Answer, ApiError};
use super::listing::{self, Query};
use super::{Account, now};
use crate::store::{ACTIONS, Store};

/// Records an action that runs; give its id to `finish`.
pub fn begin(store: &mut Store, command: &str, resources: &[(&str, u64)]) -> Value {
    let id = store.next_id();
    let resources: Vec<Value> = resources
        .iter()
        .map(|(kind, id)| json!({ "id": id, "type": kind }))
        .collect();
    let action = json!({
        "id": id, "command": command, "status": "running", "progress": 0,
        "started": now(), "finished": null, "resources": resources, "error": null,
    });
    store.insert(ACTIONS, id, action.clone());
    action
}

/// An action that is over as soon as it is asked for.
pub fn done(store: &mut Store, command: &str, resources: &[(&str, u64)]) -> Value {
    let action = begin(store, command, resources);
    let id = crate::store::id_of(&action);
    finish(store, id, None);
    store.get(ACTIONS, id).cloned().unwrap_or(action)
}

/// Ends an action well, or with an error's message.
pub fn finish(store: &mut Store, id: u64, error: Option<&str>) {
    if let Some(action) = store.get_mut(ACTIONS, id) {
        action["status"] = json!(if error.is_some() { "error" } else { "success" });
        action["progress"] = json!(100);
        action["finished"] = json!(now());
        action["error"] = error.map_or(
            Value::Null,
            |message| json!({ "code": "action_failed", "message": message }),
        );
    }
}

/// GET /actions: only those asked for by id, since January 2025.
pub async fn list(State(account): State<Account>, query: Query) -> Answer {
    if listing::value(&query, "id").is_none() {
        return Err(ApiError::invalid("id", "at least one id is needed"));
    }
    listing::list(ACTIONS, account.lock().all(ACTIONS), &query)
}

pub async fn get(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    one(&account, id)
}

fn one(account: &Account, id: u64) -> Answer<Response> {
    let store = account.lock();
    let action = store
        .get(ACTIONS, id)
        .ok_or_else(|| ApiError::not_found("action"))?;
    Ok(Json(json!({ "action": action })).into_response())
}

/// All actions of a kind of resource; the lab does not keep them apart.
pub async fn list_all(State(account): State<Account>, query: Query) -> Answer {
    listing::list(ACTIONS, account.lock().all(ACTIONS), &query)
}

fn is_about(action: &Value, kind: &str, id: u64) -> bool {
    let resource = json!({ "id": id, "type": kind });
    action["resources"]
        .as_array()
        .is_some_and(|list| list.contains(&resource))
}

/// The actions of one resource.
pub fn list_of(account: &Account, kind: &str, id: u64, query: &[(String, String)]) -> Answer {
    let store = account.lock();
    listing::list(
        ACTIONS,
        store
            .all(ACTIONS)
            .filter(|action| is_about(action, kind, id)),
        query,
    )
}

/// One action of one resource.
pub fn get_of(account: &Account, kind: &str, id: u64, action: u64) -> Answer {
    let about = account
        .lock()
        .get(ACTIONS, action)
        .is_some_and(|action| is_about(action, kind, id));
    if about {
        one(account, action)
    } else {
        Err(ApiError::not_found("action"))
    }
}

/// Whether an action holds a resource.
pub fn running_on(store: &Store, kind: &str, id: u64) -> bool {
    store
        .all(ACTIONS)
        .any(|action| action["status"] == "running" && is_about(action, kind, id))
}
