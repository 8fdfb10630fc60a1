//! Servers as they are looked at and named; what is done to them is in the files beside.

use axum::extract::{Path, State};
use serde_json::Value;

use super::account::Account;
use super::error::Answer;
use super::request::Body;
use super::routes::{Routes, post, put};
use super::{resource, server_actions, server_create};
use crate::store::SERVERS;

/// Everything under `/servers`.
pub fn routes() -> Routes {
    resource::routes(SERVERS, "server")
        .route("/servers", post(server_create::create))
        .route("/servers/{id}", put(update).delete(server_actions::delete))
        .actions(
            "/servers/{id}/actions/{action}",
            server_actions::NAMES,
            post(server_actions::act),
        )
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<u64>,
    Body(wish): Body<Value>,
) -> Answer {
    resource::rename(&account, SERVERS, "server", id, &wish)
}
