//! Around every request: its id, its time limit, its line in the log and its place in the metrics.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::error::ApiError;
use crate::http::request_id::{self, HEADER};
use crate::http::state::App;

/// Gives the request an id (the proxy's if it sent a harmless one), puts it into the answer, counts the request and logs one line.
pub async fn request(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id::given(request.headers()).unwrap_or_else(request_id::fresh);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.headers_mut().insert(HEADER, id.clone());
    let name = id.to_str().unwrap_or_default().to_owned();
    let mut response = request_id::within(name.clone(), next.run(request)).await;
    response.headers_mut().insert(HEADER, id);
    // Browsers must not guess another content type.
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

/// With a resolution of a microsecond.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}
