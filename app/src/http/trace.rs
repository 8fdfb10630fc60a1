//! Around every request: its id, its time limit, its line in the log and its place in the metrics.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::{ApiError, App};

/// The header that carries a request's id.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    /// The id of the request that this task answers.
    static ID: String;
}

/// The id of the request that is being answered; empty outside of one.
pub fn request_id() -> String {
    ID.try_with(String::clone).unwrap_or_default()
}

/// Gives the request an id (the proxy's if it sent a sane one), puts it into the answer, counts it and writes one line.
pub async fn request(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = given(request.headers()).unwrap_or_else(fresh);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.headers_mut().insert(HEADER, id.clone());
    let name = id.to_str().unwrap_or_default().to_owned();
    let mut response = ID.scope(name.clone(), next.run(request)).await;
    response.headers_mut().insert(HEADER, id);
    // No answer is anything but what it says.
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let elapsed = started.elapsed();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    app.metrics
        .count(&method, route, response.status(), elapsed);
    tracing::info!(
        request_id = name,
        %method,
        %path,
        status = response.status().as_u16(),
        ms = milliseconds(elapsed),
        "request"
    );
    response
}

/// Answers 504 for a request that takes longer than the settings allow.
pub async fn time_limit(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::timed_out().into_response(),
    }
}

fn given(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(HEADER)?;
    let sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    ((1..=64).contains(&id.len()) && id.as_bytes().iter().all(sane)).then(|| id.clone())
}

/// Sixteen hexadecimal digits: a counter, hashed with a key of this process.
fn fresh() -> HeaderValue {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let id = format!(
        "{:016x}",
        KEY.hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
    );
    HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("0"))
}

/// With a resolution of a microsecond.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}
