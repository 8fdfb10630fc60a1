//! Backups that are proven, and restores that are boring.

use std::fs;
use std::path::PathBuf;

use citrino_ops::core::stack_key::StackKey;
use citrino_ops::facts::backups::{BackupManifest, Proof};
use serde_json::{Value, json};

use crate::lab::until;
use crate::stack::{Stack, serving};

/// Where the host's backups are, on this machine.
pub fn folder(stack: &Stack) -> PathBuf {
    stack.disk().join("home/citrino/database/backups")
}

/// The names of whole backups, newest first.
pub fn names(stack: &Stack) -> Vec<String> {
    let listed = stack.citrino(&["backup", "list"]).text;
    let words = listed.lines().filter_map(|line| line.split(' ').next());
    let names = words.filter(|word| word.starts_with("citrino_"));
    names.map(str::to_owned).collect()
}

/// Takes one; its name.
pub fn taken(stack: &Stack) -> String {
    let backup = stack.citrino(&["backup"]);
    assert_eq!(backup.code, 0, "{}", backup.text);
    names(stack)[0].clone()
}

/// Makes it one of long ago, of which a restore was proven then.
pub fn of_long_ago(stack: &Stack, name: &str) {
    let old = BackupManifest {
        at: "2026-01-01T03:00:00Z".to_owned(),
        ..manifest(stack, name)
    };
    let proof = Proof {
        sha256: old.dump.sha256.clone(),
        at: "2026-01-02T03:00:00Z".to_owned(),
        took_ms: 1,
        release: None,
    };
    let key = key(stack);
    for (ending, text) in [
        ("json", old.text(&key).unwrap()),
        ("proof.json", proof.text(&old, &key).unwrap()),
    ] {
        fs::write(folder(stack).join(format!("{name}.{ending}")), text).unwrap();
    }
}

pub fn manifest(stack: &Stack, name: &str) -> BackupManifest {
    let text = fs::read_to_string(folder(stack).join(format!("{name}.json"))).unwrap();
    let found = BackupManifest::parse(name, &text).unwrap();
    found.claims().clone()
}

/// What the host signs its backups with.
pub fn key(stack: &Stack) -> StackKey {
    let text = fs::read_to_string(stack.disk().join("etc/citrino/stack.key")).unwrap();
    StackKey::parse(&text).unwrap()
}

/// Puts a copy of a backup beside it, under another name, with a manifest that is sound.
fn copied(stack: &Stack, backup: &BackupManifest, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let folder = folder(stack);
    let mut copy = BackupManifest {
        name: name.to_owned(),
        ..backup.clone()
    };
    for (content, was) in [
        (&mut copy.dump, &backup.dump),
        (&mut copy.globals, &backup.globals),
    ] {
        content.file = was.file.replace(&backup.name, name);
        fs::copy(folder.join(&was.file), folder.join(&content.file)).unwrap();
    }
    let mut bytes = fs::read(folder.join(&copy.dump.file)).unwrap();
    change(&mut bytes);
    fs::write(folder.join(&copy.dump.file), bytes).unwrap();
    fs::write(
        folder.join(format!("{name}.json")),
        copy.text(&key(stack)).unwrap(),
    )
    .unwrap();
}

/// Gives the host backups that need not be kept, of long ago.
pub fn grow_old(stack: &Stack) {
    let newest = manifest(stack, &names(stack)[0]);
    for day in 1..4 {
        let name = format!("citrino_2025010{day}_030000");
        copied(stack, &newest, &name, |_| {});
        let old = BackupManifest {
            at: format!("2025-01-0{day}T03:00:00Z"),
            ..manifest(stack, &name)
        };
        let path = folder(stack).join(format!("{name}.json"));
        fs::write(path, old.text(&key(stack)).unwrap()).unwrap();
    }
}

/// Takes the backups with these names away.
pub fn removed(stack: &Stack, beginning: &str) {
    for entry in fs::read_dir(folder(stack)).unwrap() {
        let path = entry.unwrap().path();
        if path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(beginning)
        {
            fs::remove_file(path).unwrap();
        }
    }
}

