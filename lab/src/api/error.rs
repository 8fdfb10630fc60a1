//! The API's error envelope: `{"error": {"code", "message", "details"}}` with its status.

use std::borrow::Cow;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An answer that is an error. Codes and statuses are those of the `OpenAPI` document's introduction.
#[derive(Debug)]
pub struct ApiError {
    status: u16,
    code: Cow<'static, str>,
    message: String,
    details: Value,
}

pub type Answer<T = Response> = std::result::Result<T, ApiError>;

impl ApiError {
    pub fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            details: Value::Null,
        }
    }

    pub fn not_found(kind: &str) -> Self {
        Self::new(404, "not_found", format!("{kind} not found"))
    }

    /// 422 with the field that is wrong.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut error = Self::new(
            422,
            "invalid_input",
            format!("invalid input in field '{field}'"),
        );
        error.details = json!({ "fields": [{ "name": field, "messages": [message] }] });
        error
    }

    /// An action that the lab does not have.
    pub fn unknown_action(name: &str) -> Self {
        let message = format!("the lab does not know the action `{name}`");
        Self::new(404, "not_found", message)
    }

    /// Whether the token is unknown, as opposed to a token without permission.
    pub fn is_of_a_stranger(&self) -> bool {
        self.code == "unauthorized"
    }

    /// 403 with the name of the limit of the account.
    pub fn limit(name: &str, message: &str) -> Self {
        let mut error = Self::new(403, "resource_limit_exceeded", message.to_owned());
        error.details = json!({ "limits": [{ "name": name }] });
        error
    }

    /// 409 with the field that must be unique.
    pub fn not_unique(field: &str) -> Self {
        let mut error = Self::new(409, "uniqueness_error", format!("{field} is already used"));
        error.details = json!({ "fields": [{ "name": field }] });
        error
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        Self::new(500, "server_error", format!("{error:#}"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({ "error": { "code": self.code, "message": self.message, "details": self.details } });
        (status, Json(body)).into_response()
    }
}
