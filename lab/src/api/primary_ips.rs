//! Primary IPs: created with a server, or ordered separately to outlive servers.

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::account::Account;
use super::error::{Answer, ApiError};
use super::kind::PRIMARY_IP;
use super::reply::{created, gone};
use super::request::{self, Body};
use super::routes::{Routes, post, put};
use super::{actions, addresses, catalogue, resource, server_state, view};
use crate::store::{PRIMARY_IPS, SERVERS, Store, id_of};

/// Its actions.
const ACTIONS: &[&str] = &["assign", "unassign", "change_dns_ptr", "change_protection"];

/// Everything under `/primary_ips`.
pub fn routes() -> Routes {
    resource::routes(PRIMARY_IP)
        .route("/primary_ips", post(create))
        .route("/primary_ips/{id}", put(update).delete(delete))
        .actions("/primary_ips/{id}/actions/{action}", ACTIONS, post(act))
}

#[derive(Deserialize)]
struct Create {
    name: Value,
    r#type: String,
    location: Option<Value>,
    assignee_id: Option<u64>,
    assignee_type: Option<String>,
    auto_delete: Option<bool>,
    labels: Option<Value>,
}

async fn create(State(account): State<Account>, Body(body): Body<Create>) -> Answer {
    let mut store = account.lock();
    let name = request::name(PRIMARY_IPS, &body.name)?;
    let kind = request::one_of("type", &body.r#type, &["ipv4", "ipv6"])?;
    if let Some(word) = &body.assignee_type {
        request::one_of("assignee_type", word, &["server", "unassigned"])?;
    }
    let labels = request::labels(body.labels)?;
    resource::unique(&store, PRIMARY_IPS, &name)?;
    let location = match body.assignee_id {
        Some(server) => takes(&account, &store, server, kind)?,
        None => location(body.location.as_ref())?,
    };
    let new = addresses::New {
        name: Some(name),
        kind,
        host: addresses::free(&store)?,
        location: &location,
        server: body.assignee_id,
        auto_delete: body.auto_delete.unwrap_or(false),
        labels,
    };
    let id = addresses::make(&mut store, account.numbering(), new);
    let mut answer = json!({ "primary_ip": store.get(PRIMARY_IPS, id) });
    if let Some(server) = body.assignee_id {
        readdress(&account, &store, server)?;
        answer["action"] = record_action(&mut store, "assign_primary_ip", id, server);
    }
    account.commit(&store)?;
    Ok(created(answer))
}

fn location(body: Option<&Value>) -> Result<Value, ApiError> {
    let body = body
        .filter(|value| !value.is_null())
        .ok_or_else(|| ApiError::invalid("location", "is missing"))?;
    catalogue::find("locations", body)
        .cloned()
        .ok_or_else(|| ApiError::invalid("location", "location not found"))
}

/// The location of a server, if it can take an address of this kind.
fn takes(account: &Account, store: &Store, server: u64, kind: &str) -> Result<Value, ApiError> {
    let found = resource::named(store, SERVERS, "assignee_id", server)?;
    server_state::must_be_off(account, store, found)?;
    if store.primary_ip(server, kind).is_some() {
        let (code, name) = if kind == "ipv4" {
            ("server_has_ipv4", "an IPv4")
        } else {
            ("server_has_ipv6", "an IPv6")
        };
        let message = format!("the server has {name} address already");
        return Err(ApiError::new(422, code, message));
    }
    Ok(found["location"].clone())
}

/// Sets the address of the machine of a server, which is off.
fn readdress(account: &Account, store: &Store, server: u64) -> Result<(), ApiError> {
    let host = store.primary_ip(server, "ipv4").and_then(addresses::host);
    if let Some(machine) = account.machine(store, server) {
        machine.configure(|settings| settings.host = host)?;
    }
    Ok(())
}

fn record_action(store: &mut Store, command: &str, id: u64, server: u64) -> Value {
    actions::done(store, command, &[("primary_ip", id), ("server", server)])
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<u64>,
    Body(body): Body<Value>,
) -> Answer {
    let auto_delete = request::flag(&body, "auto_delete")?;
    let answer = resource::rename(&account, PRIMARY_IP, id, &body)?;
    let Some(auto_delete) = auto_delete else {
        return Ok(answer);
    };
    let mut store = account.lock();
    if let Some(ip) = store.get_mut(PRIMARY_IPS, id) {
        ip["auto_delete"] = json!(auto_delete);
    }
    store.save()?;
    drop(store);
    view::show(&account, PRIMARY_IP, id)
}

async fn delete(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    let mut store = account.lock();
    let ip = resource::find(&store, PRIMARY_IP, id)?;
    resource::unprotected(ip, "primary_ip")?;
    if !ip["assignee_id"].is_null() {
        let message = "the primary IP is assigned; unassign it first";
        return Err(ApiError::new(422, "must_be_unassigned", message));
    }
    store.remove(PRIMARY_IPS, id);
    account.commit(&store)?;
    Ok(gone())
}

/// POST /`primary_ips`/{id}/actions/{action}.
async fn act(
    State(account): State<Account>,
    Path((id, action)): Path<(u64, String)>,
    Body(body): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    resource::find(&store, PRIMARY_IP, id)?;
    let action = match action.as_str() {
        "assign" => assign(&account, &mut store, id, &body)?,
        "unassign" => unassign(&account, &mut store, id)?,
        "change_dns_ptr" => addresses::change_dns_ptr(&mut store, id, &body)?,
        "change_protection" => protect(&mut store, id, &body)?,
        other => return Err(ApiError::unknown_action(other)),
    };
    account.commit(&store)?;
    Ok(created(json!({ "action": action })))
}

fn assign(account: &Account, store: &mut Store, id: u64, body: &Value) -> Result<Value, ApiError> {
    let server = request::needed("assignee_id", request::number(body, "assignee_id")?)?;
    if let Some(word) = request::text(body, "assignee_type")? {
        request::one_of("assignee_type", word, &["server"])?;
    }
    let ip = resource::find(store, PRIMARY_IP, id)?;
    if !ip["assignee_id"].is_null() {
        let message = "the primary IP is assigned already";
        return Err(ApiError::new(422, "primary_ip_already_assigned", message));
    }
    let kind = ip["type"].as_str().unwrap_or_default();
    let place = takes(account, store, server, kind)?;
    if place["name"] != ip["location"]["name"] {
        return Err(elsewhere());
    }
    addresses::assign(store, id, Some(server));
    readdress(account, store, server)?;
    Ok(record_action(store, "assign_primary_ip", id, server))
}

/// A primary IP can only be used in its own location.
pub fn elsewhere() -> ApiError {
    let message = "the primary IP is in another location";
    ApiError::new(422, "primary_ip_datacenter_mismatch", message)
}

fn unassign(account: &Account, store: &mut Store, id: u64) -> Result<Value, ApiError> {
    let ip = resource::find(store, PRIMARY_IP, id)?;
    let server = request::number(ip, "assignee_id")?
        .and_then(|server| store.get(SERVERS, server))
        .ok_or_else(|| ApiError::invalid("id", "the primary IP is not assigned"))?;
    server_state::must_be_off(account, store, server)?;
    let server = id_of(server);
    addresses::assign(store, id, None);
    readdress(account, store, server)?;
    Ok(record_action(store, "unassign_primary_ip", id, server))
}

fn protect(store: &mut Store, id: u64, body: &Value) -> Result<Value, ApiError> {
    let ip = resource::find(store, PRIMARY_IP, id)?;
    if body["delete"] == true && ip["auto_delete"] == true {
        let message = "a primary IP with auto_delete cannot be protected";
        return Err(ApiError::invalid("delete", message));
    }
    resource::protect(store, PRIMARY_IP, id, body)
}