/// What the app recommends.
pub fn recommended(stack: &Stack) -> Value {
    let wish = json!({ "zona_preferida": "Equipetrol", "limite": 20 });
    let (status, answer) = stack.http("/api/recomendar", Some(&wish));
    assert_eq!(status, 200, "{answer}");
    answer["recomendaciones"].clone()
}

#[test]
fn what_was_dropped_comes_back_row_by_row_and_answers_as_before() {
    let Some(stack) = serving() else { return };
    let (rows, answer) = (stack.fingerprint(), recommended(&stack));
    assert!(
        answer.as_array().is_some_and(|all| !all.is_empty()),
        "{answer}"
    );
    for format in [["backup", "now"].as_slice(), &["backup", "now", "--plain"]] {
        let backup = stack.citrino(format);
        assert_eq!(backup.code, 0, "{}", backup.text);
        stack.on_host("cd / && runuser -u postgres -- dropdb --force citrino_prod");
        assert_ne!(stack.http("/api/ready", None).0, 200);

        let restore = stack.citrino(&["restore", "latest", "--yes"]);
        assert_eq!(restore.code, 0, "{}", restore.text);
        assert_eq!(stack.fingerprint(), rows, "{format:?}");
        assert_eq!(recommended(&stack), answer, "{format:?}");
    }
    let prune = stack.citrino(&["backup", "prune", "--aside", "--yes"]);
    assert_eq!(prune.code, 0, "{}", prune.text);
    stack.is_healthy();
    stack.is_as_wished();
}

#[test]
fn what_was_written_since_is_given_up_knowingly_and_stays_aside() {
    let Some(stack) = serving() else { return };
    let rows = stack.fingerprint();
    let name = taken(&stack);
    stack.sql("CREATE TABLE notas (texto text); INSERT INTO notas VALUES ('de ahora')");
    let asked = stack.citrino(&["restore", &name]);
    assert_eq!(asked.code, 7, "{}", asked.text);
    assert!(
        asked
            .text
            .contains("rows of notas: absent in the backup, 1 now"),
        "{}",
        asked.text
    );

    let restore = stack.citrino(&["restore", &name, "--yes"]);
    assert_eq!(restore.code, 0, "{}", restore.text);
    assert_eq!(stack.fingerprint(), rows);
    let aside =
        stack.sql("SELECT datname FROM pg_database WHERE datname LIKE 'citrino_prod_before_%'");
    let line = format!(
        "cd / && runuser -u postgres -- psql -XAtq -d {aside} -c 'SELECT texto FROM notas'"
    );
    assert_eq!(stack.on_host(&line).trim(), "de ahora");
    // What was there is a backup as well.
    let newest = manifest(&stack, &names(&stack)[0]);
    assert_eq!(newest.rows["notas"], 1);
    // Who wants the newest one does not want back what was just left.
    let list = stack.citrino(&["backup", "list"]).text;
    let line = list.lines().find(|line| line.starts_with(&newest.name));
    assert!(line.unwrap().ends_with("safety backup"), "{list}");
    let again = stack.citrino(&["restore", "latest", "--yes"]);
    assert_eq!(again.code, 0, "{}", again.text);
    assert_eq!(stack.fingerprint(), rows);

    let asked = stack.citrino(&["backup", "prune", "--aside"]);
    assert!(
        asked.code == 7 && asked.text.contains(&aside),
        "{}",
        asked.text
    );
    let check = stack.citrino(&["backup", "prune", "--aside", "--check"]);
    assert_eq!(
        (check.code, check.text.contains(&aside)),
        (3, true),
        "{}",
        check.text
    );
    let prune = stack.citrino(&["backup", "prune", "--aside", "--yes"]);
    assert_eq!(prune.code, 0, "{}", prune.text);
    assert_eq!(
        stack.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'citrino_prod_%'"),
        "0"
    );
}

