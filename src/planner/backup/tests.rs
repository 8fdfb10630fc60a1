use std::collections::BTreeMap;

use time::macros::datetime;

use super::*;
use crate::core::error::Code;
use crate::facts::backups::{DoubtfulBackup, Proof};

const NOW: OffsetDateTime = datetime!(2026-11-25 12:00 UTC);

fn settings() -> Settings {
    let text = "stack: prod\ndomain: example.com\nhost: { address: 203.0.113.7, host_key: ssh-ed25519 AAAA }\n";
    Settings::of(&Stack::parse(text, "citrino.yml").unwrap(), &[])
}

#[test]
fn settings_name_the_host_and_those_of_an_earlier_version_none() {
    let mut text = serde_json::to_value(settings()).unwrap();
    assert_eq!(
        text.as_object_mut().unwrap().remove("host").unwrap(),
        "prod"
    );
    let older: Settings = serde_json::from_value(text).unwrap();
    assert_eq!((older.stack.as_str(), older.host), ("prod", None));
}

/// A host with backups of these names; the first is proven at that time.
fn host(names: &[&str], proven: Option<&str>) -> Facts {
    let backup = |name: &&str| backups::BackupManifest {
        name: (*name).to_owned(),
        ..backups::BackupManifest::default()
    };
    let proof = proven.map(|at| Proof {
        sha256: String::new(),
        at: at.to_owned(),
        took_ms: 1,
        release: None,
    });
    Facts {
        backups: Backups {
            whole: names.iter().map(backup).collect(),
            proofs: proof
                .map(|proof| (names[0].to_owned(), proof))
                .into_iter()
                .collect(),
            broken: BTreeMap::from([(
                "citrino_broken".to_owned(),
                "its manifest was cut".to_owned(),
            )]),
            ..Backups::default()
        },
        ..Facts::default()
    }
}

#[test]
fn migrations_rely_on_no_proof_that_is_too_old() {
    let wished = |proven| {
        let facts = host(&["citrino_a"], proven);
        settings().before_migrations(&facts, NOW, "/app").prove
    };
    assert!(
        !wished(Some("2026-11-17T12:00:00Z")),
        "8 days are not too old"
    );
    assert!(wished(Some("2026-11-17T11:59:59Z")));
    assert!(wished(None));
}

