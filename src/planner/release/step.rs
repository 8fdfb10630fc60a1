//! A step of a release.

use crate::core::plan::Step;
use crate::task::Task;

/// The part of a plan that these steps stand in.
const PART: &str = "release";

pub fn step(name: impl Into<String>, task: impl Into<Task>) -> Step<Task> {
    Step::new(PART, name, task)
}