/// A way to spoil a dump.
type Damage = Box<dyn Fn(&mut Vec<u8>)>;

/// What is done to a dump of so many bytes: a bit at many places, the end cut off at twenty, everything gone, something behind it.
fn damages(bytes: usize) -> Vec<(String, Damage)> {
    let mut all: Vec<(String, Damage)> = Vec::new();
    for n in 0..20_usize {
        let (place, bit) = (bytes * n / 20 + n, n % 8);
        all.push((
            format!("bit {bit} of {place}"),
            Box::new(move |dump| dump[place] ^= 1 << bit),
        ));
        let length = bytes * n / 20 + n;
        all.push((
            format!("cut at {length}"),
            Box::new(move |dump| dump.truncate(length)),
        ));
    }
    all.push((
        "its last byte cut".to_owned(),
        Box::new(|dump| {
            dump.pop();
        }),
    ));
    all.push((
        "something behind it".to_owned(),
        Box::new(|dump| dump.push(0)),
    ));
    all.push(("empty".to_owned(), Box::new(Vec::clear)));
    all
}

#[test]
fn a_backup_that_was_damaged_anyhow_is_refused_and_nothing_is_touched() {
    let Some(stack) = serving() else { return };
    let rows = stack.fingerprint();
    let sound = manifest(&stack, &taken(&stack));
    let damages = damages(usize::try_from(sound.dump.bytes).unwrap());
    let name = |n: usize| format!("citrino_20200101_{n:06}");
    for (n, (_, damage)) in damages.iter().enumerate() {
        copied(&stack, &sound, &name(n), damage);
    }
    let other = unsound_manifests(&stack, &sound);

    let verify = stack.citrino(&["backup", "verify"]);
    assert_eq!(verify.code, 1, "{}", verify.text);
    let mut wrong: Vec<(String, &str)> = Vec::new();
    for (n, (what, _)) in damages.iter().enumerate() {
        let why = reason(&verify.text, &name(n));
        let told = if what.starts_with("bit") {
            "its hash differs"
        } else {
            "were written"
        };
        assert!(why.contains(told), "{what}: {why}");
        wrong.push((name(n), why));
    }
    for (name, told) in [
        ("citrino_20200102_000000", "its manifest belongs to"),
        ("citrino_20200103_000000", "cut or changed"),
    ] {
        let why = reason(&verify.text, name);
        assert!(why.contains(told), "{}", verify.text);
        wrong.push((name.to_owned(), why));
    }
    // Only a restore finds this out.
    wrong.push((
        other,
        "the restored rows differ from those that were backed up",
    ));
    for (name, why) in &wrong {
        is_of_no_use(&stack, name, why);
    }
    assert_eq!(stack.fingerprint(), rows);
    assert_eq!(
        stack.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'citrino_prod_%'"),
        "0"
    );
    removed(&stack, "citrino_2020");
    assert_eq!(stack.citrino(&["backup", "verify"]).code, 0);
}

#[test]
fn a_backup_that_is_refused_is_proven_no_more() {
    let Some(stack) = serving() else { return };
    let name = taken(&stack);
    let line = || {
        let list = stack.citrino(&["backup", "list"]).text;
        let line = list.lines().find(|line| line.starts_with(&name));
        line.unwrap().to_owned()
    };
    let drill = stack.citrino(&["backup", "drill", &name]);
    assert_eq!(drill.code, 0, "{}", drill.text);
    assert!(line().contains(" min ago"), "{}", line());
    let dump = folder(&stack).join(&manifest(&stack, &name).dump.file);
    let mut bytes = fs::read(&dump).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&dump, bytes).unwrap();
    let verify = stack.citrino(&["backup", "verify", &name]);
    assert_eq!(verify.code, 1, "{}", verify.text);
    assert!(!line().contains(" ago"), "{}", line());
    removed(&stack, &name);
}

