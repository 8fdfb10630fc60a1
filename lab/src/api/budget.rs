//! The rate limit: 3600 requests an hour for a project, one a second comes back.

use std::time::Instant;

use axum::http::{HeaderMap, HeaderValue};
use time::OffsetDateTime;

use super::error::ApiError;

const LIMIT: u32 = 3600;

/// What is used of it.
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
    /// Counts one request, or refuses it: what is refused costs nothing.
    pub fn spend(&mut self) -> Result<(), ApiError> {
        self.regain();
        if self.used + 1.0 > f64::from(LIMIT) {
            let message = format!("limit of {LIMIT} requests per hour reached");
            return Err(ApiError::new(429, "rate_limit_exceeded", message));
        }
        self.used += 1.0;
        Ok(())
    }

    fn regain(&mut self) {
        let regained = self.at.elapsed().as_secs_f64();
        self.at = Instant::now();
        self.used = (self.used - regained).max(0.0);
    }

    /// Leaves so many requests.
    pub fn leave(&mut self, remaining: u32) -> Result<(), ApiError> {
        let used = LIMIT.checked_sub(remaining);
        let used =
            used.ok_or_else(|| ApiError::invalid("remaining", format!("must be 0 to {LIMIT}")))?;
        *self = Self {
            used: used.into(),
            at: Instant::now(),
        };
        Ok(())
    }

    /// Writes what is left into an answer. The reset is when all of it is there again.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let full_at = OffsetDateTime::now_utc() + time::Duration::seconds_f64(self.used.ceil());
        // Between 0 and the limit: nothing is lost on the way to a whole number.
        let left = format!("{:.0}", (f64::from(LIMIT) - self.used).floor());
        headers.insert("ratelimit-limit", HeaderValue::from(LIMIT));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_comes_back_by_the_second() {
        let mut budget = Budget::default();
        budget.leave(1).unwrap();
        assert!(budget.spend().is_ok() && budget.spend().is_err());
        budget.at = budget
            .at
            .checked_sub(std::time::Duration::from_secs(2))
            .unwrap();
        assert!(budget.spend().is_ok() && budget.spend().is_ok() && budget.spend().is_err());
        assert!(budget.leave(3601).is_err());
    }
}
