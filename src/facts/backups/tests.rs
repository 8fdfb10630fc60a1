use super::*;

fn manifest() -> BackupManifest {
    BackupManifest {
        name: "citrino_20261125_030000".to_owned(),
        at: "2026-11-25T03:00:00Z".to_owned(),
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
        let why = BackupManifest::parse(&backup.name, &backup.text().unwrap()).unwrap_err();
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
        backup.text().unwrap().as_bytes(),
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
    assert_eq!(
        gather(&system).unwrap().whole.len(),
        2,
        "nobody knows whose host it is"
    );
    let settings = system.path(own::BACKUP_SETTINGS);
    std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
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
    let text = serde_json::to_vec(&old).unwrap();
    assert_eq!(Proof::of(&manifest(), &text), Some(old));
    let mut other = manifest();
    other.dump.sha256 = "1".repeat(64);
    assert_eq!(Proof::of(&other, &text), None);
    assert_eq!(Proof::of(&manifest(), b"{"), None);
}

#[test]
fn a_manifest_is_read_as_it_was_written() {
    let backup = manifest();
    assert_eq!(
        BackupManifest::parse(&backup.name, &backup.text().unwrap()),
        Ok(backup)
    );
}

#[test]
fn a_manifest_with_any_bit_changed_or_cut_off_is_not_believed() {
    let backup = manifest();
    let text = backup.text().unwrap().into_bytes();
    for place in 0..text.len() {
        for bit in 0..8 {
            let mut changed = text.clone();
            changed[place] ^= 1 << bit;
            let read = BackupManifest::parse(&backup.name, &String::from_utf8_lossy(&changed));
            // White space says nothing in JSON.
            assert!(read.is_err() || read == Ok(backup.clone()), "{place} {bit}");
        }
        assert!(
            BackupManifest::parse(&backup.name, &String::from_utf8_lossy(&text[..place])).is_err()
                || place >= text.len() - 1
        );
    }
}

#[test]
fn a_manifest_under_another_name_is_not_believed() {
    let why =
        BackupManifest::parse("citrino_20261126_030000", &manifest().text().unwrap()).unwrap_err();
    assert_eq!(why, "its manifest belongs to citrino_20261125_030000");
}
