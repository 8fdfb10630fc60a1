//! The catalogue as the API shows it, with the offers that a test has changed.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::account::Account;
use super::catalogue;
use super::error::{Answer, ApiError};
use super::listing::{self, Query};
use super::routes::{Routes, get as on_get};
use crate::store::id_of;

/// All routes of the catalogue.
pub fn routes() -> Routes {
    Routes::new()
        .route("/datacenters", on_get(datacenters))
        .route("/datacenters/{id}", on_get(datacenters))
        .route("/locations", on_get(list_locations))
        .route("/locations/{id}", on_get(get_location))
        .route("/pricing", on_get(pricing))
        .route("/server_types", on_get(list_server_types))
        .route("/server_types/{id}", on_get(get_server_type))
}

async fn list_locations(query: Query) -> Answer {
    listing::list("locations", catalogue::all("locations"), &query)
}

async fn list_server_types(State(account): State<Account>, query: Query) -> Answer {
    let offered: Vec<Value> = {
        let controls = account.controls();
        catalogue::all("server_types")
            .map(|server_type| controls.offers.of(server_type))
            .collect()
    };
    listing::list("server_types", offered.iter(), &query)
}

async fn get_location(Path(id): Path<u64>) -> Answer {
    get("locations", "location", id)
}

async fn get_server_type(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    let found = catalogue::by_id("server_types", &json!(id))
        .ok_or_else(|| ApiError::not_found("server_type"))?;
    Ok(Json(json!({ "server_type": account.controls().offers.of(found) })).into_response())
}

fn get(kind: &str, singular: &str, id: u64) -> Answer {
    let found = catalogue::all(kind)
        .find(|object| id_of(object) == id)
        .ok_or_else(|| ApiError::not_found(singular))?;
    Ok(Json(json!({ singular: found })).into_response())
}

/// The prices of server types are the same as in the types themselves.
async fn pricing() -> Answer {
    let mut pricing = catalogue::pricing().clone();
    pricing["server_types"] = catalogue::all("server_types")
        .map(|kind| json!({ "id": kind["id"], "name": kind["name"], "prices": kind["prices"] }))
        .collect();
    Ok(Json(json!({ "pricing": pricing })).into_response())
}

/// Removed in October 2026; availability is in `server_types[].locations[]`.
async fn datacenters() -> Answer {
    Err(ApiError::new(
        410,
        "deprecated_api_endpoint",
        "this endpoint was removed; use the locations of server types",
    ))
}
