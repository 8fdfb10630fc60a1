//! DNS zones, as state only: no name server answers for them. Their records are in `rrsets.rs`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::account::Account;
use super::error::{Answer, ApiError};
use super::kind::ZONE;
use super::listing::{self, Query};
use super::reply::created;
use super::request::{self, Body};
use super::routes::{Routes, get};
use super::timestamp::now;
use super::{actions, records, resource, rrsets, soa, zone_store};
use crate::store::{RRSETS, Store, ZONES, id_of};

/// Its actions.
const ACTIONS: &[&str] = &["change_ttl", "change_protection"];

const NAME_SERVERS: [&str; 3] = [
    "hydrogen.ns.hetzner.com.",
    "oxygen.ns.hetzner.com.",
    "helium.ns.hetzner.de.",
];

/// Everything under `/zones`.
pub fn routes() -> Routes {
    Routes::new()
        .route("/zones", get(list).post(create))
        .route("/zones/{zone}", get(get_one).put(update).delete(delete))
        .route("/zones/{zone}/zonefile", get(zonefile))
        .route("/zones/actions", get(list_all_actions))
        .route("/zones/actions/{id}", get(actions::get))
        .route("/zones/{zone}/actions", get(list_actions))
        .actions(
            "/zones/{zone}/actions/{action}",
            ACTIONS,
            get(get_action).post(act),
        )
        .merge(rrsets::routes())
}

/// A zone with the number of its records.
fn shown(store: &Store, zone: &Value) -> Value {
    let mut zone = zone.clone();
    let records = zone_store::of(store, id_of(&zone)).map(|set| set["records"].as_array());
    zone["record_count"] = json!(records.flatten().map(Vec::len).sum::<usize>());
    zone
}

async fn list(State(account): State<Account>, query: Query) -> Answer {
    let store = account.lock();
    let all: Vec<Value> = store.all(ZONES).map(|zone| shown(&store, zone)).collect();
    listing::list(ZONES, all.iter(), &query)
}

async fn get_one(State(account): State<Account>, Path(zone): Path<String>) -> Answer {
    show(&account.lock(), &zone)
}

fn show(store: &Store, zone: &str) -> Answer {
    let zone = resource::find(store, ZONE, zone_store::find(store, zone)?)?;
    Ok(Json(json!({ "zone": shown(store, zone) })).into_response())
}

async fn create(State(account): State<Account>, Body(body): Body<Value>) -> Answer {
    let mut store = account.lock();
    let name = request::needed("name", request::text(&body, "name")?)?;
    if !is_zone_name(name) {
        let message = "must be a domain name in lower case without a dot at its end";
        return Err(ApiError::invalid("name", message));
    }
    let mode = request::needed("mode", request::text(&body, "mode")?)?;
    if request::one_of("mode", mode, &["primary", "secondary"])? == "secondary" {
        return Err(ApiError::invalid("mode", "the lab has primary zones only"));
    }
    if request::text(&body, "zonefile")?.is_some_and(|text| !text.is_empty()) {
        return Err(ApiError::invalid(
            "zonefile",
            "the lab reads none; give rrsets",
        ));
    }
    let ttl = records::ttl(&body)?.unwrap_or(3600);
    let labels = request::labels(body.get("labels").cloned())?;
    resource::unique(&store, ZONES, name)?;
    let sets = request::list(&body, "rrsets")?;
    let sets = rrsets::read_all(name, sets)?;
    let id = store.next_id();
    let zone = json!({
        "id": id, "name": name, "created": now(), "mode": mode, "ttl": ttl, "labels": labels,
        "protection": { "delete": false }, "status": "ok", "registrar": "unknown", "primary_nameservers": [],
        "authoritative_nameservers": {
            "assigned": NAME_SERVERS, "delegated": [], "delegation_last_check": null, "delegation_status": "unknown",
        },
    });
    store.insert(ZONES, id, zone);
    soa::begin(&mut store, id, &NAME_SERVERS);
    for set in sets {
        rrsets::add(&mut store, id, set)?;
    }
    let action = actions::done(&mut store, "create_zone", &[("zone", id)]);
    store.save()?;
    let zone = store.get(ZONES, id).map(|zone| shown(&store, zone));
    Ok(created(json!({ "zone": zone, "action": action })))
}

