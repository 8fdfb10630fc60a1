//! How long actions take at least, at which progress they are held, and which of them fail. Kept in
//! memory only.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The error of an action that is ordered to fail.
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: String,
    pub message: String,
}

/// The progress at which an action is released.
const WHOLE: u64 = 100;

/// The actions of a lab and their timing.
#[derive(Debug)]
pub struct Pace {
    least: Duration,
    /// The progress of held actions, in percent.
    hold: u64,
    dooms: Vec<Doom>,
    courses: HashMap<u64, Course>,
}

/// Which action of a command fails, counted from now.
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
    held: bool,
    failure: Option<Failure>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            least: Duration::ZERO,
            hold: WHOLE,
            dooms: Vec::new(),
            courses: HashMap::new(),
        }
    }
}

impl Pace {
    /// Holds actions that begin from now on, and those that are held already, at this percentage until
    /// the next call; 100 releases them.
    pub fn hold(&mut self, percent: u64) {
        self.hold = percent;
        if percent >= WHOLE {
            self.courses
                .values_mut()
                .for_each(|course| course.held = false);
        }
    }

    /// Forgets what was ordered: nothing is held, and nothing that begins from now on fails.
    pub fn forget(&mut self) {
        self.hold(WHOLE);
        self.least = Duration::ZERO;
        self.dooms.clear();
    }

    /// From now on every action takes at least this long.
    pub fn set_least(&mut self, least: Duration) {
        self.least = least;
    }

    /// Makes the nth action of a command from now fail; 1 is the next.
    pub fn doom(&mut self, command: String, nth: u64, failure: Failure) {
        self.dooms.push(Doom {
            command,
            nth,
            failure,
        });
    }

    /// Notes that an action begins.
    pub fn begin(&mut self, id: u64, command: &str) {
        let mut failure = None;
        for doom in self.dooms.iter_mut().filter(|doom| doom.command == command) {
            doom.nth = doom.nth.saturating_sub(1);
            if doom.nth == 0 {
                failure = Some(doom.failure.clone());
            }
        }
        self.dooms.retain(|doom| doom.nth > 0);
        let held = self.hold < WHOLE;
        if failure.is_some() || held || !self.least.is_zero() {
            let course = Course {
                begun: Instant::now(),
                least: self.least,
                held,
                failure,
            };
            self.courses.insert(id, course);
        }
    }

    /// The error that an action is ordered to end with.
    pub fn failure(&self, id: u64) -> Option<&Failure> {
        self.courses.get(&id)?.failure.as_ref()
    }

    /// Whether an action is held.
    pub fn is_held(&self, id: u64) -> bool {
        self.courses.get(&id).is_some_and(|course| course.held)
    }

    /// How long an action still has to take.
    pub fn left(&self, id: u64) -> Duration {
        let left = |course: &Course| course.least.saturating_sub(course.begun.elapsed());
        self.courses.get(&id).map_or(Duration::ZERO, left)
    }

    /// The percentage at which an action is held, or the elapsed share of its least time; `None` without
    /// either.
    pub fn progress(&self, id: u64) -> Option<u64> {
        let course = self.courses.get(&id)?;
        if course.held {
            return Some(self.hold);
        }
        let elapsed = course.begun.elapsed().as_micros() * u128::from(WHOLE);
        let percent = elapsed.checked_div(course.least.as_micros())?;
        Some(u64::try_from(percent).map_or(WHOLE, |percent| percent.min(WHOLE)))
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
        let half = Duration::from_mins(30);
        pace.courses.get_mut(&2).unwrap().begun -= half;
        assert_eq!(pace.progress(2), Some(50));
        assert!(pace.left(2) > Duration::ZERO && pace.left(2) <= half);
        pace.courses.get_mut(&2).unwrap().begun -= half;
        assert_eq!(
            (pace.progress(2), pace.left(2)),
            (Some(100), Duration::ZERO)
        );
        assert_eq!(pace.left(1), Duration::ZERO);
    }

    #[test]
    fn an_action_is_held_until_it_is_let_go() {
        let mut pace = Pace::default();
        pace.begin(1, "a");
        for percent in [10, 60] {
            pace.hold(percent);
            pace.begin(percent, "a");
            assert_eq!((pace.progress(10), pace.is_held(10)), (Some(percent), true));
        }
        assert!(!pace.is_held(1), "what ran before runs on");
        pace.hold(100);
        pace.begin(2, "a");
        for id in [1, 2, 10, 60] {
            assert_eq!((pace.progress(id), pace.is_held(id)), (None, false));
        }
    }
}
