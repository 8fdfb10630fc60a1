//! The record sets of DNS zones: all records of one name and type.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::account::Account;
use super::error::{Answer, ApiError};
use super::kind::{RRSET, ZONE};
use super::listing::{self, Query};
use super::records;
use super::reply::created;
use super::request::{self, Body};
use super::routes::{Routes, get, post};
use super::soa::raise_serial;
use super::{actions, resource, zone_store};
use crate::store::{RRSETS, Store};

/// Its actions.
const ACTIONS: &[&str] = &[
    "set_records",
    "add_records",
    "remove_records",
    "update_records",
    "change_ttl",
    "change_protection",
];

/// Everything under `/zones/{zone}/rrsets`.
pub fn routes() -> Routes {
    Routes::new()
        .route("/zones/{zone}/rrsets", get(list).post(create))
        .route(
            "/zones/{zone}/rrsets/{name}/{type}",
            get(get_one).put(update).delete(delete),
        )
        .actions(
            "/zones/{zone}/rrsets/{name}/{type}/actions/{action}",
            ACTIONS,
            post(act),
        )
}

/// Reads the sets of a create call; `zone` is the name of the zone.
pub fn read_all(zone: &str, requested: &[Value]) -> Result<Vec<Value>, ApiError> {
    requested.iter().map(|body| read(zone, body)).collect()
}

fn read(zone: &str, body: &Value) -> Result<Value, ApiError> {
    let name = request::needed("name", request::text(body, "name")?)?;
    let kind = request::needed("type", request::text(body, "type")?)?;
    records::check_name(zone, name)?;
    request::one_of("type", kind, records::TYPES)?;
    if kind == "SOA" {
        return Err(ApiError::invalid("type", "a zone has its SOA already"));
    }
    let read = records::read(kind, request::list(body, "records")?)?;
    let mut set = zone_store::set(0, (name, kind), records::ttl(body)?, &json!(read));
    set["labels"] = request::labels(body.get("labels").cloned())?;
    Ok(set)
}

/// Adds a set, unless the zone has it already or it conflicts with another.
pub fn add(store: &mut Store, zone: u64, mut set: Value) -> Result<(), ApiError> {
    let id = set["id"].as_str().unwrap_or_default().to_owned();
    if zone_store::key_of(store, zone, &id).is_some() {
        return Err(ApiError::not_unique("name"));
    }
    let is_beside = |other: &Value| {
        other["name"] == set["name"] && (other["type"] == "CNAME" || set["type"] == "CNAME")
    };
    if zone_store::of(store, zone).any(is_beside) {
        let message = "a name with a CNAME can have no other record set";
        return Err(ApiError::invalid("type", message));
    }
    set["zone"] = json!(zone);
    let key = store.next_id();
    store.insert(RRSETS, key, set);
    raise_serial(store, zone);
    Ok(())
}

async fn list(State(account): State<Account>, Path(zone): Path<String>, query: Query) -> Answer {
    let store = account.lock();
    let zone = zone_store::find(&store, &zone)?;
    listing::list_upto(100, RRSETS, zone_store::of(&store, zone), &query)
}

async fn create(
    State(account): State<Account>,
    Path(zone): Path<String>,
    Body(body): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    let zone = zone_store::find(&store, &zone)?;
    let name = resource::find(&store, ZONE, zone)?["name"].clone();
    let set = read(name.as_str().unwrap_or_default(), &body)?;
    let id = set["id"].as_str().unwrap_or_default().to_owned();
    add(&mut store, zone, set)?;
    let action = actions::done(&mut store, "create_rrset", &[("zone", zone)]);
    store.save()?;
    let set = zone_store::of(&store, zone).find(|set| set["id"] == id.as_str());
    Ok(created(json!({ "rrset": set, "action": action })))
}

/// The zone of a path, and the key of the record set.
fn find(store: &Store, zone: &str, name: &str, kind: &str) -> Result<(u64, u64), ApiError> {
    let zone = zone_store::find(store, zone)?;
    zone_store::key_of(store, zone, &format!("{name}/{kind}"))
        .map(|key| (zone, key))
        .ok_or_else(|| ApiError::not_found("rrset"))
}

type Place = Path<(String, String, String)>;

async fn get_one(State(account): State<Account>, Path((zone, name, kind)): Place) -> Answer {
    let store = account.lock();
    let (_, key) = find(&store, &zone, &name, &kind)?;
    Ok(Json(json!({ "rrset": store.get(RRSETS, key) })).into_response())
}