/// One whose manifest is of another backup, one whose manifest was never written; and one whose manifest is sound and whose
/// dump gives other rows: its name.
fn unsound_manifests(stack: &Stack, sound: &BackupManifest) -> String {
    let swapped = folder(stack).join("citrino_20200102_000000.json");
    fs::copy(folder(stack).join(format!("{}.json", sound.name)), &swapped).unwrap();
    let forged = sound
        .text(&key(stack))
        .unwrap()
        .replace("\"propiedades\": ", "\"propiedades\": 1");
    fs::write(folder(stack).join("citrino_20200103_000000.json"), forged).unwrap();
    let name = "citrino_20200104_000000";
    copied(stack, sound, name, |_| {});
    let mut other = manifest(stack, name);
    *other.rows.get_mut("propiedades").unwrap() += 1;
    fs::write(
        folder(stack).join(format!("{name}.json")),
        other.text(&key(stack)).unwrap(),
    )
    .unwrap();
    name.to_owned()
}

/// Why a backup cannot be used, as `backup verify` tells it.
fn reason<'t>(told: &'t str, name: &str) -> &'t str {
    let is_told = |line: &&str| line.contains(name) && line.contains("cannot be used: ");
    let line = told.lines().find(is_told);
    let why = line.and_then(|line| line.split_once("cannot be used: "));
    why.unwrap_or_else(|| panic!("{name}: {told}")).1
}

/// Neither a drill nor a restore takes it, and both say why.
fn is_of_no_use(stack: &Stack, name: &str, why: &str) {
    for words in [
        ["backup", "drill", name].as_slice(),
        &["restore", name, "--yes"],
    ] {
        let refused = stack.citrino(words);
        assert_eq!(refused.code, 1, "{words:?}: {}", refused.text);
        for told in ["E0422", name, why] {
            assert!(
                refused.text.contains(told),
                "{words:?}, {told}: {}",
                refused.text
            );
        }
    }
}

#[test]
fn what_does_not_belong_here_is_refused_before_anything_is_touched() {
    let Some(stack) = serving() else { return };
    let rows = stack.fingerprint();
    let sound = manifest(&stack, &taken(&stack));
    let altered = |name: &str, change: &dyn Fn(&mut BackupManifest)| {
        copied(&stack, &sound, name, |_| {});
        let mut copy = manifest(&stack, name);
        change(&mut copy);
        fs::write(
            folder(&stack).join(format!("{name}.json")),
            copy.text(&key(&stack)).unwrap(),
        )
        .unwrap();
    };
    altered("citrino_20200101_000000", &|backup| {
        backup.stack = "somebody".to_owned();
    });
    altered("citrino_20200102_000000", &|backup| {
        backup.schema.as_mut().unwrap().applied.push(9000);
    });
    altered("citrino_20200103_000000", &|backup| {
        backup.database_bytes = 1 << 51;
    });
    for (name, code, why) in [
        ("citrino_20200101_000000", "E0423", "is from stack somebody"),
        ("citrino_20200102_000000", "E0423", "has schema 9000"),
        ("citrino_20200103_000000", "E0442", "needs 2147483648 MB"),
    ] {
        let refused = stack.citrino(&["restore", name, "--yes"]);
        assert_eq!(refused.code, 7, "{}", refused.text);
        assert!(
            refused.text.contains(code) && refused.text.contains(why),
            "{}",
            refused.text
        );
    }
    let drill = stack.citrino(&["backup", "drill", "citrino_20200103_000000"]);
    assert!(
        drill.code == 7 && drill.text.contains("E0442"),
        "{}",
        drill.text
    );
    let absent = stack.citrino(&["restore", "citrino_1999", "--yes"]);
    assert!(
        absent.code == 2 && absent.text.contains("there is no backup citrino_1999"),
        "{}",
        absent.text
    );
    assert_eq!(stack.fingerprint(), rows);

    let meant = stack.citrino(&[
        "restore",
        "citrino_20200101_000000",
        "--from-other-stack",
        "--yes",
    ]);
    assert_eq!(meant.code, 0, "{}", meant.text);
    assert_eq!(stack.fingerprint(), rows);
    removed(&stack, "citrino_2020");
    assert_eq!(
        stack.citrino(&["backup", "prune", "--aside", "--yes"]).code,
        0
    );
}

