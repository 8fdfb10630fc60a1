//! Private networks. Their parts are in `network_parts.rs`, their servers in `server_networks.rs`.

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::account::Account;
use super::cidr::Range;
use super::error::{Answer, ApiError};
use super::kind::NETWORK;
use super::network_parts::{add_route, add_subnet, delete_route, delete_subnet, range_of};
use super::reply::{created, gone};
use super::request::{self, Body};
use super::routes::{Routes, post, put};
use super::timestamp::now;
use super::{actions, resource, server_networks, view};
use crate::machine::private;
use crate::store::NETWORKS;

/// Its actions.
const ACTIONS: &[&str] = &[
    "add_subnet",
    "delete_subnet",
    "add_route",
    "delete_route",
    "change_ip_range",
    "change_protection",
];

/// Everything under `/networks`.
pub fn routes() -> Routes {
    resource::routes(NETWORK)
        .route("/networks", post(create))
        .route("/networks/{id}", put(update).delete(delete))
        .actions("/networks/{id}/actions/{action}", ACTIONS, post(act))
}

async fn create(State(account): State<Account>, Body(body): Body<Value>) -> Answer {
    let mut store = account.lock();
    let name = request::name(NETWORKS, request::needed("name", body.get("name"))?)?;
    let range = range(&body)?;
    let labels = request::labels(body.get("labels").cloned())?;
    let expose = request::flag(&body, "expose_routes_to_vswitch")?.unwrap_or(false);
    resource::unique(&store, NETWORKS, &name)?;
    let id = store.next_id();
    let mut network = json!({
        "id": id, "name": name, "ip_range": range.to_string(), "subnets": [], "routes": [], "servers": [],
        "load_balancers": [], "protection": { "delete": false }, "labels": labels, "created": now(),
        "expose_routes_to_vswitch": expose,
    });
    for subnet in request::list(&body, "subnets")? {
        add_subnet(&mut network, subnet)?;
    }
    for route in request::list(&body, "routes")? {
        add_route(&mut network, route)?;
    }
    store.insert(NETWORKS, id, network.clone());
    account.commit(&store)?;
    Ok(created(json!({ "network": network })))
}

/// The requested range of a network.
fn range(body: &Value) -> Result<Range, ApiError> {
    let text = request::needed("ip_range", request::text(body, "ip_range")?)?;
    Range::parse(text)
        .filter(|range| range.is_private() && range.length <= 24)
        .ok_or_else(|| {
            let message = "must be a private IPv4 range (RFC 1918) of at least /24";
            ApiError::invalid("ip_range", message)
        })
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<u64>,
    Body(body): Body<Value>,
) -> Answer {
    let expose = request::flag(&body, "expose_routes_to_vswitch")?;
    let answer = resource::rename(&account, NETWORK, id, &body)?;
    let Some(expose) = expose else {
        return Ok(answer);
    };
    let mut store = account.lock();
    if let Some(network) = store.get_mut(NETWORKS, id) {
        network["expose_routes_to_vswitch"] = json!(expose);
    }
    store.save()?;
    drop(store);
    view::show(&account, NETWORK, id)
}

/// Detaches all servers from a network that is deleted.
async fn delete(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    let mut store = account.lock();
    let network = resource::find(&store, NETWORK, id)?;
    resource::unprotected(network, "network")?;
    let inside = view::network(&store, network)["servers"].clone();
    for server in inside.as_array().into_iter().flatten() {
        server_networks::leave(
            &account,
            &mut store,
            server.as_u64().unwrap_or_default(),
            id,
        )?;
    }
    if let Some(lab) = account.lab() {
        private::remove(&lab, id);
    }
    store.remove(NETWORKS, id);
    account.commit(&store)?;
    Ok(gone())
}

/// POST /networks/{id}/actions/{action}.
async fn act(
    State(account): State<Account>,
    Path((id, action)): Path<(u64, String)>,
    Body(body): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    let mut network = resource::find(&store, NETWORK, id)?.clone();
    match action.as_str() {
        "add_subnet" => add_subnet(&mut network, &body)?,
        "delete_subnet" => delete_subnet(&store, &mut network, &body)?,
        "add_route" => add_route(&mut network, &body)?,
        "delete_route" => delete_route(&mut network, &body)?,
        "change_ip_range" => change_range(&mut network, &body)?,
        "change_protection" => {
            let requested = request::needed("delete", request::flag(&body, "delete")?)?;
            network["protection"] = json!({ "delete": requested });
        }
        other => return Err(ApiError::unknown_action(other)),
    }
    store.insert(NETWORKS, id, network);
    let action = actions::done(&mut store, &action, &[("network", id)]);
    account.commit(&store)?;
    Ok(created(json!({ "action": action })))
}

fn change_range(network: &mut Value, body: &Value) -> Result<(), ApiError> {
    let requested = range(body)?;
    let grows = range_of(network, "ip_range")
        .is_some_and(|had| requested.begins_as(had) && requested.length < had.length);
    if !grows {
        let message = "a range can only be extended at its end";
        return Err(ApiError::invalid("ip_range", message));
    }
    network["ip_range"] = json!(requested.to_string());
    Ok(())
}
