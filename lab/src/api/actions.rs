//! Actions: work that takes time, which clients poll.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::account::Account;
use super::error::{Answer, ApiError};
use super::listing::{self, Query};
use super::timestamp::{now, written};
use crate::store::{ACTIONS, Store, id_of};

/// Records a running action; pass its id to `finish`.
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
    store.pace.begin(id, command);
    action
}

/// Records an action that finishes at once.
pub fn done(store: &mut Store, command: &str, resources: &[(&str, u64)]) -> Value {
    let action = begin(store, command, resources);
    let id = id_of(&action);
    finish(store, id, None);
    store
        .get(ACTIONS, id)
        .map_or(action, |action| shown(store, action))
}

/// Ends an action with success, or with an error. An action that is ordered to fail always fails.
pub fn finish(store: &mut Store, id: u64, error: Option<&str>) {
    let failure = store.pace.failure(id).cloned();
    let error = failure.map_or_else(
        || error.map(|message| json!({ "code": "action_failed", "message": message })),
        |failure| Some(json!({ "code": failure.code, "message": failure.message })),
    );
    let finished = written(OffsetDateTime::now_utc() + store.pace.left(id));
    if let Some(action) = store.get_mut(ACTIONS, id) {
        action["status"] = json!(if error.is_some() { "error" } else { "success" });
        action["progress"] = json!(100);
        action["finished"] = json!(finished);
        action["error"] = json!(error);
    }
}

/// The error that an action is ordered to end with.
pub fn failure(store: &Store, id: Option<&u64>) -> Option<String> {
    Some(store.pace.failure(*id?)?.message.clone())
}

/// How long the slowest of these actions still has to take.
pub fn left(store: &Store, ids: &[u64]) -> Duration {
    let left = ids.iter().map(|id| store.pace.left(*id));
    left.max().unwrap_or_default()
}

/// Whether one of these actions is held.
pub fn are_held(store: &Store, ids: &[u64]) -> bool {
    ids.iter().any(|id| store.pace.is_held(*id))
}

/// An action as the API shows it. If its work is done, it still shows as running until its least time is over and it is released.
pub fn shown(store: &Store, action: &Value) -> Value {
    let mut action = action.clone();
    let Some(progress) = store.pace.progress(id_of(&action)) else {
        return action;
    };
    if action["status"] == "running" || progress < 100 {
        action["status"] = json!("running");
        action["progress"] = json!(progress.min(99));
        action["finished"] = Value::Null;
        action["error"] = Value::Null;
    }
    action
}

/// All actions as the API shows them.
pub fn all(store: &Store) -> Vec<Value> {
    store
        .all(ACTIONS)
        .map(|action| shown(store, action))
        .collect()
}

/// GET /actions: only by id, since January 2025.
pub async fn list(State(account): State<Account>, query: Query) -> Answer {
    if listing::value(&query, "id").is_none() {
        return Err(ApiError::invalid("id", "at least one id is needed"));
    }
    listing::list(ACTIONS, all(&account.lock()).iter(), &query)
}

pub async fn get(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    by_id(&account, id)
}

fn by_id(account: &Account, id: u64) -> Answer<Response> {
    let store = account.lock();
    let action = store
        .get(ACTIONS, id)
        .ok_or_else(|| ApiError::not_found("action"))?;
    Ok(Json(json!({ "action": shown(&store, action) })).into_response())
}

/// All actions of a kind of resource; the lab does not separate them.
pub async fn list_all(State(account): State<Account>, query: Query) -> Answer {
    listing::list(ACTIONS, all(&account.lock()).iter(), &query)
}

fn is_about(action: &Value, kind: &str, id: u64) -> bool {
    let resource = json!({ "id": id, "type": kind });
    action["resources"]
        .as_array()
        .is_some_and(|list| list.contains(&resource))
}

/// The actions of one resource.
pub fn list_of(account: &Account, kind: &str, id: u64, query: &[(String, String)]) -> Answer {
    let all = all(&account.lock());
    listing::list(
        ACTIONS,
        all.iter().filter(|action| is_about(action, kind, id)),
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
        by_id(account, action)
    } else {
        Err(ApiError::not_found("action"))
    }
}

/// Whether an action is running on a resource.
pub fn running_on(store: &Store, kind: &str, id: u64) -> bool {
    let mut about = store
        .all(ACTIONS)
        .filter(|action| is_about(action, kind, id));
    about.any(|action| shown(store, action)["status"] == "running")
}
