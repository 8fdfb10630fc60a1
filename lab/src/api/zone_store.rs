//! The stored DNS zones and their record sets.

use serde_json::{Value, json};

use super::error::ApiError;
use crate::store::{RRSETS, Store, ZONES, id_of};

/// A zone by its id or name.
pub fn find(store: &Store, body: &str) -> Result<u64, ApiError> {
    let by_id = body.parse().ok().and_then(|id| store.get(ZONES, id));
    by_id
        .or_else(|| store.by_name(ZONES, body))
        .map(id_of)
        .ok_or_else(|| ApiError::not_found("zone"))
}

/// The record sets of a zone, with the keys under which they are stored.
fn keyed(store: &Store, zone: u64) -> impl Iterator<Item = (u64, &Value)> {
    store
        .entries(RRSETS)
        .filter(move |(_, set)| set["zone"] == zone)
}

/// The record sets of a zone.
pub fn of(store: &Store, zone: u64) -> impl Iterator<Item = &Value> {
    keyed(store, zone).map(|(_, set)| set)
}

/// The keys of the record sets of a zone; their ids are texts.
pub fn keys(store: &Store, zone: u64) -> Vec<u64> {
    keyed(store, zone).map(|(key, _)| key).collect()
}

/// The key of the record set with an id.
pub fn key_of(store: &Store, zone: u64, id: &str) -> Option<u64> {
    keyed(store, zone)
        .find(|(_, set)| set["id"] == id)
        .map(|(key, _)| key)
}

/// A record set as it is stored.
pub fn set(zone: u64, (name, kind): (&str, &str), ttl: Option<u64>, records: &Value) -> Value {
    json!({
        "id": format!("{name}/{kind}"), "name": name, "type": kind, "ttl": ttl, "labels": {},
        "protection": { "change": false }, "records": records, "zone": zone,
    })
}
