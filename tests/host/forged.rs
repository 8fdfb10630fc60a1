//! Backups that somebody else wrote: with the folder of backups, as `postgres` had it on hosts of earlier versions, or on the
//! operator's machine. None of them is taken for one of the stack's, and nobody is kept from the stack's own.

use std::fs;

use citrino_ops::core::digest::sha256;
use citrino_ops::facts::backups::BackupManifest;
use serde_json::{Value, json};

use crate::backups::{folder, manifest, names, removed, taken};
use crate::stack::{Said, Stack, serving};

/// The newest there is, were it believed; and one of a time to come.
const NEWER: &str = "citrino_20300101_030000";
const AHEAD: &str = "citrino_20990101_030000";

/// The text of a manifest as an earlier version, or anybody, writes it: with a seal that fits, and without a signature.
fn unsigned(backup: &BackupManifest) -> String {
    let mut value = serde_json::to_value(backup).unwrap();
    value["seal"] = sha256(value.to_string().as_bytes()).into();
    value.to_string()
}

/// Puts the files of a backup there as `postgres`, under another name and with a proof, and the folder back into root's hands.
fn planted(stack: &Stack, own: &BackupManifest, name: &str, at: &str) {
    let mut copy = BackupManifest {
        name: name.to_owned(),
        at: at.to_owned(),
        ..own.clone()
    };
    let here = folder(stack);
    for (content, was) in [
        (&mut copy.dump, &own.dump),
        (&mut copy.globals, &own.globals),
    ] {
        content.file = was.file.replace(&own.name, name);
        fs::copy(here.join(&was.file), here.join(&content.file)).unwrap();
    }
    let proof = json!({ "sha256": own.dump.sha256, "at": "2026-11-30T03:00:00Z", "took_ms": 1, "release": Value::Null });
    fs::write(here.join(format!("{name}.json")), unsigned(&copy)).unwrap();
    fs::write(here.join(format!("{name}.proof.json")), proof.to_string()).unwrap();
    stack.on_host(&format!(
        "chown postgres:postgres /home/citrino/database/backups/{name}.*"
    ));
}

fn refused(stack: &Stack, words: &[&str], code: &str) -> Said {
    let said = stack.citrino(words);
    assert!(
        said.code == 7 && said.text.contains(code),
        "{words:?}: {}",
        said.text
    );
    said
}

#[test]
fn a_backup_that_somebody_else_wrote_is_told_and_used_by_nobody_who_does_not_name_it() {
    let Some(stack) = serving() else { return };
    let own = taken(&stack);
    assert_eq!(stack.citrino(&["backup", "drill"]).code, 0);
    let (rows, genuine) = (stack.fingerprint(), manifest(&stack, &own));
    let headline = |stack: &Stack| {
        let listed = stack.citrino(&["backup", "list"]).text;
        listed.lines().next().unwrap().to_owned()
    };
    planted(&stack, &genuine, NEWER, "2026-11-30T00:00:00Z");
    planted(&stack, &genuine, AHEAD, "2099-01-01T03:00:00Z");

    assert!(headline(&stack).starts_with("last proven restore "));
    let listed = stack.citrino(&["backup", "list"]).text;
    for name in [NEWER, AHEAD] {
        let line = listed.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains("NOT VERIFIED: it is not signed"), "{listed}");
        refused(&stack, &["restore", name, "--yes"], "E0436");
        refused(&stack, &["backup", "drill", name], "E0436");
    }
    let health = stack.citrino(&["health"]);
    assert!(
        health.code == 4 && health.text.contains("cannot be verified"),
        "{}",
        health.text
    );
    // The newest is ours, for a person and for the timer of the drill.
    stack.on_host("systemctl start citrino-drill.service");
    let restore = stack.citrino(&["restore", "latest", "--yes"]);
    assert!(
        restore.code == 0
            && restore.text.contains(&own)
            && restore.text.contains(&format!(
                "{AHEAD} looks like the newest backup, and is not used"
            )),
        "{}",
        restore.text
    );
    assert_eq!(stack.fingerprint(), rows);
    assert_eq!(stack.citrino(&["backup", "prune"]).code, 0);
    let names = names(&stack);
    for name in [NEWER, AHEAD, &own] {
        assert!(names.iter().any(|one| one == name), "{name}: {names:?}");
    }
    // Who names one and answers for it gets it, which is how one of an earlier version is used; and never by `latest`.
    assert_eq!(
        stack.citrino(&["restore", "latest", "--unverified"]).code,
        2
    );
    let meant = stack.citrino(&["restore", NEWER, "--unverified", "--yes"]);
    assert_eq!(meant.code, 0, "{}", meant.text);
    assert_eq!(stack.fingerprint(), rows);

    for name in [NEWER, AHEAD] {
        removed(&stack, name);
    }
    assert_eq!(
        stack
            .citrino(&["backup", "prune", "--previous-databases", "--yes"])
            .code,
        0
    );
    stack.is_healthy();
    stack.is_as_wished();
}

#[test]
fn the_key_is_here_for_its_owner_alone_and_another_one_is_a_persons_to_decide() {
    let Some(stack) = serving() else { return };
    assert_eq!(
        stack
            .on_host("stat -c '%a %U' /etc/citrino/stack.key")
            .trim(),
        "600 root"
    );
    assert_eq!(
        stack
            .on_host("stat -c '%a %U' /var/log/citrino/journal.ndjson")
            .trim(),
        "600 root"
    );
    let here = stack
        .home
        .join(".local/state/citrino-ops/rehearsal/stack.key");
    let kept = fs::read_to_string(&here).unwrap();
    assert_eq!(kept, stack.on_host("cat /etc/citrino/stack.key"));
    // A machine that has not seen it gets it with the first command.
    fs::remove_file(&here).unwrap();
    assert_eq!(stack.citrino(&["status"]).code, 0);
    assert_eq!(fs::read_to_string(&here).unwrap(), kept);
    // Whatever has another one changes nothing.
    fs::write(&here, format!("{}\n", "7".repeat(64))).unwrap();
    let said = stack.citrino(&["converge"]);
    assert!(
        said.code != 0 && said.text.contains("E0437"),
        "{}",
        said.text
    );
    assert_eq!(stack.on_host("cat /etc/citrino/stack.key"), kept);
    fs::write(&here, kept).unwrap();
    stack.is_as_wished();
}
