//! The rate limit as its headers tell it: 3600 requests an hour for a project, one a second comes back.

use std::time::Instant;

use axum::http::{HeaderMap, HeaderValue};
use time::OffsetDateTime;

const LIMIT: u32 = 3600;

/// What is left; the lab counts, and refuses nobody.
pub struct Budget {
    used: f64,
    at: Instant,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            used: 0.0,
            at: Instant::now(),
        }
    }
}

impl Budget {
    /// Counts one request, and writes what is left into its answer.
    pub fn spend(&mut self, headers: &mut HeaderMap) {
        let regained = self.at.elapsed().as_secs_f64();
        self.at = Instant::now();
        self.used = ((self.used - regained).max(0.0) + 1.0).min(f64::from(LIMIT));
        let used = self.used.ceil();
        let full_at = OffsetDateTime::now_utc() + time::Duration::seconds_f64(used);
        headers.insert("ratelimit-limit", HeaderValue::from(LIMIT));
        // Between 0 and the limit: nothing is lost on the way to a whole number.
        let left = format!("{:.0}", f64::from(LIMIT) - used);
        headers.insert(
            "ratelimit-remaining",
            HeaderValue::from_str(&left).unwrap_or(HeaderValue::from_static("0")),
        );
        headers.insert(
            "ratelimit-reset",
            HeaderValue::from(full_at.unix_timestamp()),
        );
    }
}
