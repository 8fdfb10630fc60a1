//! The catalogue: locations, server types, images and prices, from `catalogue.json`. Prices and
//! availability are those of autumn 2026, rounded.

use std::sync::LazyLock;

use serde_json::Value;

use super::error::ApiError;
use super::timestamp::now;
use crate::store::id_of;

static CATALOGUE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("catalogue.json")).unwrap_or_default());

/// All objects of a kind.
pub fn all(kind: &str) -> impl Iterator<Item = &'static Value> {
    CATALOGUE[kind].as_array().into_iter().flatten()
}

/// The prices of everything but server types.
pub fn pricing() -> &'static Value {
    &CATALOGUE["pricing"]
}

/// An object of a kind by id or name, as requests name it.
pub fn find(kind: &str, body: &Value) -> Option<&'static Value> {
    by_id(kind, body).or_else(|| all(kind).find(|object| object["name"] == *body))
}

/// Clients send an id as a number or as text.
pub fn by_id(kind: &str, body: &Value) -> Option<&'static Value> {
    let id = body.as_u64().or_else(|| body.as_str()?.parse().ok())?;
    all(kind).find(|object| id_of(object) == id)
}

/// The image with this id, or with this name for the architecture: each architecture has the same names.
pub fn find_image(body: &Value, architecture: &Value) -> Option<&'static Value> {
    let by_name = |image: &&Value| image["name"] == *body && image["architecture"] == *architecture;
    by_id("images", body).or_else(|| all("images").find(by_name))
}

fn offer<'t>(server_type: &'t Value, location: &Value) -> Option<&'t Value> {
    server_type["locations"]
        .as_array()?
        .iter()
        .find(|offer| offer["name"] == location["name"])
}

/// The default location for a server of this type.
pub fn first_location(server_type: &Value) -> Option<&'static Value> {
    all("locations").find(|location| {
        offer(server_type, location).is_some_and(|offer| offer["available"] == true)
    })
}

/// Whether a type is no longer sold in a location.
pub fn is_retired(server_type: &Value, location: &Value) -> bool {
    // Both have the same format in UTC, so their text can be compared.
    offer(server_type, location)
        .and_then(|offer| offer["deprecation"]["unavailable_after"].as_str())
        .is_some_and(|end| end < now().as_str())
}

/// The catalogue has whole or half gigabytes.
pub fn memory_bytes(server_type: &Value) -> u64 {
    let megabytes = server_type["memory"].as_f64().unwrap_or(2.0) * 1024.0;
    format!("{megabytes:.0}").parse::<u64>().unwrap_or(2048) << 20
}

/// The free traffic of a server of this type in a location.
pub fn included_traffic(server_type: &Value, location: &Value) -> Value {
    let mut prices = server_type["prices"].as_array().into_iter().flatten();
    prices
        .find(|price| price["location"] == location["name"])
        .map_or(Value::Null, |price| price["included_traffic"].clone())
}

/// Whether a type can be ordered in a location. Only the entry of the location says so, not the prices
/// or the deprecation of the type as a whole.
pub fn check_orderable(server_type: &Value, location: &Value) -> Result<(), ApiError> {
    let unsupported =
        || ApiError::new(422, "invalid_input", "unsupported location for server type");
    let offer = offer(server_type, location).ok_or_else(unsupported)?;
    if is_retired(server_type, location) {
        return Err(unsupported());
    }
    if offer["available"] == false {
        return Err(ApiError::new(
            412,
            "resource_unavailable",
            "error during placement",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn orderable(server_type: &str, location: &str) -> bool {
        let server_type = find("server_types", &json!(server_type)).unwrap();
        check_orderable(server_type, find("locations", &json!(location)).unwrap()).is_ok()
    }

    #[test]
    fn the_old_types_are_sold_in_the_united_states_only() {
        for place in ["ash", "hil"] {
            assert!(orderable("cpx11", place), "{place}");
            assert!(!orderable("cx23", place), "{place}");
        }
        for place in ["fsn1", "nbg1", "hel1"] {
            assert!(!orderable("cpx11", place), "{place}");
            assert!(orderable("cpx12", place), "{place}");
        }
        assert_eq!(
            first_location(find("server_types", &json!("cpx11")).unwrap()).unwrap()["name"],
            "ash"
        );
    }

    #[test]
    fn prices_are_those_of_the_place() {
        let cpx11 = find("server_types", &json!(22)).unwrap();
        let price = |place: &str| {
            cpx11["prices"]
                .as_array()
                .unwrap()
                .iter()
                .find(|price| price["location"] == place)
                .unwrap()["price_monthly"]["net"]
                .clone()
        };
        assert!(price("ash").as_str().unwrap().starts_with("17.49"));
        assert_eq!(
            CATALOGUE["pricing"]["server_backup"]["percentage"],
            "20.0000000000"
        );
        for server_type in all("server_types") {
            for offer in server_type["locations"].as_array().unwrap() {
                assert!(
                    server_type["prices"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .any(|price| price["location"] == offer["name"]),
                    "{offer}"
                );
            }
        }
    }

    #[test]
    fn an_image_has_one_id_for_each_architecture() {
        assert_eq!(
            find_image(&json!("debian-12"), &json!("x86")).unwrap()["id"],
            114_690_387
        );
        assert_eq!(
            find_image(&json!("114690387"), &json!("arm")).unwrap()["architecture"],
            "x86"
        );
        assert!(find_image(&json!("plan-9"), &json!("x86")).is_none());
    }
}
