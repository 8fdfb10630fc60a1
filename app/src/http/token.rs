//! The token that a client must show, where the settings name one.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::error::ApiError;
use crate::http::limit;
use crate::settings::{Settings, Token};

/// What whoever watches over the server asks; it tells nothing of the data but counts.
const OPEN: [&str; 2] = ["/api/health", "/api/ready"];

/// Whether a path is answered only to who has the token. The page is not: it asks for it.
pub fn guards(path: &str) -> bool {
    (path.starts_with("/api/") || path.starts_with("/v1/")) && !OPEN.contains(&path)
}

/// What is wanted of clients.
#[derive(Clone)]
pub struct Lock {
    token: Option<Token>,
    spares_host: bool,
}

impl Lock {
    /// As the settings have it.
    pub fn new(settings: &Settings) -> Self {
        Lock {
            token: settings.token.clone(),
            spares_host: settings.token_spares_host,
        }
    }
}

/// Lets those in who show the token, or answers 401.
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

/// What stands behind `Bearer`; the scheme's case has no say.
fn shown(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}
