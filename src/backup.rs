//! Stand-in until main's comes.
use time::OffsetDateTime;
use crate::facts::app::AppFacts;
use crate::plan::Step;
use crate::release;
use crate::stack::Stack;
use crate::task::{Task, Unrestored};
pub struct Settings { database: String }
pub struct Restore {
    pub steps: Vec<Step<Task>>,
    pub on_failure: Vec<Step<Task>>,
}
impl Settings {
    pub fn of(stack: &Stack) -> Self { Self { database: stack.database.name.clone() } }
    pub fn came_back(&self, stack: &Stack, app: &AppFacts, _at: OffsetDateTime, takes_its_place: Step<Task>, aside: String) -> Restore {
        let mut steps = vec![takes_its_place];
        steps.extend(release::answers_again(stack, app));
        let back = Unrestored { database: self.database.clone(), aside };
        let mut on_failure = vec![Step::new("backup", "the database is the one of before", back)];
        on_failure.extend(release::answers_again(stack, app));
        Restore { steps, on_failure }
    }
}
