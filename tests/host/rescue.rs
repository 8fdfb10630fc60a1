//! A backup that was brought off the host in time makes up for what is lost: the backups there, or all of the server.

use std::fs;

use citrino_ops::core::digest::sha256;
use citrino_ops::facts::backups::BackupManifest;
use citrino_ops::storage::bucket::Bucket;
use serde_json::{Value, json};

use crate::backups::{key, names, of_long_ago, recommended, removed, taken};
use crate::lab::until;
use crate::offsite::{gateway, there, wish_for};
use crate::s3::Storage;
use crate::stack::{Said, Stack, binary, serving};

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
    assert_eq!(
        stack.citrino(&["backup", "prune", "--aside", "--yes"]).code,
        0
    );
}

/// `rebuild --from-backup` of this one, or of the newest.
fn rebuilds(stack: &Stack, backup: Option<&str>) -> Said {
    let app = binary("citrino-app");
    let artifact = ["--yes", "--artifact", app.to_str().unwrap()];
    let which: Vec<&str> = backup.into_iter().collect();
    stack.citrino(&[&["rebuild", "--from-backup"], which.as_slice(), &artifact].concat())
}

/// With exit code and error code; what it said.
fn refused(stack: &Stack, backup: Option<&str>, code: i32, fault: &str) -> String {
    let said = rebuilds(stack, backup);
    assert!(
        said.code == code && said.text.contains(fault),
        "wished {code} and {fault}, got {}: {}",
        said.code,
        said.text
    );
    said.text
}

/// The line of a fact.
fn told<'s>(said: &'s Said, fact: &str) -> &'s str {
    let mut lines = said.text.lines();
    lines
        .find(|line| line.starts_with(fact))
        .unwrap_or_default()
}

