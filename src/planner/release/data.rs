//! What happens to the database when another release should serve.

use super::ReleaseChange;
use super::step::step;
use crate::config::stack::Stack;
use crate::core::app_profile::{Asked, Commands};
use crate::core::plan::Step;
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
    let profile = &stack.profile;
    let own = profile.binary_of(&change.release.id);
    let Commands { migrate, down, .. } = &profile.commands;
    let database = &stack.database.name;
    let mut steps = match &change.data {
        Data::Kept => Vec::new(),
        Data::Migrated { backup } => vec![
            step("back up before the migrations", Backup::clone(backup)),
            step(
                "rehearse the migrations",
                Rehearsal {
                    database: database.to_string(),
                    trial: ReleaseCheck::of(profile, &change.release.id),
                },
            ),
        ],
        Data::TakenBack { binary, to } => vec![step(
            format!("revert the schema to {to:04}"),
            app(
                stack,
                (&own, migrate.check.words()),
                (binary, down.with(&[("version", &to.to_string())])),
            ),
        )],
        Data::Restored(restored) => vec![step(restored.wish(), restored.clone())],
    };
    steps.push(migrated(stack, &change.release.id));
    let demo = profile.commands.demo.as_ref();
    if let Some(demo) = demo.filter(|_| stack.app.demo_data) {
        let load = asked(stack, &own, demo);
        steps.push(step("load the example data", load));
    }
    steps
}

/// The wish that the database has the schema that a release needs.
pub fn migrated(stack: &Stack, release: &str) -> Step<Task> {
    let own = stack.profile.binary_of(release);
    let migrate = asked(stack, &own, &stack.profile.commands.migrate);
    step("migrate the schema", migrate)
}

/// The wish that it is as it was. What was only added stays: older releases bear it.
pub fn put_back(stack: &Stack, change: &ReleaseChange) -> Vec<Step<Task>> {
    match &change.data {
        Data::Migrated { .. } | Data::Kept => Vec::new(),
        Data::TakenBack { binary, .. } => vec![step(
            "migrate the schema again",
            asked(stack, binary, &stack.profile.commands.migrate),
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

/// A command of one release that has its own question.
fn asked(stack: &Stack, binary: &str, command: &Asked) -> Command {
    let (check, run) = (command.check.words(), command.run.words());
    app(stack, (binary, check), (binary, run))
}

/// A command of the app, with the question that tells whether it is needed.
fn app(stack: &Stack, asked: (&str, Vec<String>), done: (&str, Vec<String>)) -> Command {
    let argv = |binary: &str, words| [vec![binary.to_owned()], words].concat();
    let profile = &stack.profile;
    Command {
        run: argv(done.0, done.1),
        check: argv(asked.0, asked.1),
        user: Some(profile.user.to_string()),
        env_file: Some(profile.env_file()),
        sandbox: true,
        writes: Vec::new(),
        deadline_s: Some((*stack.app.migrate_within_s).into()),
    }
}
