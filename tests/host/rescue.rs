//! A backup that was brought off the host in time makes up for what is lost: the backups there, or all of the server.

use std::fs;

use citrino_ops::facts::backups::Backup;
use serde_json::{Value, json};

use crate::backups::{names, recommended, removed, taken};
use crate::lab::until;
use crate::stack::{Stack, binary, serving};

/// Brings the newest backup here; its name.
fn pulled(stack: &Stack) -> String {
    let name = taken(stack);
    let pull = stack.citrino(&["backup", "pull"]);
    assert_eq!(pull.code, 0, "{}", pull.text);
    name
}

#[test]
fn what_was_pulled_is_restored_when_the_host_has_no_backup_any_more() {
    let Some(stack) = serving() else { return };
    let rows = stack.fingerprint();
    let name = pulled(&stack);
    removed(&stack, "citrino_");
    stack.sql("DELETE FROM propiedades");

    let file = format!("backups/{name}.json");
    let restore = stack.citrino(&["restore", &file, "--yes"]);
    assert_eq!(restore.code, 0, "{}", restore.text);
    assert_eq!(stack.fingerprint(), rows);
    assert!(
        names(&stack).contains(&name),
        "it is one of the host's again"
    );

    // A sound copy mends what was spoiled there.
    let dump = stack
        .disk()
        .join(format!("home/citrino/database/backups/{name}.dump.zst"));
    fs::write(&dump, "").unwrap();
    let restore = stack.citrino(&["restore", &file, "--yes"]);
    assert_eq!(restore.code, 0, "{}", restore.text);
    assert_eq!(stack.citrino(&["backup", "verify", &name]).code, 0);

    // What is damaged here is not even sent.
    stack.write(&format!("backups/{name}.globals.sql.zst"), "");
    removed(&stack, &name);
    let refused = stack.citrino(&["restore", &file, "--yes"]);
    assert!(
        refused.code == 1 && refused.text.contains("E0422"),
        "{}",
        refused.text
    );
    assert_eq!(stack.fingerprint(), rows);
    stack.remove("backups");
    assert_eq!(stack.citrino(&["backup", "prune", "--aside"]).code, 0);
}

/// Deletes the server, as somebody would in the console.
fn lose(stack: &Stack) {
    let id = &stack.server()["id"];
    let path = format!("/servers/{id}");
    let off = json!({ "delete": false, "rebuild": false });
    let (status, said) = stack
        .lab
        .call("POST", &format!("{path}/actions/change_protection"), &off);
    assert_eq!(status, 201, "{said}");
    let (status, said) = stack.lab.call("DELETE", &path, &Value::Null);
    assert_eq!(status, 200, "{said}");
    until("the server is gone", || stack.server().is_null());
}

/// While the disk is still there.
fn refuses_what_could_not_be_restored(stack: &Stack, name: &str, rebuild: &[&str]) {
    let manifest = stack.home.join(format!("backups/{name}.json"));
    let (text, dump) = (
        fs::read_to_string(&manifest).unwrap(),
        stack.home.join(format!("backups/{name}.dump.zst")),
    );
    let backup = Backup::parse(name, &text).unwrap();
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let other = Backup {
        stack: "somebody".to_owned(),
        ..backup.clone()
    };
    let sealed = Backup {
        recipients: vec![recipient],
        ..backup
    };
    for (changed, code, fault) in [(other, 7, "E0427"), (sealed, 2, "E0425")] {
        fs::write(&manifest, changed.text().unwrap()).unwrap();
        let refused = stack.citrino(rebuild);
        assert!(
            refused.code == code && refused.text.contains(fault),
            "{}",
            refused.text
        );
    }
    fs::write(&manifest, text).unwrap();
    let bytes = fs::read(&dump).unwrap();
    fs::write(&dump, &bytes[1..]).unwrap();
    let refused = stack.citrino(rebuild);
    assert!(
        refused.code == 1 && refused.text.contains("E0422"),
        "{}",
        refused.text
    );
    fs::write(&dump, bytes).unwrap();
}

#[test]
fn a_lost_server_serves_again_at_its_address_with_its_rows_and_says_how_long_it_took() {
    let Some(stack) = serving() else { return };
    let app = binary("citrino-app");
    let rebuild = [
        "rebuild",
        "--from-backup",
        "--yes",
        "--artifact",
        app.to_str().unwrap(),
    ];
    let refused = stack.citrino(&rebuild);
    assert!(
        refused.code == 7 && refused.text.contains("E0427"),
        "{}",
        refused.text
    );

    let (rows, answer, address) = (stack.fingerprint(), recommended(&stack), stack.address());
    let name = pulled(&stack);
    refuses_what_could_not_be_restored(&stack, &name, &rebuild);
    assert_eq!(stack.fingerprint(), rows);

    lose(&stack);
    let rebuilt = stack.citrino(&rebuild);
    assert_eq!(rebuilt.code, 0, "{}", rebuilt.text);
    let told = |fact: &str| {
        rebuilt
            .text
            .lines()
            .find(|line| line.starts_with(fact))
            .unwrap_or_default()
    };
    assert!(
        told("RTO").contains(&name) && told("RTO").contains("s from the beginning to healthy"),
        "{}",
        rebuilt.text
    );
    assert!(
        told("RPO").contains("what was written since"),
        "{}",
        rebuilt.text
    );
    println!("{}\n{}", told("RTO"), told("RPO"));

    assert_eq!(stack.address(), address);
    assert_eq!(stack.fingerprint(), rows);
    assert_eq!(recommended(&stack), answer);
    assert_eq!(
        stack.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'citrino_prod_%'"),
        "0"
    );
    stack.remove("backups");
    stack.is_healthy();
    stack.is_as_wished();
}
