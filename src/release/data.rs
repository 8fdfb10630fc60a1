//! What becomes of the database when another release is to serve.

use super::{Change, step};
use crate::facts::app::{ENVIRONMENT, SETTINGS, USER, binary};
use crate::plan::Step;
use crate::stack::Stack;
use crate::task::{Backup, Command, Rehearsal, Restored, Task, Unrestored};

/// What becomes of the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Migrated when the release wants it, after a backup of this name and a rehearsal.
    Migrated { backup: String },
    /// The release runs on what is there.
    Kept,
    /// The schema is taken back to this migration, by a binary that knows the way.
    TakenBack { binary: String, to: i64 },
    /// It comes back as it was in the backup; what is there now is set aside under this name.
    Restored { backup: String, aside: String },
}

/// The wish that the database is as the release needs it.
pub fn made_ready(stack: &Stack, change: &Change) -> Vec<Step<Task>> {
    let own = binary(&change.release.id);
    let database = &stack.database.name;
    let mut steps = match &change.data {
        Data::Kept => Vec::new(),
        Data::Migrated { backup } => vec![
            step(
                "a backup is there from before the migrations",
                Backup {
                    name: backup.clone(),
                    database: database.clone(),
                    before: own.clone(),
                },
            ),
            step(
                "the migrations are rehearsed",
                Rehearsal {
                    binary: own.clone(),
                    database: database.clone(),
                    user: USER.to_owned(),
                    env_file: ENVIRONMENT.to_owned(),
                    settings: SETTINGS.to_owned(),
                    queries: Rehearsal::questions(),
                },
            ),
        ],
        Data::TakenBack { binary, to } => vec![step(
            format!("the schema is taken back to {to:04}"),
            app(
                stack,
                (&own, &["migrate", "--check"]),
                (binary, &["migrate", "--down-to", &to.to_string()]),
            ),
        )],
        Data::Restored { backup, aside } => vec![step(
            format!("the database is that of {backup}"),
            Restored {
                database: database.clone(),
                backup: backup.clone(),
                aside: aside.clone(),
            },
        )],
    };
    steps.push(step(
        "the schema is as it needs it",
        app(stack, (&own, &["migrate", "--check"]), (&own, &["migrate"])),
    ));
    if stack.app.demo_data {
        steps.push(step(
            "the example data is loaded",
            app(
                stack,
                (&own, &["load", "--demo", "--check"]),
                (&own, &["load", "--demo"]),
            ),
        ));
    }
    steps
}

/// The wish that it is as it was. What was only added stays: older releases bear it.
pub fn put_back(stack: &Stack, change: &Change) -> Vec<Step<Task>> {
    match &change.data {
        Data::Migrated { .. } | Data::Kept => Vec::new(),
        Data::TakenBack { binary, .. } => vec![step(
            "the schema is as it was",
            app(
                stack,
                (binary, &["migrate", "--check"]),
                (binary, &["migrate"]),
            ),
        )],
        Data::Restored { aside, .. } => vec![step(
            "the database is the one of before",
            Unrestored {
                database: stack.database.name.clone(),
                aside: aside.clone(),
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
        deadline_s: Some(stack.app.migrate_within_s.into()),
    }
}
