//! What happens to the database when another release should serve.

use super::ReleaseChange;
use super::step::step;
use crate::config::stack::Stack;
use crate::core::plan::Step;
use crate::facts::app::{ENVIRONMENT, USER, binary};
use crate::task::release_check::ReleaseCheck;
use crate::task::{Backup, Command, Rehearsal, Restored, SwapReverted, Task};

/// What happens to the data.
#[derive(Clone, Debug)]
pub enum Data {
    /// Migrated when the release wants it, after this backup and a rehearsal.
    Migrated { backup: Box<Backup> },
    /// The release runs on what is there.
    Kept,
    /// The schema is taken back to this migration, by a binary that knows the way.
    TakenBack { binary: String, to: i64 },
    /// It comes back as it was in a backup; what is there now is set aside.
    Restored(Restored),
}

/// The wish that the database is as the release needs it.
pub fn made_ready(stack: &Stack, change: &ReleaseChange) -> Vec<Step<Task>> {
    let own = binary(&change.release.id);
    let database = &stack.database.name;
    let mut steps = match &change.data {
        Data::Kept => Vec::new(),
        Data::Migrated { backup } => vec![
            step("back up before the migrations", Backup::clone(backup)),
            step(
                "rehearse the migrations",
                Rehearsal {
                    database: database.to_string(),
                    trial: ReleaseCheck::of(own.clone()),
                },
            ),
        ],
        Data::TakenBack { binary, to } => vec![step(
            format!("revert the schema to {to:04}"),
            app(
                stack,
                (&own, &["migrate", "--check"]),
                (binary, &["migrate", "--down-to", &to.to_string()]),
            ),
        )],
        Data::Restored(restored) => vec![step(restored.wish(), restored.clone())],
    };
    steps.push(migrated(stack, &change.release.id));
    if stack.app.demo_data {
        steps.push(step(
            "load the example data",
            app(
                stack,
                (&own, &["load", "--demo", "--check"]),
                (&own, &["load", "--demo"]),
            ),
        ));
    }
    steps
}

/// The wish that the database has the schema that a release needs.
pub fn migrated(stack: &Stack, release: &str) -> Step<Task> {
    let own = binary(release);
    let migrate = app(stack, (&own, &["migrate", "--check"]), (&own, &["migrate"]));
    step("migrate the schema", migrate)
}

/// The wish that it is as it was. What was only added stays: older releases bear it.
pub fn put_back(stack: &Stack, change: &ReleaseChange) -> Vec<Step<Task>> {
    match &change.data {
        Data::Migrated { .. } | Data::Kept => Vec::new(),
        Data::TakenBack { binary, .. } => vec![step(
            "migrate the schema again",
            app(
                stack,
                (binary, &["migrate", "--check"]),
                (binary, &["migrate"]),
            ),
        )],
        Data::Restored(restored) => vec![step(
            "switch back to the previous database",
            SwapReverted {
                database: stack.database.name.to_string(),
                previous: restored.previous.clone(),
            },
        )],
    }
}

/// A command of the app, with the question that tells whether it is needed.
fn app(stack: &Stack, asked: (&str, &[&str]), done: (&str, &[&str])) -> Command {
    let argv = |binary: &str, arguments: &[&str]| {
        let words = std::iter::once(binary).chain(arguments.iter().copied());
        words.map(str::to_owned).collect()
    };
    Command {
        run: argv(done.0, done.1),
        check: argv(asked.0, asked.1),
        user: Some(USER.to_owned()),
        env_file: Some(ENVIRONMENT.to_owned()),
        deadline_s: Some((*stack.app.migrate_within_s).into()),
    }
}
