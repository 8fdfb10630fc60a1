//! The resources of firewalls: servers by id or by label.

use serde_json::{Value, json};

use super::error::ApiError;
use super::firewall_scope::stands_before;
use super::{actions, selector};
use crate::store::{FIREWALLS, SERVERS, Store, id_of};

/// Hetzner's own limit.
const PER_SERVER: usize = 5;

/// Reads the resources of a call in the form in which they are stored.
pub fn resources(store: &Store, requested: &[Value]) -> Result<Vec<Value>, ApiError> {
    requested.iter().map(|body| resource(store, body)).collect()
}

fn resource(store: &Store, body: &Value) -> Result<Value, ApiError> {
    match body["type"].as_str() {
        Some("server") => {
            let id = body["server"]["id"]
                .as_u64()
                .ok_or_else(|| ApiError::invalid("server", "its id is missing"))?;
            if store.get(SERVERS, id).is_none() {
                return Err(ApiError::new(
                    404,
                    "firewall_resource_not_found",
                    format!("server {id} not found"),
                ));
            }
            Ok(json!({ "type": "server", "server": { "id": id } }))
        }
        Some("label_selector") => {
            let text = body["label_selector"]["selector"]
                .as_str()
                .filter(|text| !text.is_empty());
            let text =
                text.ok_or_else(|| ApiError::invalid("label_selector", "its selector is missing"))?;
            selector::matches(&json!({ "labels": {} }), text)?;
            Ok(json!({ "type": "label_selector", "label_selector": { "selector": text } }))
        }
        _ => Err(ApiError::invalid(
            "type",
            "must be server or label_selector",
        )),
    }
}

/// Applies a firewall to resources.
pub fn apply(store: &mut Store, id: u64, resources: Vec<Value>) -> Result<Vec<Value>, ApiError> {
    for resource in &resources {
        if applied(store, id).contains(resource) {
            return Err(ApiError::new(
                422,
                "firewall_already_applied",
                "firewall is already applied to this resource",
            ));
        }
        if let Some(server) = store.get(
            SERVERS,
            resource["server"]["id"].as_u64().unwrap_or_default(),
        ) && store
            .all(FIREWALLS)
            .filter(|firewall| stands_before(firewall, server))
            .count()
            >= PER_SERVER
        {
            return Err(ApiError::new(
                403,
                "resource_limit_exceeded",
                "a server may have 5 firewalls",
            ));
        }
    }
    Ok(resources
        .into_iter()
        .map(|resource| change(store, id, "apply_firewall", resource))
        .collect())
}

/// Removes it from them.
pub fn remove(store: &mut Store, id: u64, resources: Vec<Value>) -> Result<Vec<Value>, ApiError> {
    if let Some(resource) = resources
        .iter()
        .find(|resource| !applied(store, id).contains(resource))
    {
        return Err(ApiError::new(
            422,
            "firewall_already_removed",
            format!("firewall is not applied to {resource}"),
        ));
    }
    Ok(resources
        .into_iter()
        .map(|resource| change(store, id, "remove_firewall", resource))
        .collect())
}

fn applied(store: &Store, id: u64) -> Vec<Value> {
    store
        .get(FIREWALLS, id)
        .and_then(|firewall| firewall["applied_to"].as_array().cloned())
        .unwrap_or_default()
}

/// Applies a firewall to a resource, or removes it. Returns the action.
fn change(store: &mut Store, id: u64, command: &str, resource: Value) -> Value {
    let mut about = vec![("firewall", id)];
    about.extend(
        resource["server"]["id"]
            .as_u64()
            .map(|server| ("server", server)),
    );
    if let Some(list) = store
        .get_mut(FIREWALLS, id)
        .and_then(|firewall| firewall["applied_to"].as_array_mut())
    {
        list.retain(|kept| *kept != resource);
        if command == "apply_firewall" {
            list.push(resource);
        }
    }
    actions::done(store, command, &about)
}

/// Applies a firewall to a new server.
pub fn add_server(store: &mut Store, firewall: u64, server: u64) {
    change(
        store,
        firewall,
        "apply_firewall",
        json!({ "type": "server", "server": { "id": server } }),
    );
}

/// Removes a deleted server from all firewalls.
pub fn forget_server(store: &mut Store, server: u64) {
    let resource = json!({ "type": "server", "server": { "id": server } });
    let ids: Vec<u64> = store.all(FIREWALLS).map(id_of).collect();
    for id in ids {
        if let Some(list) = store
            .get_mut(FIREWALLS, id)
            .and_then(|firewall| firewall["applied_to"].as_array_mut())
        {
            list.retain(|kept| *kept != resource);
        }
    }
}