#[test]
fn the_list_leads_with_the_proof_and_health_minds_it() {
    let Some(stack) = serving() else { return };
    let drill = stack.citrino(&["backup", "drill"]);
    assert_eq!(drill.code, 0, "{}", drill.text);
    let listed = stack.citrino(&["backup", "list"]).text;
    let headline = listed.lines().next().unwrap();
    assert!(
        headline.starts_with("last proven restore 0 min ago, RPO ")
            && headline.ends_with(" s measured"),
        "{listed}"
    );

    let torn = taken(&stack);
    fs::write(folder(&stack).join(format!("{torn}.dump.zst")), "").unwrap();
    let health = stack.citrino(&["health"]);
    let row = format!("the newest backup, {torn}, cannot be used: ");
    assert!(
        health.code == 4 && health.text.contains(&row),
        "{}",
        health.text
    );

    // As they will be when nobody takes any more.
    removed(&stack, "citrino_");
    let health = stack.citrino(&["health"]);
    assert_eq!(health.code, 4, "{}", health.text);
    for row in [
        "there is no backup",
        "no backup was proven by a restore yet",
    ] {
        assert!(health.text.contains(row), "{}", health.text);
    }
    let backup = taken(&stack);
    of_long_ago(&stack, &backup);
    let health = stack.citrino(&["health"]);
    for row in ["age of the newest backup is", "age of the newest proof is"] {
        assert!(health.text.contains(row), "{}", health.text);
    }
    // The last proven one stays, however old; the timer's runs make up for what was missed.
    for unit in ["citrino-backup", "citrino-drill"] {
        stack.on_host(&format!("systemctl start {unit}.service"));
    }
    assert!(names(&stack).contains(&backup));
    removed(&stack, &backup);
    stack.is_healthy();
}

#[test]
fn timers_take_and_prove_backups_with_nobody_there_and_within_100_mb() {
    let Some(stack) = serving() else { return };
    let before = names(&stack);
    let timers = stack.on_host("systemctl show --property=NextElapseUSecRealtime,Persistent,RandomizedDelayUSec citrino-backup.timer");
    for property in ["Persistent=yes", "RandomizedDelayUSec=10min", " 03:"] {
        assert!(timers.contains(property), "{timers}");
    }
    stack
        .on_host("systemctl start citrino-backup.service && systemctl start citrino-drill.service");
    let after = names(&stack);
    assert_ne!(before.first(), after.first(), "{after:?}");
    // The whole of it ran within this; the kernel would have killed it otherwise.
    let limits = stack.on_host(
        "systemctl show --property=MemoryMax citrino-backup.service citrino-drill.service",
    );
    assert_eq!(limits.matches("MemoryMax=104857600").count(), 2, "{limits}");
    let listed = stack.citrino(&["backup", "list"]).text;
    assert!(
        listed.lines().nth(2).unwrap().contains(" 0 min ago"),
        "{listed}"
    );
    let audit = stack.citrino(&["audit"]).text;
    assert!(audit.contains("timer@"), "{audit}");
    assert_eq!(stack.citrino(&["audit", "verify"]).code, 0);
    // The script of the production plan is the same.
    stack.on_host("/home/citrino/scripts/backup.sh");
    assert_ne!(names(&stack).first(), after.first());
    stack.is_as_wished();
}

#[test]
fn a_run_that_holds_the_host_keeps_a_timer_waiting() {
    let Some(stack) = serving() else { return };
    let held = "flock -n /var/lib/citrino/lock /usr/local/sbin/citrino-ops scheduled backup; echo ended with $?";
    let said = stack.citrino(&["ssh", held]).text;
    assert!(
        said.contains("E0504") && said.contains("ended with 5"),
        "{said}"
    );
}

