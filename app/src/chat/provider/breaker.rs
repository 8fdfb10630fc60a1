//! A circuit breaker: it skips a provider that fails, and lets one request decide when it is used again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row until a provider is skipped.
const FAILURES: u32 = 3;
/// For how long.
const REST: Duration = Duration::from_secs(30);

/// The state of one provider.
#[derive(Debug, Default)]
pub struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    rests_until: Option<Instant>,
    on_trial: bool,
}

/// Permission for one request. Dropped without a result, it changes nothing.
#[derive(Debug)]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    trial: bool,
    judged: bool,
}

impl Breaker {
    /// Permission to ask the provider; `None` while it is skipped or another request is testing it.
    pub fn permit(&self, now: Instant) -> Option<Permit<'_>> {
        let mut state = self.state();
        let trial = match state.rests_until {
            Some(until) if now < until || state.on_trial => return None,
            Some(_) => true,
            None => false,
        };
        state.on_trial = trial;
        Some(Permit {
            breaker: self,
            trial,
            judged: false,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent after each statement, so a panic elsewhere does not break it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// It answered.
    pub fn succeeded(mut self) {
        self.judged = true;
        *self.breaker.state() = State::default();
    }

    /// It failed. `rest` is its `Retry-After`.
    pub fn failed(mut self, now: Instant, rest: Option<Duration>) {
        self.judged = true;
        let mut state = self.breaker.state();
        state.failures = state.failures.saturating_add(1);
        if self.trial {
            state.on_trial = false;
        }
        let own = (self.trial || state.failures >= FAILURES).then_some(REST);
        let until = own.max(rest).and_then(|rest| now.checked_add(rest));
        state.rests_until = state.rests_until.max(until);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.trial && !self.judged {
            self.breaker.state().on_trial = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_after_three_failures_and_one_trial_decides() {
        let breaker = Breaker::default();
        let start = Instant::now();
        for _ in 0..FAILURES {
            breaker.permit(start).unwrap().failed(start, None);
        }
        assert!(breaker.permit(start).is_none());
        let later = start + REST;
        let trial = breaker.permit(later).unwrap();
        assert!(breaker.permit(later).is_none(), "one trial at a time");
        trial.failed(later, None);
        assert!(breaker.permit(later).is_none());
        let last = later + REST;
        drop(breaker.permit(last).unwrap());
        breaker.permit(last).unwrap().succeeded();
        assert!(breaker.permit(last).is_some() && breaker.permit(last).is_some());
    }

    #[test]
    fn it_rests_as_long_as_the_provider_asks() {
        let breaker = Breaker::default();
        let start = Instant::now();
        let wish = Duration::from_secs(90);
        breaker.permit(start).unwrap().failed(start, Some(wish));
        assert!(breaker.permit(start + REST).is_none());
        assert!(breaker.permit(start + wish).is_some());
    }

    #[test]
    fn a_success_forgets_the_failures() {
        let breaker = Breaker::default();
        let now = Instant::now();
        for _ in 0..10 {
            breaker.permit(now).unwrap().failed(now, None);
            breaker.permit(now).unwrap().succeeded();
        }
    }
}
