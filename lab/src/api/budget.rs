//! The rate limit: 3600 requests an hour for a project; one a second is added.

use std::time::Instant;

use axum::http::{HeaderMap, HeaderValue};
use time::OffsetDateTime;

use super::error::ApiError;

const LIMIT: u32 = 3600;

/// The used requests.
pub struct Budget {
    used: f64,
    /// When it was last counted. A budget that a test has set does not refill until it has refused a
    /// request, so that the test need not be fast.
    at: Option<Instant>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            used: 0.0,
            at: Some(Instant::now()),
        }
    }
}

impl Budget {
    /// Counts one request, or refuses it; a refused request is not counted.
    pub fn spend(&mut self) -> Result<(), ApiError> {
        self.spend_at(Instant::now())
    }

    fn spend_at(&mut self, now: Instant) -> Result<(), ApiError> {
        if let Some(at) = self.at {
            let regained = now.saturating_duration_since(at).as_secs_f64();
            self.used = (self.used - regained).max(0.0);
            self.at = Some(now);
        }
        if self.used + 1.0 > f64::from(LIMIT) {
            self.at = Some(now);
            let message = format!("limit of {LIMIT} requests per hour reached");
            return Err(ApiError::new(429, "rate_limit_exceeded", message));
        }
        self.used += 1.0;
        Ok(())
    }

    /// Sets the remaining requests.
    pub fn leave(&mut self, remaining: u32) -> Result<(), ApiError> {
        let used = LIMIT.checked_sub(remaining);
        let used =
            used.ok_or_else(|| ApiError::invalid("remaining", format!("must be 0 to {LIMIT}")))?;
        *self = Self {
            used: used.into(),
            at: None,
        };
        Ok(())
    }

    /// Writes the remaining requests into an answer. The reset is the time at which the budget is full again.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let full_at = OffsetDateTime::now_utc() + time::Duration::seconds_f64(self.used.ceil());
        // It is between 0 and the limit, so it fits.
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
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_spent_comes_back_by_the_second() {
        let mut budget = Budget::default();
        let begun = Instant::now();
        let mut spent = |after: u64| {
            let now = begun + Duration::from_secs(after);
            budget.spend_at(now).is_ok()
        };
        assert!((0..LIMIT).all(|_| spent(1)) && !spent(1));
        assert_eq!([spent(3), spent(3), spent(3)], [true, true, false]);
    }

    #[test]
    fn what_was_ordered_comes_back_once_it_has_refused() {
        let mut budget = Budget::default();
        budget.leave(1).unwrap();
        let begun = Instant::now();
        let mut spent = |after: u64| {
            let now = begun + Duration::from_secs(after);
            budget.spend_at(now).is_ok()
        };
        assert_eq!([spent(60), spent(120)], [true, false]);
        assert_eq!([spent(121), spent(121)], [true, false]);
        assert!(budget.leave(3601).is_err());
    }
}
