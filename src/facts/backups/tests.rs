use serde_json::Value;

use super::*;
use crate::core::stack_key::StackKey;
use crate::storage::archive::ArchiveContent;

fn key() -> StackKey {
    StackKey::of([7; 32])
}

fn judge() -> Judge {
    Judge::new(Some(key()), Some("prod"))
}

/// What stands in a file of this text.
fn standing(name: &str, text: &str) -> Result<Standing, String> {
    let found = BackupManifest::parse(name, text)?;
    Ok(judge().judged(found).standing)
}

/// The same text after a change of its fields, with a seal that fits: whoever writes files can make that one.
fn resealed(text: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    value.as_object_mut().unwrap().remove("seal");
    change(&mut value);
    value["seal"] = crate::core::digest::sha256(value.to_string().as_bytes()).into();
    value.to_string()
}

fn manifest() -> BackupManifest {
    BackupManifest {
        name: "citrino_20261125_030000".to_owned(),
        at: "2026-11-25T03:00:00Z".to_owned(),
        stack: "prod".to_owned(),
        dump: content("citrino_20261125_030000.dump.zst"),
        globals: content("citrino_20261125_030000.globals.sql.zst"),
        rows: BTreeMap::from([("propiedades".to_owned(), 1588)]),
        ..BackupManifest::default()
    }
}

fn content(file: &str) -> ArchiveContent {
    ArchiveContent {
        file: file.to_owned(),
        sha256: "0".repeat(64),
        bytes: 0,
    }
}

#[test]
fn a_manifest_that_names_a_file_elsewhere_is_not_believed() {
    for file in [
        "",
        "../../../etc/passwd",
        "citrino_20261125_030000./../x",
        "citrino_20261126_030000.dump.zst",
    ] {
        let backup = BackupManifest {
            dump: content(file),
            ..manifest()
        };
        let why = BackupManifest::parse(&backup.name, &backup.text(&key()).unwrap()).unwrap_err();
        assert!(why.starts_with("its manifest "), "{why}");
        // Nor where there is no seal: a host tells of it in its greeting.
        let told = serde_json::to_value(&backup).unwrap();
        assert!(
            serde_json::from_value::<BackupManifest>(told).is_err(),
            "{file}"
        );
    }
}

#[test]
fn what_a_host_says_of_backups_are_names_of_backups() {
    let told = |change: &str, value: Value| {
        let backups = Backups {
            whole: vec![manifest()],
            ..Backups::default()
        };
        let mut told = serde_json::to_value(&backups).unwrap();
        *told.pointer_mut(change).unwrap() = value;
        serde_json::from_value::<Backups>(told)
    };
    assert!(told("/proofs", serde_json::json!({})).is_ok());
    let proof =
        serde_json::json!({"sha256": "0".repeat(64), "at": "", "took_ms": 1, "release": null});
    for (change, value) in [
        ("/whole/0/name", "../../x".into()),
        ("/whole/0/dump/file", "/etc/passwd".into()),
        ("/whole/0/dump/file", "citrino_20261126_030000.json".into()),
        ("/whole/0/dump/sha256", "ä".repeat(32).into()),
        ("/whole/0/release", "../r7".into()),
        ("/proofs", serde_json::json!({"../x": proof})),
        ("/broken", serde_json::json!({"..": "torn"})),
        (
            "/sent",
            serde_json::json!({"backup": "a/b", "at": "", "place": ""}),
        ),
    ] {
        assert!(told(change, value.clone()).is_err(), "{change}: {value}");
    }
}

