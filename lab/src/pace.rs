//! What actions are told beside their work: how long they take at least, and which of them fail. It
//! is kept in memory only.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How an action ends that is to end in error.
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: String,
    pub message: String,
}

/// The actions of a lab and their time.
#[derive(Debug, Default)]
pub struct Pace {
    least: Duration,
    dooms: Vec<Doom>,
    courses: HashMap<u64, Course>,
}

/// The action of a command that is to fail, counted from now.
#[derive(Debug)]
struct Doom {
    command: String,
    nth: u64,
    failure: Failure,
}

#[derive(Debug)]
struct Course {
    begun: Instant,
    least: Duration,
    failure: Option<Failure>,
}

impl Pace {
    /// From now on every action takes at least so long.
    pub fn set_least(&mut self, least: Duration) {
        self.least = least;
    }

    /// The nth action of a command from now ends in error; 1 is the next.
    pub fn doom(&mut self, command: String, nth: u64, failure: Failure) {
        self.dooms.push(Doom {
            command,
            nth,
            failure,
        });
    }

    /// An action begins.
    pub fn begin(&mut self, id: u64, command: &str) {
        let mut failure = None;
        for doom in self.dooms.iter_mut().filter(|doom| doom.command == command) {
            doom.nth = doom.nth.saturating_sub(1);
            if doom.nth == 0 {
                failure = Some(doom.failure.clone());
            }
        }
        self.dooms.retain(|doom| doom.nth > 0);
        if failure.is_some() || !self.least.is_zero() {
            let course = Course {
                begun: Instant::now(),
                least: self.least,
                failure,
            };
            self.courses.insert(id, course);
        }
    }

    /// How an action is to fail.
    pub fn failure(&self, id: u64) -> Option<&Failure> {
        self.courses.get(&id)?.failure.as_ref()
    }

    /// How long an action has to take yet.
    pub fn left(&self, id: u64) -> Duration {
        let left = |course: &Course| course.least.saturating_sub(course.begun.elapsed());
        self.courses.get(&id).map_or(Duration::ZERO, left)
    }

    /// How much of its least time an action has behind it, of a hundred; without such a time, none.
    pub fn progress(&self, id: u64) -> Option<u64> {
        let course = self
            .courses
            .get(&id)
            .filter(|course| !course.least.is_zero())?;
        let percent = course.begun.elapsed().as_micros() * 100 / course.least.as_micros();
        Some(u64::try_from(percent).map_or(100, |percent| percent.min(100)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_action_of_a_command_fails_and_no_other() {
        let mut pace = Pace::default();
        let failure = Failure {
            code: "c".to_owned(),
            message: "m".to_owned(),
        };
        pace.doom("create_server".to_owned(), 2, failure);
        for (id, command) in [
            (1, "create_server"),
            (2, "start_server"),
            (3, "create_server"),
            (4, "create_server"),
        ] {
            pace.begin(id, command);
        }
        assert_eq!(
            [1, 2, 3, 4].map(|id| pace.failure(id).is_some()),
            [false, false, true, false]
        );
    }

    #[test]
    fn an_action_has_its_time() {
        let mut pace = Pace::default();
        pace.begin(1, "a");
        assert_eq!((pace.progress(1), pace.left(1)), (None, Duration::ZERO));
        pace.set_least(Duration::from_hours(1));
        pace.begin(2, "a");
        assert_eq!(pace.progress(2), Some(0));
        assert!(pace.left(2) > Duration::from_mins(59));
        assert_eq!(pace.left(1), Duration::ZERO);
    }
}