#[test]
fn a_backup_is_meant_by_a_part_of_its_name_that_no_other_has() {
    let facts = host(
        &["citrino_20261125_030000", "citrino_20261124_030000"],
        None,
    );
    let name = |part| wished(&facts.backups, part, Accepts::Own).map(|backup| backup.name.as_str());
    for newest in [None, Some("latest"), Some("citrino_20261125")] {
        assert_eq!(name(newest).unwrap(), "citrino_20261125_030000");
    }
    assert_eq!(name(Some("24_030000")).unwrap(), "citrino_20261124_030000");
    for (part, why) in [
        ("citrino_2026", "2 backups match"),
        ("citrino_1999", "there is no backup"),
        ("citrino_broken", "its manifest was cut"),
    ] {
        let refused = name(Some(part)).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    assert!(wished(&Backups::default(), None, Accepts::Own).is_err());
}

#[test]
fn the_latest_is_never_what_a_restore_set_aside() {
    let mut facts = host(
        &["citrino_20261125_030000", "citrino_20261124_030000"],
        None,
    );
    facts.backups.whole[0].safety = true;
    for latest in [None, Some("latest")] {
        let meant = wished(&facts.backups, latest, Accepts::Own).unwrap();
        assert_eq!(meant.name, "citrino_20261124_030000");
    }
    let named = wished(&facts.backups, Some("25_030000"), Accepts::Own).unwrap();
    assert_eq!(named.name, "citrino_20261125_030000");
    facts.backups.whole.pop();
    let why = wished(&facts.backups, None, Accepts::Own).unwrap_err();
    assert_eq!(
        why.to_string(),
        "the only backups are safety backups, such as citrino_20261125_030000; name one to use it"
    );
}

#[test]
fn a_host_without_backups_of_its_own_says_what_else_it_has() {
    let why = |backups: &Backups| wished(backups, None, Accepts::Own).unwrap_err().to_string();
    let mut backups = Backups::default();
    assert_eq!(why(&backups), "there is no backup on the host");
    let cut = "its manifest was cut".to_owned();
    backups.broken.insert("citrino_broken".to_owned(), cut);
    assert_eq!(
        why(&backups),
        "backup citrino_broken cannot be used: its manifest was cut"
    );
    backups.foreign.push(backups::BackupManifest {
        name: "citrino_foreign".to_owned(),
        stack: "other".to_owned(),
        ..backups::BackupManifest::default()
    });
    assert_eq!(
        why(&backups),
        "the host has no backup of this stack; citrino_foreign is from stack other"
    );
}

#[test]
fn where_every_backup_is_broken_the_reason_is_told() {
    let facts = host(&[], None);
    let why = find(&facts.backups, None, Accepts::Own).unwrap_err();
    assert_eq!(
        (why.code, why.message.as_str()),
        (
            Code::E0422,
            "backup citrino_broken cannot be used: its manifest was cut"
        )
    );
    let why = find(&Backups::default(), Some("latest"), Accepts::Own).unwrap_err();
    assert_eq!(
        (why.code, why.message.as_str()),
        (Code::E0429, "there is no backup")
    );
}

#[test]
fn the_backup_before_a_restore_is_one_step_and_known_by_its_id() {
    let text = "stack: prod\ndomain: example.com\nhost: { address: 203.0.113.7, host_key: ssh-ed25519 AAAA }\n";
    let (stack, facts) = (Stack::parse(text, "citrino.yml").unwrap(), host(&[], None));
    let swapping = Swapping {
        settings: &settings(),
        stack: &stack,
        app: &facts.app,
        at: NOW,
    };
    let restore = swapping.to_moment(NOW);
    let is_safety = |step: &&Step<Task>| step.id == SAFETY;
    let safety: Vec<_> = restore.steps.iter().filter(is_safety).collect();
    assert!(matches!(safety[..], [step] if matches!(step.task, Task::Backup(_))));
    assert!(restore.swap.id != SAFETY);
}

#[test]
fn of_the_databases_set_aside_as_many_go_as_is_said() {
    let pruned = |aside| match settings().pruned(NOW, aside).task {
        Task::Pruned(pruned) => (pruned.previous, pruned.if_empty),
        other => panic!("{other:?}"),
    };
    assert_eq!(pruned(SetAside::Kept), (false, false));
    assert_eq!(pruned(SetAside::DroppedIfEmpty), (true, true));
    assert_eq!(pruned(SetAside::Dropped), (true, false));
}

#[test]
fn what_is_not_believed_is_used_by_its_name_alone_and_when_that_is_accepted() {
    let of = |name: &str| backups::BackupManifest {
        name: name.to_owned(),
        at: "2099-01-01T00:00:00Z".to_owned(),
        ..backups::BackupManifest::default()
    };
    let forged = DoubtfulBackup {
        backup: of("citrino_20990101_000000"),
        why: "it is not signed".to_owned(),
    };
    let own = of("citrino_20261125_030000");
    let with = |whole: Vec<backups::BackupManifest>| Backups {
        whole,
        doubtful: vec![forged.clone()],
        ..Backups::default()
    };
    let named = Some("citrino_20990101_000000");
    let both = with(vec![own.clone()]);
    for accepts in [Accepts::Own, Accepts::Foreign, Accepts::Doubtful] {
        for newest in [None, Some("latest")] {
            assert_eq!(wished(&both, newest, accepts).unwrap().name, own.name);
        }
        let found = wished(&both, named, accepts);
        let codes = found.as_ref().map_err(crate::core::error::code);
        match accepts {
            Accepts::Doubtful => assert_eq!(found.unwrap(), &forged.backup),
            _ => assert_eq!(codes, Err(Code::E0436)),
        }
        // Where there is nothing else it is not the newest either.
        let alone = with(Vec::new());
        let refused = wished(&alone, None, accepts).unwrap_err();
        assert_eq!(crate::core::error::code(&refused), Code::E0436);
    }
    // What fits both is neither.
    assert!(wished(&both, Some("citrino_20"), Accepts::Doubtful).is_err());
}