async fn update(
    State(account): State<Account>,
    Path((zone, name, kind)): Place,
    Body(body): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    let (_, key) = find(&store, &zone, &name, &kind)?;
    request::relabel(&mut store, RRSETS, key, &body)?;
    store.save()?;
    Ok(Json(json!({ "rrset": store.get(RRSETS, key) })).into_response())
}

async fn delete(State(account): State<Account>, Path((zone, name, kind)): Place) -> Answer {
    let mut store = account.lock();
    let (zone, key) = find(&store, &zone, &name, &kind)?;
    changeable(&store, key)?;
    store.remove(RRSETS, key);
    raise_serial(&mut store, zone);
    let action = actions::done(&mut store, "delete_rrset", &[("zone", zone)]);
    store.save()?;
    Ok(created(json!({ "action": action })))
}

fn changeable(store: &Store, key: u64) -> Result<(), ApiError> {
    let set = resource::find(store, RRSET, key)?;
    if set["protection"]["change"] == true {
        return Err(ApiError::new(423, "protected", "rrset is protected"));
    }
    if set["type"] == "SOA" {
        return Err(ApiError::invalid(
            "type",
            "the lab does not change a zone's SOA",
        ));
    }
    Ok(())
}

/// POST /zones/{zone}/rrsets/{name}/{type}/actions/{action}.
async fn act(
    State(account): State<Account>,
    Path((zone, name, kind, action)): Path<(String, String, String, String)>,
    Body(body): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    let command = command(&action)?;
    let found = find(&store, &zone, &name, &kind);
    let zone = if action == "add_records" && found.is_err() {
        add_with(&mut store, &zone, (&name, &kind), &body)?
    } else {
        let (zone, key) = found?;
        change(&mut store, key, &action, &body)?;
        zone
    };
    raise_serial(&mut store, zone);
    let action = actions::done(&mut store, command, &[("zone", zone)]);
    store.save()?;
    // Only this action answers 200.
    let status = if command == "update_rrset_records" {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok((status, Json(json!({ "action": action }))).into_response())
}

fn command(action: &str) -> Result<&'static str, ApiError> {
    Ok(match action {
        "set_records" => "set_rrset_records",
        "add_records" => "add_rrset_records",
        "remove_records" => "remove_rrset_records",
        "update_records" => "update_rrset_records",
        "change_ttl" => "change_rrset_ttl",
        "change_protection" => "change_rrset_protection",
        other => return Err(ApiError::unknown_action(other)),
    })
}

/// Creates the set if records are added to a set that does not exist.
fn add_with(
    store: &mut Store,
    zone: &str,
    (name, kind): (&str, &str),
    body: &Value,
) -> Result<u64, ApiError> {
    let zone = zone_store::find(store, zone)?;
    let own = resource::find(store, ZONE, zone)?["name"].clone();
    let mut whole = json!({ "name": name, "type": kind, "records": body["records"] });
    whole["ttl"] = body["ttl"].clone();
    add(store, zone, read(own.as_str().unwrap_or_default(), &whole)?)?;
    Ok(zone)
}

fn change(store: &mut Store, key: u64, action: &str, body: &Value) -> Result<(), ApiError> {
    if action == "change_protection" {
        let requested = request::needed("change", request::flag(body, "change")?)?;
        if let Some(set) = store.get_mut(RRSETS, key) {
            set["protection"] = json!({ "change": requested });
        }
        return Ok(());
    }
    changeable(store, key)?;
    let set = resource::find(store, RRSET, key)?;
    if action == "change_ttl" {
        let ttl = records::ttl(body)?;
        if let Some(set) = store.get_mut(RRSETS, key) {
            set["ttl"] = json!(ttl);
        }
        return Ok(());
    }
    let ttl = records::ttl(body)?;
    if action == "add_records" && ttl.is_some() && ttl != set["ttl"].as_u64() {
        return Err(ApiError::invalid("ttl", "differs from that of the rrset"));
    }
    let left = records::changed(set, action, request::list(body, "records")?)?;
    if left.is_empty() {
        store.remove(RRSETS, key);
    } else if let Some(set) = store.get_mut(RRSETS, key) {
        set["records"] = json!(left);
    }
    Ok(())
}
