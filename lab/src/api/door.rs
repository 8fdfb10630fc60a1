//! What every request passes: the token on its way in, headers and the error envelope on its way out.

use std::sync::PoisonError;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Account;
use super::error::ApiError;

/// Lets in who has the token, and sees to it that every answer looks like one of the API.
pub async fn guard(State(account): State<Account>, request: Request, next: Next) -> Response {
    let mut response = if is_known(request.headers(), &account.0.token) {
        envelope(next.run(request).await)
    } else {
        ApiError::new(401, "unauthorized", "unable to authenticate").into_response()
    };
    let headers = response.headers_mut();
    let correlation = format!("{:016x}", rand::random::<u64>());
    headers.insert(
        "x-correlation-id",
        HeaderValue::from_str(&correlation).unwrap_or(HeaderValue::from_static("0")),
    );
    account
        .0
        .budget
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .spend(headers);
    response
}

fn is_known(headers: &HeaderMap, token: &str) -> bool {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    given.and_then(|value| value.strip_prefix("Bearer ")) == Some(token)
}

/// The web framework refuses in plain text what no handler saw; the API never does.
fn envelope(response: Response) -> Response {
    let status = response.status();
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            ApiError::new(405, "method_not_allowed", "method not allowed")
        }
        StatusCode::NOT_FOUND => ApiError::new(404, "not_found", "the lab does not know this path"),
        StatusCode::BAD_REQUEST => ApiError::new(404, "not_found", "resource not found"),
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(413, "invalid_input", "the request is too large")
        }
        _ => ApiError::new(500, "server_error", format!("the lab answered {status}")),
    }
    .into_response()
}
