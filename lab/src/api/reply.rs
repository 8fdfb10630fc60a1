//! Answers without an error.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// 201 with a body.
pub fn created(body: Value) -> Response {
    (StatusCode::CREATED, Json(body)).into_response()
}

/// 204, which has no body.
pub fn gone() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
