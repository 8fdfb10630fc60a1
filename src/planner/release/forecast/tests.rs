use time::OffsetDateTime;

use super::*;
use crate::config::stack::Stack;
use crate::facts::Facts;
use crate::facts::app::{Migrations, ReleaseState, Schema};
use crate::planner::backup::Settings;

fn release(id: &str, newest: i64) -> Release {
    let migration = |version| DescribedMigration {
        version,
        name: format!("m{version}"),
        sha: version.to_string(),
        floor: (version == 4).then_some(3),
        down: None,
    };
    Release {
        id: id.to_owned(),
        sha256: id.repeat(8),
        commit: String::new(),
        built_at: String::new(),
        size_bytes: 1,
        note: None,
        state: ReleaseState::Good,
        migrations: Some(Migrations {
            newest,
            migrations: (1..=newest).map(migration).collect(),
        }),
    }
}

/// `b` serves with three migrations, `a` before it had two.
fn host() -> AppFacts {
    AppFacts {
        prepared: true,
        live: Some("blue".to_owned()),
        slots: [("blue", "b"), ("green", "a")]
            .map(|(slot, release)| (slot.to_owned(), release.to_owned()))
            .into(),
        releases: vec![release("b", 3), release("a", 2)],
        schema: Some(Ok(Schema {
            applied: vec![1, 2, 3],
            ..Schema::default()
        })),
        ..AppFacts::default()
    }
}

fn stack() -> Stack {
    let text = "stack: prod\ndomain: example.com\nhost: { address: 203.0.113.7, host_key: ssh-ed25519 AAAA }\n";
    Stack::parse(text, "citrino.yml").unwrap()
}

fn forecast(app: &AppFacts, release: &Release) -> (ReleaseForecast, Vec<Step<Task>>) {
    let now = OffsetDateTime::UNIX_EPOCH;
    let backup = Settings::of(&stack(), &[]).before_migrations(&Facts::default(), now, "/app");
    let change = ReleaseChange {
        release,
        back_from: None,
        data: Data::Migrated {
            backup: Box::new(backup),
        },
        note: None,
    };
    let cutover = crate::planner::release::cutover(&stack(), app, &change, |_| Ok(Vec::new()));
    let cutover = cutover.unwrap();
    let forecast = ReleaseForecast::of(app, &change, &cutover);
    let steps = forecast.to_look_at(cutover.steps);
    (forecast, steps)
}

fn names(steps: &[Step<Task>]) -> Vec<&str> {
    steps.iter().map(|step| step.name.as_str()).collect()
}

#[test]
fn a_new_release_names_its_migrations_and_who_is_out_of_reach_with_them() {
    let app = host();
    let (seen, steps) = forecast(&app, &release("c", 4));
    assert_eq!(seen.migrations, Ok(vec!["0004_m4".to_owned()]));
    assert_eq!(
        (seen.slot, seen.is_on_host, seen.serves),
        ("green", false, false)
    );
    assert_eq!(seen.instead_of.as_deref(), Some("b"));
    // The schema needs the third migration then.
    assert_eq!(seen.out_of_reach, ["a"]);
    assert!(names(&steps).contains(&"back up before the migrations"));
    // Nothing that only waits for an answer.
    assert!(!steps.iter().any(|step| matches!(step.task, Task::Probe(_))));
}

#[test]
fn a_release_without_migrations_takes_no_backup() {
    let app = host();
    let (seen, steps) = forecast(&app, &release("c", 3));
    assert_eq!((seen.migrations, seen.out_of_reach), (Ok(vec![]), vec![]));
    let names = names(&steps);
    assert!(names.contains(&"switch to slot green"));
    for other in [
        "back up before the migrations",
        "rehearse the migrations",
        "migrate the schema",
    ] {
        assert!(!names.contains(&other), "{names:?}");
    }
}

#[test]
fn what_is_not_known_is_not_told_as_nothing() {
    let mut silent = release("c", 4);
    silent.migrations = None;
    assert!(forecast(&host(), &silent).0.migrations.is_err());
    let mut app = host();
    app.schema = Some(Err("the database does not answer".to_owned()));
    let (seen, _) = forecast(&app, &release("c", 4));
    assert!(seen.migrations.unwrap_err().contains("does not answer"));
}

#[test]
fn a_release_that_serves_changes_nothing() {
    let app = host();
    let (seen, _) = forecast(&app, &app.releases[0]);
    assert!(seen.serves && seen.is_on_host && seen.instead_of.is_none());
}
