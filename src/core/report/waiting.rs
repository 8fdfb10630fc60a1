//! What is waited for, as lines: a pipe and a log must not be silent for long either.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a wait may be silent at first.
const FIRST: Duration = Duration::from_secs(1);
/// And after its first line.
const AGAIN: Duration = Duration::from_secs(30);
/// How often a thread looks at the clock.
const PAUSE: Duration = Duration::from_millis(200);

/// One wait: what for, and when its next line is due.
struct Wait {
    what: String,
    /// What stands in the way, when somebody knows it.
    reason: String,
    begun: Instant,
    next: Instant,
}

impl Wait {
    fn new(what: &str, now: Instant) -> Self {
        Self {
            what: what.to_owned(),
            reason: String::new(),
            begun: now,
            next: now + FIRST,
        }
    }

    /// The line that is due now.
    fn line(&mut self, now: Instant) -> Option<String> {
        if now < self.next {
            return None;
        }
        self.next = now + AGAIN;
        let seconds = (now - self.begun).as_secs();
        Some(if seconds < AGAIN.as_secs() {
            self.what.clone()
        } else {
            let reason = match self.reason.as_str() {
                "" => String::new(),
                reason => format!(" ({reason})"),
            };
            format!("{} {seconds} s{reason}", self.what)
        })
    }
}

/// Says on stderr what is waited for, from a thread of its own: whoever waits has no time for it.
#[derive(Clone, Default)]
pub struct Waiting {
    wait: Arc<Mutex<Option<Wait>>>,
    /// Whether the thread runs.
    is_watched: Arc<Mutex<bool>>,
}

impl Waiting {
    pub fn begin(&self, what: &str) {
        *lock(&self.wait) = Some(Wait::new(what, Instant::now()));
        let mut is_watched = lock(&self.is_watched);
        if !*is_watched {
            *is_watched = true;
            let wait = Arc::downgrade(&self.wait);
            thread::spawn(move || {
                while let Some(wait) = wait.upgrade() {
                    say(&wait);
                    drop(wait);
                    thread::sleep(PAUSE);
                }
            });
        }
    }

    /// Says why it takes so long, with the next line that is due.
    pub fn because(&self, reason: &str) {
        if let Some(wait) = lock(&self.wait).as_mut() {
            reason.clone_into(&mut wait.reason);
        }
    }

    pub fn end(&self) {
        *lock(&self.wait) = None;
    }
}

/// The lock is held meanwhile, so that no line comes after the wait has ended.
fn say(wait: &Mutex<Option<Wait>>) {
    let mut wait = lock(wait);
    let line = wait.as_mut().and_then(|wait| wait.line(Instant::now()));
    if let Some(line) = line {
        // Nothing can be done when stderr is closed.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// What a thread that broke has left is still good: it is set as a whole.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_has_a_line_after_a_second_and_then_every_half_minute() {
        let begun = Instant::now();
        let mut wait = Wait::new("install packages…", begun);
        let mut at = |millis| wait.line(begun + Duration::from_millis(millis));
        assert_eq!(at(900), None);
        assert_eq!(at(1_000).as_deref(), Some("install packages…"));
        assert_eq!(at(1_200), None);
        assert_eq!(at(30_900), None);
        assert_eq!(at(31_000).as_deref(), Some("install packages… 31 s"));
        assert_eq!(at(31_200), None);
        assert_eq!(at(66_800).as_deref(), Some("install packages… 66 s"));
        wait.reason = "create_image: 40 %".to_owned();
        let line = wait.line(begun + Duration::from_secs(97));
        assert_eq!(
            line.as_deref(),
            Some("install packages… 97 s (create_image: 40 %)")
        );
    }
}
