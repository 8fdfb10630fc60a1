use super::*;
use crate::facts::app::{Migrations, Schema};

/// Knows migrations up to `newest`; the ninth is a contraction for those who know the seventh.
fn release(id: &str, newest: i64, state: ReleaseState) -> Release {
    let migration = |version| DescribedMigration {
        version,
        name: format!("m{version}"),
        sha: format!("sha of {version}"),
        floor: (version == 9).then_some(7),
        down: Some(if version == 8 {
            Down::Loses
        } else {
            Down::Lossless
        }),
    };
    Release {
        id: id.to_owned(),
        sha256: id.to_owned(),
        commit: String::new(),
        built_at: String::new(),
        size_bytes: 1,
        note: None,
        state,
        migrations: Some(Migrations {
            newest,
            migrations: (1..=newest).map(migration).collect(),
        }),
    }
}

fn host(releases: Vec<Release>, applied: i64, floor: i64) -> AppFacts {
    let slots = releases.iter().zip(["green", "blue"]);
    AppFacts {
        prepared: true,
        live: Some("green".to_owned()),
        slots: slots
            .map(|(release, slot)| (slot.to_owned(), release.id.clone()))
            .collect(),
        releases,
        schema: Some(Ok(Schema {
            applied: (1..=applied).collect(),
            shas: (1..=applied)
                .map(|version| (version, format!("sha of {version}")))
                .collect(),
            floor,
            pending: Vec::new(),
        })),
        ..AppFacts::default()
    }
}

fn backup(name: &str, floor: i64) -> BackupManifest {
    BackupManifest {
        name: name.to_owned(),
        schema: Some(Schema {
            floor,
            ..Schema::default()
        }),
        ..BackupManifest::default()
    }
}

fn backups(whole: &[BackupManifest]) -> Backups {
    Backups {
        whole: whole.to_vec(),
        ..Backups::default()
    }
}

#[test]
fn an_older_release_runs_on_a_newer_schema_down_to_its_floor() {
    let app = host(
        vec![
            release("c", 9, ReleaseState::Good),
            release("b", 7, ReleaseState::Good),
            release("a", 6, ReleaseState::Good),
        ],
        9,
        7,
    );
    let reached: Vec<_> = app
        .releases
        .iter()
        .map(|release| reach(&app, release))
        .collect();
    assert_eq!(reached[..2], [Ok(()), Ok(())]);
    assert_eq!(reached[2], Err(Obstacle::SchemaPast("0009_m9".to_owned())));
}

#[test]
fn what_never_served_or_never_spoke_or_cannot_be_compared_is_no_way_back() {
    let mut silent = release("b", 9, ReleaseState::Good);
    silent.migrations = None;
    let mut app = host(
        vec![
            release("c", 9, ReleaseState::Good),
            silent,
            release("a", 9, ReleaseState::Failed),
        ],
        9,
        0,
    );
    assert_eq!(reach(&app, &app.releases[1]), Err(Obstacle::Silent));
    assert_eq!(reach(&app, &app.releases[2]), Err(Obstacle::Failed));
    app.schema = Some(Err("it is away".to_owned()));
    assert_eq!(
        reach(&app, &app.releases[0]),
        Err(Obstacle::SchemaUnknown("it is away".to_owned()))
    );
}

#[test]
fn the_previous_one_is_beside_the_live_one_and_never_one_that_was_left() {
    let releases = |beside| {
        vec![
            release("c", 9, ReleaseState::Good),
            release("b", 9, beside),
            release("a", 9, ReleaseState::Good),
        ]
    };
    let id = |app: &AppFacts| previous(app).map(|release| release.id.clone());
    assert_eq!(
        id(&host(releases(ReleaseState::Good), 9, 0)).as_deref(),
        Some("b")
    );
    for left in [ReleaseState::Quarantined, ReleaseState::Failed] {
        assert_eq!(id(&host(releases(left), 9, 0)).as_deref(), Some("a"));
    }
    assert_eq!(
        id(&host(vec![release("c", 9, ReleaseState::Good)], 9, 0)),
        None
    );
}

#[test]
fn the_ways_past_a_contraction_are_those_that_there_are() {
    let app = host(
        vec![
            release("c", 9, ReleaseState::Good),
            release("b", 8, ReleaseState::Good),
            release("a", 6, ReleaseState::Good),
        ],
        9,
        7,
    );
    let all = backups(&[backup("new", 7), backup("old", 0), backup("older", 0)]);
    let old = &app.releases[2];
    assert_eq!(
        ways(&app, &all, old),
        [
            RollbackWay::Other(&app.releases[1]),
            RollbackWay::Down {
                by: &app.releases[0],
                to: 8
            },
            RollbackWay::Restore(&all.whole[1]),
        ]
    );

    // Another text by the same number says nothing of what was applied.
    let mut other = app.clone();
    if let Some(Ok(schema)) = &mut other.schema {
        schema.shas.insert(9, "another sha".to_owned());
    }
    assert_eq!(
        ways(&other, &backups(&[]), old),
        [RollbackWay::Other(&other.releases[1])]
    );

    // A way down over what loses data is none, and so is a backup from behind the contraction.
    let mut lossy = app.clone();
    for migration in &mut lossy.releases[0].migrations.as_mut().unwrap().migrations {
        migration.down = Some(Down::Loses);
    }
    assert_eq!(
        ways(&lossy, &backups(&all.whole[..1]), old),
        [RollbackWay::Other(&lossy.releases[1])]
    );
}
