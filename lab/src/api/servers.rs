//! The routes of servers. Their actions are in files of their own.

use axum::extract::{Path, State};
use serde_json::Value;

use super::account::Account;
use super::error::Answer;
use super::kind::SERVER;
use super::request::Body;
use super::routes::{Routes, post, put};
use super::{resource, server_actions, server_create};

/// Everything under `/servers`.
pub fn routes() -> Routes {
    resource::routes(SERVER)
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
    Body(body): Body<Value>,
) -> Answer {
    resource::rename(&account, SERVER, id, &body)
}