/// The private key is in no file and no log of the host.
fn nowhere_on_the_host(stack: &Stack, key: &age::x25519::Identity) {
    use age::secrecy::ExposeSecret;
    let text = key.to_string();
    let part = &text.expose_secret()[20..44];
    let places = "/etc /home /run/systemd /tmp /var/lib/citrino /var/log /var/tmp";
    let search =
        format!("grep -rlF {part} {places} || true; journalctl -o export | grep -F {part} || true");
    assert_eq!(stack.on_host(&search).trim(), "");
}

/// Writes two files of wishes for encrypted backups: `sealed.yml` has the private key, `keyless.yml` has it not. The key.
fn sealed_wishes(stack: &Stack) -> age::x25519::Identity {
    use age::secrecy::ExposeSecret;
    let (key, stranger) = (
        age::x25519::Identity::generate(),
        age::x25519::Identity::generate(),
    );
    stack.write("age.key", key.to_string().expose_secret());
    stack.write("stranger.key", stranger.to_string().expose_secret());
    let wishes = fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    let sealed = format!(
        "{wishes}backup: {{ recipients: [{}], identity: age.key }}\n",
        key.to_public()
    );
    stack.write("sealed.yml", &sealed);
    stack.write("keyless.yml", &sealed.replace(", identity: age.key", ""));
    key
}

#[test]
fn without_its_age_key_nothing_reads_a_backup_and_restore_asks_no_more() {
    let Some(stack) = serving() else { return };
    let rows = stack.fingerprint();
    let key = sealed_wishes(&stack);
    let types = |wishes: &str, words: &[&str]| stack.citrino(&[&["-c", wishes], words].concat());
    let converge = types("keyless.yml", &["converge"]);
    assert_eq!(converge.code, 0, "{}", converge.text);

    let backup = types("keyless.yml", &["backup"]);
    assert_eq!(backup.code, 0, "{}", backup.text);
    let name = names(&stack)[0].clone();
    let manifest = manifest(&stack, &name);
    for content in manifest.contents() {
        let bytes = fs::read(folder(&stack).join(&content.file)).unwrap();
        assert!(
            bytes.starts_with(b"age-encryption.org/v1"),
            "{}",
            content.file
        );
    }
    nowhere_on_the_host(&stack, &key);
    assert_eq!(types("keyless.yml", &["backup", "verify", &name]).code, 0);
    for words in [
        ["restore", &name, "--yes"].as_slice(),
        &["backup", "drill", &name],
        &["restore", &name, "--yes", "--identity", "stranger.key"],
    ] {
        let refused = types("keyless.yml", words);
        assert!(
            refused.code == 2 && refused.text.contains("E0425"),
            "{words:?}: {}",
            refused.text
        );
    }
    // A drill with nobody there proves a new one, by the process that writes it.
    stack.on_host("systemctl start citrino-drill.service");
    let listed = stack.citrino(&["backup", "list"]).text;
    assert!(
        listed
            .lines()
            .nth(2)
            .unwrap()
            .contains(" 0 min ago  encrypted"),
        "{listed}"
    );

    stack.sql("DELETE FROM propiedades WHERE id % 2 = 0");
    let restore = types("sealed.yml", &["restore", &name, "--yes"]);
    assert_eq!(restore.code, 0, "{}", restore.text);
    assert_eq!(stack.fingerprint(), rows);
    let drill = types("sealed.yml", &["backup", "drill", &name]);
    assert_eq!(drill.code, 0, "{}", drill.text);
    nowhere_on_the_host(&stack, &key);

    assert_eq!(stack.citrino(&["converge"]).code, 0);
    assert_eq!(
        stack.citrino(&["backup", "prune", "--aside", "--yes"]).code,
        0
    );
    until("nothing is left to wish", || {
        stack.citrino(&["plan"]).code == 0
    });
    // The key ends with this test, and so does what needs it.
    for name in names(&stack) {
        let dump = PathBuf::from(self::manifest(&stack, &name).dump.file);
        if dump.extension().is_some_and(|end| end == "age") {
            removed(&stack, &name);
        }
    }
    taken(&stack);
}
