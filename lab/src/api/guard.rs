//! The layer around every request: it checks token, budget and faults, and adds headers and the error
//! envelope to the answer.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::account::Account;
use super::error::ApiError;
use super::wire;

/// Lets requests with a token in, and gives every answer the shape of the API.
pub async fn guard(State(account): State<Account>, request: Request, next: Next) -> Response {
    let Some(path) = request.uri().path().strip_prefix("/v1/") else {
        return match admitted(&account, &request) {
            Ok(()) => envelope(next.run(request).await),
            Err(refused) => refused.into_response(),
        };
    };
    let (method, path) = (request.method().clone(), format!("/{path}"));
    let call = account
        .controls()
        .calls
        .came(method.as_str(), &path, request.uri().query());
    let mut response = match spent(&account, &request) {
        Ok(()) => answer(&account, &path, request, next).await,
        Err(refused) => refused.into_response(),
    };
    mark(&account, response.headers_mut());
    if !wire::is_cut(&response) {
        account
            .controls()
            .calls
            .answered(call, response.status().as_u16());
    }
    response
}

/// Answers an admitted request; only these meet faults.
async fn answer(account: &Account, path: &str, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let real = async { envelope(next.run(request).await) };
    let met = {
        let faults = &mut account.controls().faults;
        faults
            .met(method.as_str(), path)
            .map(|fault| (fault, faults.forgotten()))
    };
    match met {
        Some((fault, forgotten)) => fault.answer(forgotten, real).await,
        None => real.await,
    }
}

/// Requests without a known token are not counted.
fn spent(account: &Account, request: &Request) -> Result<(), ApiError> {
    let access = admitted(account, request);
    if access.as_ref().is_err_and(ApiError::is_of_a_stranger) {
        return access;
    }
    account.controls().budget.spend()?;
    access
}

/// Whether the token is known and has permission.
fn admitted(account: &Account, request: &Request) -> Result<(), ApiError> {
    let given = bearer(request.headers());
    let readonly = if given == Some(account.token()) {
        Some(false)
    } else {
        let controls = account.controls();
        controls
            .tokens
            .iter()
            .find(|token| given == Some(&token.token))
            .map(|token| token.readonly)
    };
    match readonly {
        None => Err(ApiError::new(401, "unauthorized", "unable to authenticate")),
        Some(true) if ![Method::GET, Method::HEAD].contains(request.method()) => {
            let message = "the token is only allowed to perform GET requests";
            Err(ApiError::new(401, "token_readonly", message))
        }
        Some(_) => Ok(()),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

fn mark(account: &Account, headers: &mut HeaderMap) {
    let correlation = format!("{:016x}", rand::random::<u64>());
    headers.insert(
        "x-correlation-id",
        HeaderValue::from_str(&correlation).unwrap_or(HeaderValue::from_static("0")),
    );
    account.controls().budget.tell(headers);
}

/// The web framework refuses some requests in plain text; the API always answers with JSON.
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
