//! Errors of `/v1` in `OpenAI`'s shape, whether they come from a handler, the time limit or a missing route.

use axum::Json;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::error::Fault;

/// The body of an error under `/v1`.
#[derive(Serialize, ToSchema)]
#[schema(as = ErrorV1)]
pub struct ErrorBody<'a> {
    error: Error<'a>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = FalloV1)]
struct Error<'a> {
    /// A sentence for people.
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    /// The field that is wrong, where one is.
    param: Option<&'a str>,
    /// A word for programs.
    code: &'a str,
}

/// Gives an error under `/v1` the shape that its clients expect.
pub async fn shape(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let ours = path == "/v1" || path.starts_with("/v1/");
    let response = next.run(request).await;
    match response.extensions().get::<Fault>().filter(|_| ours) {
        Some(fault) => shaped(fault, response.status(), response.headers()),
        None => response,
    }
}

fn shaped(fault: &Fault, status: StatusCode, headers: &HeaderMap) -> Response {
    // The protocol has no 422.
    let status = match status {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    let field = fault.campos.first();
    let error = Error {
        message: field.map_or(&fault.mensaje, |field| &field.mensaje),
        kind: kind(status),
        param: field
            .map(|field| field.campo.as_str())
            .filter(|name| !name.is_empty()),
        code: fault.codigo,
    };
    let mut response = (status, Json(ErrorBody { error })).into_response();
    for (name, value) in headers {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    response
}

fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        StatusCode::UNAUTHORIZED => "authentication_error",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}
