//! DNS zones and their record sets as they are kept.

use serde_json::{Value, json};

use super::error::ApiError;
use crate::store::{RRSETS, Store, ZONES, id_of};

/// A zone by its id or name.
pub fn find(store: &Store, wish: &str) -> Result<u64, ApiError> {
    let by_id = wish.parse().ok().and_then(|id| store.get(ZONES, id));
    by_id
        .or_else(|| store.by_name(ZONES, wish))
        .map(id_of)
        .ok_or_else(|| ApiError::not_found("zone"))
}

/// The sets of a zone, with the keys under which they are kept.
fn keyed(store: &Store, zone: u64) -> impl Iterator<Item = (u64, &Value)> {
    store
        .entries(RRSETS)
        .filter(move |(_, set)| set["zone"] == zone)
}

/// The sets of a zone.
pub fn of(store: &Store, zone: u64) -> impl Iterator<Item = &Value> {
    keyed(store, zone).map(|(_, set)| set)
}

/// The keys under which they are kept: their ids are text.
pub fn keys(store: &Store, zone: u64) -> Vec<u64> {
    keyed(store, zone).map(|(key, _)| key).collect()
}

/// The key of the set of an id.
pub fn key_of(store: &Store, zone: u64, id: &str) -> Option<u64> {
    keyed(store, zone)
        .find(|(_, set)| set["id"] == id)
        .map(|(key, _)| key)
}

/// A set as it is kept.
pub fn set(zone: u64, name: &str, kind: &str, ttl: Option<u64>, records: &Value) -> Value {
    json!({
        "id": format!("{name}/{kind}"), "name": name, "type": kind, "ttl": ttl, "labels": {},
        "protection": { "change": false }, "records": records, "zone": zone,
    })
}
