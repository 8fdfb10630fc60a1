//! Changes to the catalogue's offers: tests make a server type sold out or deprecated.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::catalogue;
use super::error::ApiError;
use crate::store::id_of;

/// The changed keys of an offer, by the id of the server type and the name of the location.
#[derive(Default)]
pub struct Offers {
    types: BTreeMap<(u64, String), Map<String, Value>>,
    /// The ends of images, by their name.
    images: BTreeMap<String, Value>,
}

impl Offers {
    /// Changes the offer of a server type in a location; keys that are not given stay.
    pub fn change(&mut self, body: &Map<String, Value>) -> Result<(), ApiError> {
        if let Some(image) = body.get("image") {
            return self.end_image(image, body);
        }
        let missing = || ApiError::invalid("server_type", "the catalogue has no such server type");
        let requested = body.get("server_type").unwrap_or(&Value::Null);
        let server_type = catalogue::find("server_types", requested).ok_or_else(missing)?;
        let location = body
            .get("location")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !offers(server_type).any(|offer| offer["name"] == location) {
            let message = "the server type is not listed in this place";
            return Err(ApiError::invalid("location", message));
        }
        let key = (id_of(server_type), location.to_owned());
        for (name, value) in body {
            let fits = match name.as_str() {
                "server_type" | "location" => continue,
                "available" => value.is_boolean(),
                "deprecation" => value.is_null() || is_deprecation(value),
                _ => return Err(ApiError::invalid(name, "is not known")),
            };
            if !fits {
                return Err(ApiError::invalid(
                    name,
                    format!("{value} has the wrong form"),
                ));
            }
            let changed = self.types.entry(key.clone()).or_default();
            changed.insert(name.clone(), value.clone());
        }
        Ok(())
    }

    pub fn forget(&mut self) {
        self.types.clear();
        self.images.clear();
    }

    /// Says when an image is gone, or that it stays.
    fn end_image(&mut self, image: &Value, body: &Map<String, Value>) -> Result<(), ApiError> {
        let name = image.as_str().unwrap_or_default();
        if !catalogue::all("images").any(|one| one["name"] == name) {
            return Err(ApiError::invalid(
                "image",
                "the catalogue has no such image",
            ));
        }
        let end = body.get("deprecation").unwrap_or(&Value::Null);
        if !(end.is_null() || is_deprecation(end)) {
            return Err(ApiError::invalid("deprecation", "has the wrong form"));
        }
        self.images.insert(name.to_owned(), end.clone());
        Ok(())
    }

    /// An image of the catalogue with the end that was ordered.
    pub fn of_image(&self, image: &Value) -> Value {
        let mut image = image.clone();
        let end = image["name"]
            .as_str()
            .and_then(|name| self.images.get(name));
        if let Some(end) = end {
            image["deprecation"] = end.clone();
        }
        image
    }

    /// A server type of the catalogue with the changed offers.
    pub fn of(&self, server_type: &Value) -> Value {
        let mut server_type = server_type.clone();
        let id = id_of(&server_type);
        for offer in server_type["locations"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            let place = offer["name"].as_str().unwrap_or_default().to_owned();
            for (name, value) in self.types.get(&(id, place)).into_iter().flatten() {
                offer[name] = value.clone();
            }
        }
        server_type
    }
}

fn offers(server_type: &Value) -> impl Iterator<Item = &Value> {
    server_type["locations"].as_array().into_iter().flatten()
}

fn is_deprecation(value: &Value) -> bool {
    let wanted = ["announced", "unavailable_after"];
    value
        .as_object()
        .is_some_and(|map| map.len() == wanted.len())
        && wanted.iter().all(|key| value[key].is_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_offer_is_changed_key_by_key() {
        let mut offers = Offers::default();
        let mut change = |body: Value| offers.change(body.as_object().unwrap());
        change(json!({ "server_type": "cpx11", "location": "ash", "available": false })).unwrap();
        let end = json!({ "announced": "2026-01-01T00:00:00+00:00", "unavailable_after": "2026-02-01T00:00:00+00:00" });
        change(json!({ "server_type": 22, "location": "ash", "deprecation": end })).unwrap();
        for bad in [
            json!({}),
            json!({ "server_type": "cpx11", "location": "sin" }),
            json!({ "server_type": "cpx11", "location": "ash", "available": 0 }),
            json!({ "server_type": "cpx11", "location": "ash", "deprecation": {} }),
            json!({ "server_type": "cpx11", "location": "ash", "price": 0 }),
        ] {
            assert!(change(bad.clone()).is_err(), "{bad}");
        }
        let offered = offers.of(catalogue::find("server_types", &json!("cpx11")).unwrap());
        let ash = offered["locations"]
            .as_array()
            .unwrap()
            .iter()
            .find(|offer| offer["name"] == "ash")
            .unwrap();
        assert_eq!(
            (&ash["available"], &ash["deprecation"]),
            (&json!(false), &end)
        );
    }
}
