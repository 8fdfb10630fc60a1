//! Firewalls.

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::account::Account;
use super::error::{Answer, ApiError};
use super::firewall_resources::{apply, remove, resources};
use super::kind::FIREWALL;
use super::listing::{self, Query};
use super::reply::{created, gone};
use super::request::{self, Body};
use super::routes::{Routes, get};
use super::timestamp::now;
use super::{actions, firewall_rules, resource, view};
use crate::store::FIREWALLS;

/// The actions of a firewall.
const ACTIONS: &[&str] = &["set_rules", "apply_to_resources", "remove_from_resources"];

pub fn routes() -> Routes {
    Routes::new()
        .route("/firewalls", get(list).post(create))
        .route("/firewalls/{id}", get(get_one).put(update).delete(delete))
        .route("/firewalls/{id}/actions", get(list_actions))
        .route("/firewalls/actions", get(actions::list_all))
        .route("/firewalls/actions/{id}", get(actions::get))
        .actions(
            "/firewalls/{id}/actions/{action}",
            ACTIONS,
            get(get_action).post(act),
        )
}

#[derive(Deserialize)]
struct Create {
    name: Value,
    rules: Option<Vec<Value>>,
    labels: Option<Value>,
    apply_to: Option<Vec<Value>>,
}

async fn list(State(account): State<Account>, query: Query) -> Answer {
    let store = account.lock();
    let all: Vec<Value> = store
        .all(FIREWALLS)
        .map(|firewall| view::firewall(&store, firewall))
        .collect();
    listing::list(FIREWALLS, all.iter(), &query)
}

async fn get_one(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    view::show(&account, FIREWALL, id)
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<u64>,
    Body(body): Body<Value>,
) -> Answer {
    resource::rename(&account, FIREWALL, id, &body)
}

async fn create(State(account): State<Account>, Body(body): Body<Create>) -> Answer {
    let mut store = account.lock();
    let name = request::name(FIREWALLS, &body.name)?;
    let rules = firewall_rules::read(body.rules.as_deref().unwrap_or_default())?;
    let resources = resources(&store, body.apply_to.as_deref().unwrap_or_default())?;
    let labels = request::labels(body.labels)?;
    if store.by_name(FIREWALLS, &name).is_some() {
        return Err(ApiError::not_unique("name"));
    }
    let id = store.next_id();
    let has_rules = !rules.is_empty();
    let firewall = json!({ "id": id, "name": name, "labels": labels, "created": now(), "rules": rules, "applied_to": [] });
    store.insert(FIREWALLS, id, firewall);
    let mut begun = Vec::new();
    if has_rules {
        begun.push(actions::done(
            &mut store,
            "set_firewall_rules",
            &[("firewall", id)],
        ));
    }
    begun.extend(apply(&mut store, id, resources)?);
    account.commit(&store)?;
    let firewall = store
        .get(FIREWALLS, id)
        .map(|firewall| view::firewall(&store, firewall));
    Ok(created(json!({ "firewall": firewall, "actions": begun })))
}

async fn delete(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    let mut store = account.lock();
    let firewall = store
        .get(FIREWALLS, id)
        .ok_or_else(|| ApiError::not_found("firewall"))?;
    if firewall["applied_to"]
        .as_array()
        .is_some_and(|list| !list.is_empty())
    {
        return Err(ApiError::new(
            422,
            "resource_in_use",
            "firewall is still applied to a resource",
        ));
    }
    store.remove(FIREWALLS, id);
    account.commit(&store)?;
    Ok(gone())
}

async fn list_actions(State(account): State<Account>, Path(id): Path<u64>, query: Query) -> Answer {
    if account.lock().get(FIREWALLS, id).is_none() {
        return Err(ApiError::not_found("firewall"));
    }
    actions::list_of(&account, "firewall", id, &query)
}

async fn get_action(
    State(account): State<Account>,
    Path((firewall, action)): Path<(u64, u64)>,
) -> Answer {
    actions::get_of(&account, "firewall", firewall, action)
}

/// POST /firewalls/{id}/actions/{action}.
async fn act(
    State(account): State<Account>,
    Path((id, action)): Path<(u64, String)>,
    Body(body): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    if store.get(FIREWALLS, id).is_none() {
        return Err(ApiError::not_found("firewall"));
    }
    let given = |key: &str| {
        body[key]
            .as_array()
            .cloned()
            .ok_or_else(|| ApiError::invalid(key, "is missing"))
    };
    let begun = match action.as_str() {
        "set_rules" => {
            let rules = firewall_rules::read(&given("rules")?)?;
            if let Some(firewall) = store.get_mut(FIREWALLS, id) {
                firewall["rules"] = json!(rules);
            }
            vec![actions::done(
                &mut store,
                "set_firewall_rules",
                &[("firewall", id)],
            )]
        }
        "apply_to_resources" => {
            let wanted = resources(&store, &given("apply_to")?)?;
            apply(&mut store, id, wanted)?
        }
        "remove_from_resources" => {
            let wanted = resources(&store, &given("remove_from")?)?;
            remove(&mut store, id, wanted)?
        }
        other => return Err(ApiError::unknown_action(other)),
    };
    account.commit(&store)?;
    Ok(created(json!({ "actions": begun })))
}
