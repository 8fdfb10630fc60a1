//! The token that a client must send if the settings name one.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::error::ApiError;
use crate::http::limit;
use crate::settings::{Settings, Token};

/// Open for monitoring; these routes return nothing of the data but counts.
const OPEN: [&str; 2] = ["/api/health", "/api/ready"];

/// Whether a path needs the token. The page does not: it asks the user for it.
pub fn guards(path: &str) -> bool {
    (path.starts_with("/api/") || path.starts_with("/v1/")) && !OPEN.contains(&path)
}

/// What clients must send.
#[derive(Clone)]
pub struct Lock {
    token: Option<Token>,
    spares_host: bool,
}

impl Lock {
    /// From the settings.
    pub fn new(settings: &Settings) -> Self {
        Lock {
            token: settings.token.clone(),
            spares_host: settings.token_spares_host,
        }
    }
}

/// Lets requests with the token in; answers 401 to the others.
pub async fn guard(State(lock): State<Lock>, request: Request, next: Next) -> Response {
    let is_spared = lock.spares_host && limit::is_host(&request);
    if let Some(token) = lock.token
        && guards(request.uri().path())
        && !is_spared
    {
        match shown(request.headers()) {
            Some(given) if token.is(given) => {}
            given => return ApiError::locked(given.is_some()).into_response(),
        }
    }
    next.run(request).await
}

/// The token after `Bearer`, in any case.
fn shown(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}
