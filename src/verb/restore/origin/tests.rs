use std::collections::BTreeMap;
use std::fs;

use super::*;
use crate::core::secret::Secret;
use crate::core::stack_key::StackKey;
use crate::facts::backups::Judge;

const STACK: &str = "prod";

fn backup(day: u8) -> BackupManifest {
    let name = format!("citrino_202611{day:02}_030000");
    let content = |ending: &str| crate::storage::archive::ArchiveContent {
        file: format!("{name}{ending}"),
        sha256: "0".repeat(64),
        bytes: 0,
    };
    BackupManifest {
        at: format!("2026-11-{day:02}T03:00:00Z"),
        stack: STACK.to_owned(),
        dump: content(".dump.zst"),
        globals: content(".globals.sql.zst"),
        name: name.clone(),
        ..BackupManifest::default()
    }
}

fn there(backup: BackupManifest) -> BackupOrigin {
    let bucket = Bucket {
        bucket: "citrino".to_owned(),
        endpoint: None,
        region: "fsn1".to_owned(),
        prefix: String::new(),
        key_id: Secret::new("key"),
        secret: Secret::new("secret"),
        append_only: false,
    };
    BackupOrigin::Bucket(bucket, Box::new(judged(backup, Standing::Own)))
}

/// As it is judged where it says that it is of this stack; another's is foreign.
fn judged(backup: BackupManifest, standing: Standing) -> JudgedBackup {
    let standing = if backup.stack == STACK {
        standing
    } else {
        Standing::Foreign
    };
    JudgedBackup { backup, standing }
}

fn here(backup: &BackupManifest) -> BackupOrigin {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join(format!("{}.json", backup.name));
    let key = StackKey::of([7; 32]);
    fs::write(&manifest, backup.text(&key).unwrap()).unwrap();
    let judge = Judge::new(Some(key), Some(STACK));
    BackupOrigin::Here(Box::new(push::at(&manifest, &judge).unwrap()))
}

fn of(all: Vec<BackupOrigin>, which: Option<&str>) -> Result<String, Fault> {
    meant(all, Backups::default(), STACK, asked(which)).map(|origin| origin.told())
}

fn asked(name: Option<&str>) -> BackupRequest<'_> {
    BackupRequest {
        from: None,
        name,
        accepts: Accepts::Own,
    }
}

#[test]
fn wherever_it_is_the_newest_is_meant_or_the_named_one() {
    let all = |bucket: &[u8], machine: &[u8]| -> Vec<BackupOrigin> {
        let machine = machine.iter().map(|day| here(&backup(*day)));
        machine
            .chain(bucket.iter().map(|day| there(backup(*day))))
            .collect()
    };
    let in_bucket = "citrino_20261125_030000 in s3://citrino";
    let on_machine = "citrino_20261125_030000 on this machine";
    for (bucket, machine, which, told) in [
        (&[25, 24][..], &[23][..], None, in_bucket),
        (&[24, 23], &[25, 22], None, on_machine),
        (&[], &[24, 25], Some("latest"), on_machine),
        (&[26, 24], &[25], Some("25_030000"), on_machine),
        (&[26, 25], &[24], Some("citrino_20261125_030000"), in_bucket),
        // From there it need not go over the operator's line.
        (&[25], &[25], None, in_bucket),
        (&[25], &[25], Some("citrino_20261125"), in_bucket),
    ] {
        assert_eq!(of(all(bucket, machine), which).as_deref(), Ok(told));
    }
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let refused = of(
        vec![there(backup(25)), here(&backup(24))],
        Some("citrino_1999"),
    );
    let refused = refused.unwrap_err();
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (
            Code::E0427,
            "outside the host (the bucket, and `backups` beside citrino.yml): there is no backup citrino_1999"
        )
    );
    let hint = refused.hint.unwrap();
    assert!(
        hint.ends_with("are citrino_20261125_030000, citrino_20261124_030000"),
        "{hint}"
    );
    let several = of(vec![there(backup(25)), here(&backup(24))], Some("citrino_"));
    assert!(several.unwrap_err().message.contains("2 backups match"));
    let none = of(Vec::new(), None).unwrap_err();
    assert_eq!(
        none.message,
        "outside the host (the bucket, and `backups` beside citrino.yml): there is no backup"
    );
    let all: Vec<BackupOrigin> = (1..9).map(|day| there(backup(day))).collect();
    let hint = of(all, Some("x")).unwrap_err().hint.unwrap();
    assert!(
        hint.ends_with("citrino_20261104_030000 and 3 more"),
        "{hint}"
    );
}

#[test]
fn one_of_another_stack_is_meant_by_its_name_alone() {
    let other = BackupManifest {
        stack: "other".to_owned(),
        ..backup(25)
    };
    let all = || vec![there(other.clone()), here(&backup(24))];
    let newest = of(all(), None).unwrap();
    assert_eq!(newest, "citrino_20261124_030000 on this machine");
    let named = of(all(), Some(&other.name)).unwrap();
    assert_eq!(named, "citrino_20261125_030000 in s3://citrino");
}

#[test]
fn what_is_broken_in_the_bucket_may_be_whole_here() {
    let broken = Backups {
        broken: BTreeMap::from([(backup(25).name, "its manifest was cut".to_owned())]),
        ..Backups::default()
    };
    let name = backup(25).name;
    let found = meant(
        vec![here(&backup(25))],
        broken.clone(),
        STACK,
        asked(Some(&name)),
    );
    assert!(found.is_ok());
    for which in [None, Some(name.as_str())] {
        let refused = meant(Vec::new(), broken.clone(), STACK, asked(which))
            .err()
            .unwrap();
        assert!(
            refused
                .message
                .ends_with("cannot be used: its manifest was cut"),
            "{}",
            refused.message
        );
    }
}

#[test]
fn what_is_not_believed_takes_no_place_of_what_is() {
    let forged = |day: u8| {
        let standing = Standing::Doubtful("it is not signed".to_owned());
        let bucket = there(backup(day));
        let BackupOrigin::Bucket(bucket, _) = bucket else {
            unreachable!()
        };
        BackupOrigin::Bucket(bucket, Box::new(judged(backup(day), standing)))
    };
    let on_machine = "citrino_20261124_030000 on this machine";
    // A newer one, and one under the name of a genuine one.
    for (forged_day, which) in [
        (25, None),
        (24, None),
        (24, Some("citrino_20261124_030000")),
    ] {
        let all = vec![forged(forged_day), here(&backup(24))];
        assert_eq!(of(all, which).as_deref(), Ok(on_machine));
    }
    for which in [None, Some("citrino_20261125_030000")] {
        let refused = of(vec![forged(25)], which).unwrap_err();
        assert_eq!(refused.code, Code::E0436);
    }
    let wanted = BackupRequest {
        accepts: Accepts::Doubtful,
        ..asked(Some("citrino_20261125_030000"))
    };
    assert!(meant(vec![forged(25)], Backups::default(), STACK, wanted).is_ok());
}