/// No database was left aside.
fn nothing_is_aside(stack: &Stack) {
    assert_eq!(
        stack.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'citrino_prod_%'"),
        "0"
    );
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
fn refuses_what_could_not_be_restored(stack: &Stack, name: &str) {
    let manifest = stack.home.join(format!("backups/{name}.json"));
    let (text, dump) = (
        fs::read_to_string(&manifest).unwrap(),
        stack.home.join(format!("backups/{name}.dump.zst")),
    );
    let backup = BackupManifest::parse(name, &text).unwrap();
    let backup = backup.claims().clone();
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let other = BackupManifest {
        stack: "somebody".to_owned(),
        ..backup.clone()
    };
    let sealed = BackupManifest {
        recipients: vec![recipient],
        ..backup
    };
    for (changed, code, fault) in [(other, 7, "E0427"), (sealed, 2, "E0425")] {
        fs::write(&manifest, changed.text(&key(stack)).unwrap()).unwrap();
        refused(stack, None, code, fault);
    }
    fs::write(&manifest, text).unwrap();
    let bytes = fs::read(&dump).unwrap();
    fs::write(&dump, &bytes[1..]).unwrap();
    refused(stack, None, 1, "E0422");
    fs::write(&dump, bytes).unwrap();
}

#[test]
fn a_lost_server_serves_again_with_its_rows_and_says_how_long_it_took() {
    let Some(stack) = serving() else { return };
    // Nothing is anywhere else: the host's own newest is copied here before its disk is given up, which is protected.
    let said = refused(&stack, None, 7, "E0310");
    assert!(said.contains("is copied to this machine first"), "{said}");
    stack.remove("backups");

    let (rows, answer, address) = (stack.fingerprint(), recommended(&stack), stack.address());
    // The only one there is: proven, and older than `health` bears.
    removed(&stack, "citrino_");
    of_long_ago(&stack, &taken(&stack));
    let name = names(&stack)[0].clone();
    let pull = stack.citrino(&["backup", "pull"]);
    assert_eq!(pull.code, 0, "{}", pull.text);
    // What is on the host would be copied in the place of what is wrong here.
    removed(&stack, "citrino_");
    refuses_what_could_not_be_restored(&stack, &name);
    assert_eq!(stack.fingerprint(), rows);
    // The bucket of citrino.yml has nothing yet.
    let storage = Storage::start(&gateway(&stack));
    let bucket = storage.map(|storage| (storage.bucket("owner", "rehearsal"), storage));
    let kept = bucket.as_ref().map(|(bucket, _)| wish_for(&stack, bucket));

    lose(&stack);
    let rebuilt = rebuilds(&stack, None);
    assert_eq!(rebuilt.code, 0, "{}", rebuilt.text);
    let (rto, rpo) = (told(&rebuilt, "RTO"), told(&rebuilt, "RPO"));
    assert!(
        rto.contains(&name) && rto.contains("s from the start to healthy"),
        "{}",
        rebuilt.text
    );
    assert!(rpo.contains("everything written since"), "{}", rebuilt.text);
    println!("{rto}\n{rpo}");

    assert_eq!(stack.address(), address);
    assert_eq!(stack.fingerprint(), rows);
    assert_eq!(recommended(&stack), answer);
    nothing_is_aside(&stack);
    assert_eq!(names(&stack).len(), 2, "a new one was taken");
    stack.remove("backups");
    stack.is_healthy();
    stack.is_as_wished();
    if let (Some((bucket, _)), Some(kept)) = (bucket, kept) {
        let note = "there is no backup in s3://citrino/rehearsal; only the backups on this machine";
        assert!(rebuilt.text.contains(note), "{}", rebuilt.text);
        assert_eq!(there(&stack, &bucket).backups.whole.len(), 2);
        stack.write("citrino.yml", &kept);
        assert_eq!(stack.citrino(&["converge"]).code, 0);
    }
}

/// Puts a dump into the bucket that is not the one of its manifest, though as long; what makes it good again.
fn rots(bucket: &Bucket, backup: &BackupManifest) -> impl FnOnce() {
    let store = bucket.open().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let file = backup.dump.file.clone();
    let mut sound = Vec::new();
    runtime
        .block_on(store.get(&file, u64::MAX, &mut sound))
        .unwrap();
    let put = move |bytes: &[u8]| {
        let path = tempfile::NamedTempFile::new().unwrap();
        fs::write(path.path(), bytes).unwrap();
        let digest = sha256(bytes);
        let put = store.put(&file, std::fs::File::open(path.path()).unwrap(), &digest);
        runtime.block_on(put).unwrap();
    };
    let mut rotten = sound.clone();
    rotten[sound.len() / 2] ^= 1;
    put(&rotten);
    move || put(&sound)
}

#[test]
fn a_disk_is_given_up_for_a_backup_that_was_found_and_read() {
    let Some(stack) = serving() else { return };
    let Some(storage) = Storage::start(&gateway(&stack)) else {
        return;
    };
    let bucket = storage.bucket("owner", "rehearsal");
    let rows = stack.fingerprint();
    let name = pulled(&stack);
    let kept = wish_for(&stack, &bucket);

    // The server is protected: what has come as far as to its disk is refused there. First with a bucket that has none.
    let nothing = "there is no backup in s3://citrino/rehearsal";
    for which in [None, Some(name.as_str())] {
        let said = refused(&stack, which, 7, "E0310");
        assert!(said.contains(nothing), "{said}");
    }
    let said = refused(&stack, Some("citrino_1999"), 1, "E0433");
    assert!(said.contains(nothing), "{said}");

    let newest = taken(&stack);
    let said = refused(&stack, Some("citrino_1999"), 7, "E0427");
    assert!(
        said.contains("there is no backup citrino_1999") && said.contains(&newest),
        "{said}"
    );
    let found = there(&stack, &bucket).backups;
    let backup = found.whole.iter().find(|one| one.name == newest).unwrap();
    let mend = rots(&bucket, backup);
    let said = refused(&stack, None, 1, "E0432");
    assert!(said.contains(&backup.dump.file), "{said}");
    // One of this machine is as good as ever.
    refused(&stack, Some(&format!("backups/{name}.json")), 7, "E0310");
    mend();
    assert_eq!(stack.fingerprint(), rows);

    // How long it took is told even when something is not as it should be afterwards.
    let health = include_str!("../../playbooks/health.yml");
    let never = "\n- name: this is never so\n  probe: { ask: { unit: { name: never.service } } }\n";
    stack.write("playbooks/health.yml", &format!("{health}{never}"));
    assert_eq!(stack.citrino(&["destroy", "--unprotect"]).code, 0);
    let rebuilt = rebuilds(&stack, None);
    let (rto, rpo) = (told(&rebuilt, "RTO"), told(&rebuilt, "RPO"));
    assert!(
        rebuilt.code == 4
            && rebuilt.text.contains("1 of ")
            && rto.contains(&format!("{newest} in s3://citrino/rehearsal"))
            && rto.contains("s from the start to live, not yet healthy")
            && rpo.contains("everything written since"),
        "{}: {}",
        rebuilt.code,
        rebuilt.text
    );
    println!("{rto}\n{rpo}");
    assert_eq!(stack.fingerprint(), rows);
    nothing_is_aside(&stack);
    stack.remove("playbooks");
    stack.remove("backups");
    stack.is_healthy();
    stack.write("citrino.yml", &kept);
    for verb in ["provision", "converge"] {
        let yes: &[&str] = if verb == "provision" { &["--yes"] } else { &[] };
        let said = stack.citrino(&[&[verb], yes].concat());
        assert_eq!(said.code, 0, "{}", said.text);
    }
    stack.is_as_wished();
}

#[test]
fn a_database_that_lies_on_a_volume_is_not_lost_with_its_server() {
    let Some(stack) = serving() else { return };
    pulled(&stack);
    let kept = fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    let wishes = kept.replace(
        "  image: debian-12\n",
        "  image: debian-12\n  volume_gb: 10\n",
    );
    assert_ne!(wishes, kept);
    stack.write("citrino.yml", &wishes);
    // As long as there is none, it goes on, to what refuses for another reason.
    refused(&stack, None, 7, "E0310");
    let wish = json!({ "name": "rehearsal-data", "size": 10, "location": "ash", "format": "ext4",
        "labels": { "citrino-ops/stack": "rehearsal" } });
    let (status, made) = stack.lab.call("POST", "/volumes", &wish);
    assert_eq!(status, 201, "{made}");
    stack.lab.settle(&made);
    let said = refused(&stack, None, 7, "E0428");
    assert!(
        said.contains("up` sets up the server with the database on its volume"),
        "{said}"
    );
    // Told to, it goes on as if there were none.
    refused(&stack, Some("--over-volume"), 7, "E0310");
    let path = format!("/volumes/{}", made["volume"]["id"]);
    assert_eq!(stack.lab.call("DELETE", &path, &Value::Null).0, 204);
    stack.write("citrino.yml", &kept);
    stack.remove("backups");
    stack.is_as_wished();
}
