//! Answers that are asked for more often than they change. They have an `ETag`, so that a client need not fetch them again.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::http::error::ApiError;

/// The cached answers, by name. Clones share them.
#[derive(Clone)]
pub struct Cache {
    lifetime: Duration,
    kept: Arc<Mutex<HashMap<&'static str, Kept>>>,
    /// Each with the state of the memory that it was made of.
    of_state: Arc<std::sync::Mutex<HashMap<&'static str, (u64, Kept)>>>,
}

#[derive(Clone)]
struct Kept {
    since: Instant,
    body: Bytes,
    tag: String,
}

impl Cache {
    /// Keeps answers for this long; with zero, not at all.
    pub fn new(lifetime: Duration) -> Self {
        Cache {
            lifetime,
            kept: Arc::default(),
            of_state: Arc::default(),
        }
    }

    /// The cached answer of this name, or a new one; 304 if the client has it. Requests that arrive meanwhile wait for the
    /// answer that is being made.
    pub async fn answer<T: Serialize>(
        &self,
        name: &'static str,
        headers: &HeaderMap,
        make: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<Response, ApiError> {
        let mut kept = self.kept.lock().await;
        let answer = match kept.get(name) {
            Some(found) if found.since.elapsed() < self.lifetime => found.clone(),
            _ => {
                let made = Kept::new(&make.await?)?;
                kept.insert(name, made.clone());
                made
            }
        };
        drop(kept);
        let age = format!("public, max-age={}", self.lifetime.as_secs());
        Ok(answer.respond(age, headers))
    }

    /// The answer of this name that was made of this state of the memory, or a new one; 304 if the client has it.
    pub fn of_state<T: Serialize>(
        &self,
        (name, state): (&'static str, u64),
        headers: &HeaderMap,
        make: impl FnOnce() -> T,
    ) -> Result<Response, ApiError> {
        let mut kept = self.of_state.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match kept.get(name) {
            Some((of, found)) if *of == state => found.clone(),
            _ => {
                let made = Kept::new(&make())?;
                kept.insert(name, (state, made.clone()));
                made
            }
        };
        drop(kept);
        // Whoever keeps it asks each time whether it is still so.
        Ok(answer.respond("no-cache".to_owned(), headers))
    }
}

impl Kept {
    fn respond(self, age: String, headers: &HeaderMap) -> Response {
        let answer = self;
        let known = headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|tag| tag.trim() == answer.tag || tag.trim() == "*");
        let common = [(ETAG, answer.tag), (CACHE_CONTROL, age)];
        if known {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        (common, [(CONTENT_TYPE, "application/json")], answer.body).into_response()
    }

    fn new<T: Serialize>(answer: &T) -> Result<Self, ApiError> {
        let body = serde_json::to_vec(answer).map_err(|_| ApiError::internal())?;
        // Weak, because the same answer may travel compressed or not.
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(&body);
        Ok(Kept {
            since: Instant::now(),
            tag: format!("W/\"{hash:016x}\""),
            body: body.into(),
        })
    }
}