fn is_zone_name(name: &str) -> bool {
    request::is_host_name(name) && name.contains('.') && name.to_lowercase() == name
}

async fn update(
    State(account): State<Account>,
    Path(zone): Path<String>,
    Body(body): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    let id = zone_store::find(&store, &zone)?;
    request::relabel(&mut store, ZONES, id, &body)?;
    store.save()?;
    show(&store, &zone)
}

async fn delete(State(account): State<Account>, Path(zone): Path<String>) -> Answer {
    let mut store = account.lock();
    let id = zone_store::find(&store, &zone)?;
    resource::unprotected(resource::find(&store, ZONE, id)?, "zone")?;
    for key in zone_store::keys(&store, id) {
        store.remove(RRSETS, key);
    }
    store.remove(ZONES, id);
    let action = actions::done(&mut store, "delete_zone", &[("zone", id)]);
    store.save()?;
    Ok(created(json!({ "action": action })))
}

async fn list_all_actions(State(account): State<Account>, query: Query) -> Answer {
    resource::list_actions(&account, "zone", &query)
}

async fn list_actions(
    State(account): State<Account>,
    Path(zone): Path<String>,
    query: Query,
) -> Answer {
    let id = zone_store::find(&account.lock(), &zone)?;
    actions::list_of(&account, "zone", id, &query)
}

async fn get_action(
    State(account): State<Account>,
    Path((zone, action)): Path<(String, u64)>,
) -> Answer {
    let id = zone_store::find(&account.lock(), &zone)?;
    actions::get_of(&account, "zone", id, action)
}

/// POST /zones/{zone}/actions/{action}.
async fn act(
    State(account): State<Account>,
    Path((zone, action)): Path<(String, String)>,
    Body(body): Body<Value>,
) -> Answer {
    let mut store = account.lock();
    let id = zone_store::find(&store, &zone)?;
    let action = match action.as_str() {
        "change_ttl" => {
            let ttl = request::needed("ttl", records::ttl(&body)?)?;
            if let Some(zone) = store.get_mut(ZONES, id) {
                zone["ttl"] = json!(ttl);
            }
            soa::raise_serial(&mut store, id);
            actions::done(&mut store, "change_ttl", &[("zone", id)])
        }
        "change_protection" => resource::protect(&mut store, ZONE, id, &body)?,
        other => return Err(ApiError::unknown_action(other)),
    };
    store.save()?;
    Ok(created(json!({ "action": action })))
}

/// The zone as a zone file.
async fn zonefile(State(account): State<Account>, Path(zone): Path<String>) -> Answer {
    let store = account.lock();
    let id = zone_store::find(&store, &zone)?;
    let zone = resource::find(&store, ZONE, id)?;
    let name = zone["name"].as_str().unwrap_or_default();
    let mut text = format!("$ORIGIN\t{name}.\n$TTL\t{}\n", zone["ttl"]);
    for set in zone_store::of(&store, id) {
        text.push('\n');
        for record in set["records"].as_array().into_iter().flatten() {
            text += &line(set, record);
        }
    }
    Ok(Json(json!({ "zonefile": text })).into_response())
}

fn line(set: &Value, record: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ttl = set["ttl"]
        .as_u64()
        .map_or(String::new(), |ttl| format!("{ttl}\t"));
    let comment = match record["comment"].as_str() {
        Some(comment) if !comment.is_empty() => format!(" ; {comment}"),
        _ => String::new(),
    };
    let (name, kind) = (word(&set["name"]), word(&set["type"]));
    format!(
        "{name}\tIN\t{ttl}{kind}\t{}{comment}\n",
        word(&record["value"])
    )
}