/// A host with the files of a backup, its dump so many bytes longer than written.
fn host_with(backup: &BackupManifest, system: &System, more: usize) {
    let write = |path: String, bytes: &[u8]| {
        let path = system.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write(
        super::manifest(system.app(), &backup.name),
        backup.text(&key()).unwrap().as_bytes(),
    );
    write(system.app().backup_file(&backup.dump.file), &vec![0; more]);
    write(system.app().backup_file(&backup.globals.file), b"");
}

fn of(stack: &str, name: &str) -> BackupManifest {
    BackupManifest {
        name: name.to_owned(),
        at: "2026-11-25T03:00:00Z".to_owned(),
        stack: stack.to_owned(),
        dump: content(&format!("{name}.dump.zst")),
        globals: content(&format!("{name}.globals.sql.zst")),
        ..BackupManifest::default()
    }
}

#[test]
fn what_is_of_another_stack_or_not_whole_does_not_count_and_stays() {
    let root = tempfile::tempdir().unwrap();
    let system = System::at(root.path());
    let own = of("prod", "citrino_20261125_030000");
    let foreign = of("other", "citrino_20261126_030000");
    let torn = of("prod", "citrino_20261127_030000");
    for (backup, more) in [(&own, 0), (&foreign, 0), (&torn, 1)] {
        host_with(backup, &system, more);
    }
    let settings = system.path(own::BACKUP_SETTINGS);
    std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
    assert_eq!(
        gather(&system).unwrap().doubtful.len(),
        2,
        "nobody knows whose host it is, and what they are signed with"
    );
    std::fs::write(system.path(own::STACK_KEY), key().line()).unwrap();
    assert_eq!(gather(&system).unwrap().whole.len(), 2);
    std::fs::write(settings, r#"{ "stack": "prod", "database": "x" }"#).unwrap();
    let found = gather(&system).unwrap();
    assert_eq!((&found.whole, &found.foreign), (&vec![own], &vec![foreign]));
    let why = "citrino_20261127_030000.dump.zst has 1 bytes, but 0 were written";
    assert_eq!(found.broken, BTreeMap::from([(torn.name, why.to_owned())]));
    assert!(strays(&system, &found).unwrap().is_empty());
}

#[test]
fn only_what_has_the_shape_of_ours_is_ours() {
    let app = AppProfile::default();
    for (file, is) in [
        ("citrino_20261125_030000.dump.zst.age.part", true),
        ("citrino_20261125_030000.globals.sql.zst", true),
        ("citrino_20261125_030000.sql", false),
        ("citrino_before_fix.sql.gz", false),
        ("citrino_2026112x_030000.sql.gz", false),
        ("notes", false),
    ] {
        assert_eq!(ours(&app, file).is_some(), is, "{file}");
    }
}

#[test]
fn a_proof_is_of_one_dump_and_gives_way_to_a_newer_one() {
    let proof = |at: &str| Proof {
        sha256: manifest().dump.sha256,
        at: at.to_owned(),
        took_ms: 1,
        release: None,
    };
    // The same moment in another zone is no newer.
    let (old, new) = (
        proof("2026-11-25T09:00:00+01:00"),
        proof("2026-11-25T08:30:00Z"),
    );
    assert!(new.is_newer_than(None) && new.is_newer_than(Some(&old)));
    assert!(!old.is_newer_than(Some(&new)) && !old.is_newer_than(Some(&old)));
    let text = old.text(&manifest(), &key()).unwrap();
    let read = |backup: &BackupManifest, text: &str| Proof::of(backup, text.as_bytes(), &judge());
    assert_eq!(read(&manifest(), &text), Ok(old));
    let mut other = manifest();
    other.dump.sha256 = "1".repeat(64);
    assert_eq!(read(&other, &text), Err("it is of another dump".to_owned()));
    assert!(read(&manifest(), "{").is_err());
}

#[test]
fn a_proof_that_the_stack_did_not_write_or_that_no_drill_can_have_given_proves_nothing() {
    let backup = manifest();
    let proof = |at: &str| Proof {
        sha256: backup.dump.sha256.clone(),
        at: at.to_owned(),
        took_ms: 1,
        release: None,
    };
    let sound = proof("2026-11-25T04:00:00Z");
    let text = sound.text(&backup, &key()).unwrap();
    let why = |backup: &BackupManifest, text: &str| {
        Proof::of(backup, text.as_bytes(), &judge()).unwrap_err()
    };
    // As earlier versions wrote it, and as anybody could.
    let plain = serde_json::to_string(&sound).unwrap();
    assert_eq!(
        why(&backup, &plain),
        "it is not signed with the key of the stack"
    );
    let not_ours = "its signature is not one of the key of the stack";
    let by_another = sound.text(&backup, &StackKey::of([8; 32])).unwrap();
    assert_eq!(why(&backup, &by_another), not_ours);
    // A later time in a proof of the stack's own, and its proof beside a copy of the same dump under another name or stack.
    let younger = text.replace("04:00:00", "05:00:00");
    assert_eq!(why(&backup, &younger), not_ours);
    for copy in [
        BackupManifest {
            name: "citrino_20261126_030000".to_owned(),
            ..backup.clone()
        },
        BackupManifest {
            stack: "other".to_owned(),
            ..backup.clone()
        },
    ] {
        assert_eq!(why(&copy, &text), not_ours);
    }
    // The signature of the manifest is none of a proof.
    let mut borrowed: Value = serde_json::from_str(&text).unwrap();
    let manifest: Value = serde_json::from_str(&backup.text(&key()).unwrap()).unwrap();
    borrowed["signature"] = manifest["signature"].clone();
    assert_eq!(why(&backup, &borrowed.to_string()), not_ours);
    // Clocks go wrong too: these are signed.
    let of = |at: &str| proof(at).text(&backup, &key()).unwrap();
    assert_eq!(
        why(&backup, &of("2026-11-25T02:59:59Z")),
        "it is older than the backup"
    );
    assert_eq!(why(&backup, &of("")), "it is older than the backup");
    assert!(why(&backup, &of("2099-01-01T00:00:00Z")).ends_with("is in the future"));
}

const NOT_OURS: &str = "its signature is not one of the key";

/// Nobody knows whether the stack has written this manifest, for a reason that has this in it.
fn doubtful(text: &str, part: &str) {
    let found = standing(manifest().name.as_str(), text);
    let Ok(Standing::Doubtful(why)) = &found else {
        panic!("{part}: {found:?}")
    };
    assert!(why.contains(part), "{part}: {why}");
}

#[test]
fn only_what_the_stack_has_signed_is_the_stacks() {
    let backup = manifest();
    let text = backup.text(&key()).unwrap();
    let name = backup.name.as_str();
    assert_eq!(standing(name, &text), Ok(Standing::Own));
    let unsigned = resealed(&text, |value| {
        value.as_object_mut().unwrap().remove("signature");
    });
    doubtful(&unsigned, "it is not signed");
    doubtful(&backup.text(&StackKey::of([8; 32])).unwrap(), NOT_OURS);
    for signature in [
        Value::Null,
        7.into(),
        "".into(),
        "00".repeat(32).into(),
        [1].as_slice().into(),
    ] {
        doubtful(
            &resealed(&text, |value| value["signature"] = signature),
            NOT_OURS,
        );
    }
    // Signed, by a host whose clock was wrong.
    let ahead = BackupManifest {
        at: "2099-01-01T00:00:00Z".to_owned(),
        ..backup.clone()
    };
    doubtful(&ahead.text(&key()).unwrap(), "is in the future");
    // Without the key nobody is believed.
    let found = BackupManifest::parse(name, &text).unwrap();
    let standing = Judge::new(None, Some("prod")).judged(found).standing;
    assert!(matches!(standing, Standing::Doubtful(_)));
}

/// Each field counts, also one that a later version may add.
#[test]
fn a_signature_holds_for_what_it_was_made_for() {
    let backup = manifest();
    let text = backup.text(&key()).unwrap();
    let name = backup.name.as_str();
    let fields = serde_json::to_value(&backup).unwrap();
    for (field, value) in fields.as_object().unwrap() {
        let other: Value = match value {
            Value::String(text) if field == "at" => format!("2025{}", &text[4..]).into(),
            Value::String(_) if ["name", "stack", "format"].contains(&field.as_str()) => continue,
            Value::String(text) => format!("{text}x").into(),
            Value::Number(_) => 99.into(),
            Value::Array(_) => vec!["age1x"].into(),
            Value::Null if field == "postgis" => "3".into(),
            Value::Null if field == "release" => "r1".into(),
            Value::Object(map) if map.contains_key("sha256") => {
                let mut content = value.clone();
                content["sha256"] = "1".repeat(64).into();
                content
            }
            Value::Object(_) => serde_json::json!({ "propiedades": 1 }),
            _ => continue,
        };
        doubtful(&resealed(&text, |changed| changed[field] = other), NOT_OURS);
    }
    // An old one under a new name, with files of that name.
    let newer = "citrino_20261129_030000";
    let renamed = resealed(&text.replace(name, newer), |_| {});
    assert!(matches!(
        standing(newer, &renamed),
        Ok(Standing::Doubtful(_))
    ));
    // One of another stack is never ours, whatever it says, nor is ours when it says that it is another's.
    let other = BackupManifest {
        stack: "other".to_owned(),
        ..backup.clone()
    };
    let foreign = other.text(&StackKey::of([8; 32])).unwrap();
    assert_eq!(standing(name, &foreign), Ok(Standing::Foreign));
    let claimed = resealed(&foreign, |value| value["stack"] = "prod".into());
    doubtful(&claimed, NOT_OURS);
}

#[test]
fn who_writes_to_the_folder_of_backups_changes_nothing_that_is_told_of_them() {
    let root = tempfile::tempdir().unwrap();
    let system = System::at(root.path());
    let own = of("prod", "citrino_20261125_030000");
    host_with(&own, &system, 0);
    let write = |path: &str, text: &str| {
        let path = system.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(own::STACK_KEY, &key().line());
    write(own::BACKUP_SETTINGS, r#"{ "stack": "prod" }"#);
    let before = gather(&system).unwrap();
    // Of all times, newer and older, in the future, with a proof each; and a proof for the genuine one.
    let name_of = |at: &str| format!("citrino_{}{}{}_030000", &at[..4], &at[5..7], &at[8..10]);
    let times = [
        "2020-01-01T03:00:00Z",
        "2026-11-26T03:00:00Z",
        "2099-01-01T03:00:00Z",
    ];
    for at in times {
        let forged = BackupManifest {
            at: at.to_owned(),
            ..of("prod", &name_of(at))
        };
        host_with(&forged, &system, 0);
        let text = forged.text(&StackKey::of([8; 32])).unwrap();
        write(&super::manifest(system.app(), &forged.name), &text);
    }
    for name in times.iter().map(|at| name_of(at)).chain([own.name.clone()]) {
        let proof = serde_json::json!({ "sha256": own.dump.sha256, "at": "2026-11-29T00:00:00Z", "took_ms": 1 });
        write(&super::proof(system.app(), &name), &proof.to_string());
    }
    let after = gather(&system).unwrap();
    assert_eq!(after.doubtful.len(), 3);
    assert_eq!(after.newer_in_doubt().unwrap().backup.at, times[2]);
    assert!(after.no_proofs.contains_key(&own.name));
    assert_eq!(
        (
            &after.whole,
            &after.proofs,
            after.proven(),
            after.newest(),
            after.dated()
        ),
        (
            &before.whole,
            &before.proofs,
            before.proven(),
            before.newest(),
            before.dated()
        )
    );
    // Without a key that can be read nothing is believed, and the host still says what it has.
    write(own::STACK_KEY, "spoiled");
    let spoiled = gather(&system).unwrap();
    assert_eq!((spoiled.whole.len(), spoiled.proofs.len()), (0, 0));
    assert_eq!((spoiled.doubtful.len(), spoiled.key), (4, None));
    // Their files wait for a person, as those of every other that is not believed.
    assert!(strays(&system, &after).unwrap().is_empty());
}

#[test]
fn a_manifest_is_read_as_it_was_written() {
    let backup = manifest();
    let found = BackupManifest::parse(&backup.name, &backup.text(&key()).unwrap()).unwrap();
    assert_eq!(found.claims(), &backup);
    assert!(judge().judged(found).is_own());
}

#[test]
fn a_manifest_with_any_bit_changed_or_cut_off_is_not_believed() {
    let backup = manifest();
    let text = backup.text(&key()).unwrap().into_bytes();
    for place in 0..text.len() {
        for bit in 0..8 {
            let mut changed = text.clone();
            changed[place] ^= 1 << bit;
            let read = BackupManifest::parse(&backup.name, &String::from_utf8_lossy(&changed));
            // White space says nothing in JSON.
            assert!(
                read.is_err() || read.is_ok_and(|read| *read.claims() == backup),
                "{place} {bit}"
            );
        }
        assert!(
            BackupManifest::parse(&backup.name, &String::from_utf8_lossy(&text[..place])).is_err()
                || place >= text.len() - 1
        );
    }
}

#[test]
fn a_manifest_under_another_name_is_not_believed() {
    let why = BackupManifest::parse("citrino_20261126_030000", &manifest().text(&key()).unwrap())
        .unwrap_err();
    assert_eq!(why, "its manifest belongs to citrino_20261125_030000");
}
