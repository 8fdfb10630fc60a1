//! The id of a request, for the answer and for the log.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries a request's id.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    /// The id of the request that this task answers.
    static ID: String;
}

/// Does `work` as the answer to the request of this id.
pub async fn within<T>(id: String, work: impl Future<Output = T>) -> T {
    ID.scope(id, work).await
}

/// The id of the request that is being answered; empty outside of one.
pub fn current() -> String {
    ID.try_with(String::clone).unwrap_or_default()
}

/// The id that the client or the proxy sent, if it is harmless.
pub fn given(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(HEADER)?;
    let sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    ((1..=64).contains(&id.len()) && id.as_bytes().iter().all(sane)).then(|| id.clone())
}

/// Sixteen hexadecimal digits: a counter, hashed with a key of this process.
pub fn fresh() -> HeaderValue {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let id = format!(
        "{:016x}",
        KEY.hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
    );
    HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("0"))
}
