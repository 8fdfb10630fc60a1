//! The database comes back to a point in time.

use crate::backups::taken;
use crate::lab::until;
use crate::limits::scores_are_low;
use crate::offsite::{gateway, wish_for};
use crate::s3::Storage;
use crate::stack::{GO_ON, Said, Stack, serving};

const PASSPHRASE: &str = "sentinel-of-the-repository-5c2d";
/// Files of the repository that can be read without the passphrase.
const PLAIN: &str = "cd /home/citrino/database/pitr && find . -type f -exec sh -c 'test \"$(head -c 8 \"$1\")\" = Salted__ || echo \"$1\"' _ {} \\;";
/// What a recovery has while it runs.
const LEFT: &str = "ls -d /var/lib/postgresql/15/recovering 2>/dev/null; systemctl list-units --all --plain --no-legend 'citrino-recovering*'";
const DATABASES: &str = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database";

#[test]
fn rows_until_a_time_come_back_and_nothing_else_does() {
    let Some(stack) = serving() else { return };
    // Another test may have left backups that nobody has proven or can read here, and `health` is asked below.
    taken(&stack);
    let drill = stack.citrino(&["backup", "drill"]);
    assert_eq!(drill.code, 0, "{}", drill.text);
    let wishes = std::fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    switch_on(&stack, &wishes);
    let plain = stack.on_host(PLAIN);
    assert_eq!(plain.trim(), "", "can be read without the passphrase");

    let before = stack.sql("SELECT clock_timestamp()");
    stack.sql("CREATE TABLE cuaderno (n int, at timestamptz DEFAULT clock_timestamp()); INSERT INTO cuaderno VALUES (1); INSERT INTO cuaderno VALUES (2)");
    let wished = stack.sql("SELECT * FROM cuaderno");
    let to = stack.sql("SELECT clock_timestamp()");
    stack.sql("INSERT INTO cuaderno VALUES (3)");
    stack.sql("DROP TABLE cuaderno");
    refused_times_change_nothing(&stack);

    a_killed_recovery_changes_nothing(&stack, &to);
    let restored = restore(&stack, &to);
    assert_eq!(restored.code, 0, "{}", restored.text);
    assert_eq!(stack.sql("SELECT * FROM cuaderno"), wished);
    assert_eq!(stack.on_host(&format!("{LEFT} || true")).trim(), "");
    let aside =
        stack.sql("SELECT datname FROM pg_database WHERE datname ~ '^citrino_prod_before_'");
    assert!(!aside.is_empty() && !aside.contains('\n'), "{aside}");
    // The live cluster is on its own timeline still, and archives.
    assert!(
        stack
            .sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
            .starts_with("00000001")
    );
    stack.is_healthy();

    // A time on which nothing was written afterwards is no other.
    stack.sql(&format!("DROP DATABASE {aside}"));
    let quiet = stack.sql("SELECT clock_timestamp()");
    let again = restore(&stack, &quiet);
    assert_eq!(again.code, 0, "{}", again.text);
    assert_eq!(stack.sql("SELECT * FROM cuaderno"), wished);
    // The table was not there yet.
    let first = restore(&stack, &before);
    assert_eq!(first.code, 0, "{}", first.text);
    assert_eq!(stack.sql("SELECT to_regclass('cuaderno') IS NULL"), "t");

    a_lost_repository_is_begun_anew(&stack, &to);
    switch_off(&stack, &wishes);
}

/// The name of a storage that a company has in its own network, with a certificate of its own authority.
const STORAGE: &str = "s3.example.test";
const AUTHORITY: &str = "/usr/local/share/ca-certificates/storage.crt";

#[test]
fn the_repository_can_be_in_a_bucket_that_is_spoken_with_over_tls() {
    let Some(stack) = serving() else { return };
    let gateway = gateway(&stack);
    let Some(storage) = Storage::start_as(&gateway, STORAGE) else {
        return;
    };
    let authority = stack.disk().join(AUTHORITY.trim_start_matches('/'));
    std::fs::write(authority, storage.authority()).unwrap();
    stack.on_host(&format!(
        "update-ca-certificates; echo {gateway} {STORAGE} >>/etc/hosts"
    ));
    let wishes = wish_for(&stack, &storage.bucket("owner", "rehearsal"));
    let both = std::fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    let pitr = "backup: { pitr: true, pitr_passphrase: { file: passphrase }, s3:";
    stack.write("citrino.yml", &both.replace("backup: { s3:", pitr));
    stack.write("passphrase", PASSPHRASE);
    let on = stack.citrino(&["converge"]);
    assert_eq!(on.code, 0, "{}", on.text);
    taken(&stack);
    stack.is_healthy();
    stack.is_as_wished();
    scores_are_low(
        &stack,
        &["citrino-pitr@full.service", "citrino-offsite.service"],
    );

    stack.sql("CREATE TABLE cuaderno (n int); INSERT INTO cuaderno VALUES (1)");
    let to = stack.sql("SELECT clock_timestamp()");
    stack.sql("DROP TABLE cuaderno");
    let restored = restore(&stack, &to);
    assert_eq!(restored.code, 0, "{}", restored.text);
    assert_eq!(stack.sql("SELECT * FROM cuaderno"), "1");
    let info = stack.on_host("runuser -u postgres -- pgbackrest --stanza=citrino info");
    assert!(info.contains("cipher: aes-256-cbc"), "{info}");
    stack.on_host("test ! -e /home/citrino/database/pitr");
    stack.sql("DROP TABLE cuaderno");

    switch_off(&stack, &wishes);
    stack.on_host(&format!(
        "rm {AUTHORITY}; update-ca-certificates --fresh; sed -i '/{STORAGE}/d' /etc/hosts"
    ));
}

/// As an operator does: a line in citrino.yml, and a converge, which a second one finds nothing to do after.
fn switch_on(stack: &Stack, wishes: &str) {
    let backup = "backup: { pitr: true, pitr_passphrase: { file: passphrase } }\n";
    stack.write("passphrase", PASSPHRASE);
    stack.write("citrino.yml", &format!("{wishes}{backup}"));
    let plan = stack.citrino(&["plan"]);
    let on = stack.citrino(&["converge"]);
    assert_eq!((plan.code, on.code), (3, 0), "{}{}", plan.text, on.text);
    let again = stack.citrino(&["converge"]);
    assert!(
        again.code == 0 && again.text.contains("No changes.") && !again.text.contains("changed"),
        "{}",
        again.text
    );
    stack.is_healthy();
    let health = stack.citrino(&["health"]);
    for row in ["WAL archiving", "base backup age", "WAL size"] {
        assert!(health.text.contains(row), "{}", health.text);
    }
    for said in [plan, on, again, health] {
        assert!(!said.text.contains(PASSPHRASE), "{}", said.text);
    }
}

fn refused_times_change_nothing(stack: &Stack) {
    let databases = stack.sql(DATABASES);
    for (to, code, wished) in [
        ("2999-01-01 00:00:00Z", 7, "is in the future"),
        (
            "2020-01-01 00:00:00Z",
            7,
            "is before the end of the oldest backup",
        ),
        ("2026-11-24 03:00:00", 2, "has no time zone"),
    ] {
        let said = restore(stack, to);
        assert!(
            said.code == code && said.text.contains(wished),
            "{}",
            said.text
        );
    }
    assert_eq!(stack.sql(DATABASES), databases);
    assert_eq!(stack.on_host(&format!("{LEFT} || true")).trim(), "");
}

/// Killed while the second cluster is restored: the site serves, and what is left of it is for the next one to take away.
fn a_killed_recovery_changes_nothing(stack: &Stack, to: &str) {
    let databases = stack.sql(DATABASES);
    let held = "/etc/systemd/system/citrino-recovering.service.d";
    stack.on_host(&format!("mkdir -p {held} && printf '[Service]\nExecStartPre=/bin/sh -c \"until test -e {GO_ON}; do sleep 0.05; done\"\n' > {held}/held.conf && rm -f {GO_ON} && systemctl daemon-reload"));
    let running = stack.start(&["restore", "--to", to, "--yes"]);
    until("the recovery has begun", || {
        let state = "systemctl show -P ActiveState citrino-recovering.service";
        stack.citrino(&["ssh", state]).text.trim() == "activating"
    });
    stack.on_host(&format!("kill -9 {}", stack.agents().join(" ")));
    let (code, summary) = running.finish();
    assert_ne!(code, 0, "{summary}");
    stack.on_host(&format!("rm -r {held}; systemctl daemon-reload"));
    assert_eq!(stack.http("/api/ready", None).0, 200);
    assert_eq!(stack.sql(DATABASES), databases);
    assert!(stack.on_host(LEFT).contains("citrino-recovering.service"));
}

/// Nothing can be archived; `health` says so, and `converge` begins another repository with a backup of its own.
fn a_lost_repository_is_begun_anew(stack: &Stack, to: &str) {
    stack.on_host("rm -r /home/citrino/database/pitr");
    stack.sql("SELECT pg_switch_wal()");
    until("health tells that WAL cannot be archived", || {
        let said = stack.citrino(&["health"]);
        said.code == 4 && said.text.contains("could not be archived")
    });
    let mended = stack.citrino(&["converge"]);
    assert_eq!(mended.code, 0, "{}", mended.text);
    stack.is_healthy();
    let lost = restore(stack, to);
    assert!(
        lost.code == 7 && lost.text.contains("is before the end of the oldest backup"),
        "{}",
        lost.text
    );
}

/// The server works as before, and nothing secret stays.
fn switch_off(stack: &Stack, wishes: &str) {
    stack.write("citrino.yml", wishes);
    let off = stack.citrino(&["converge"]);
    assert_eq!(off.code, 0, "{}", off.text);
    stack.is_as_wished();
    stack.is_healthy();
    assert_eq!(stack.sql("SHOW archive_mode"), "off");
    let left = stack.on_host("grep -rl sentinel-of-the-repository /etc /var/lib/citrino /var/log 2>/dev/null; systemctl list-timers --all --no-legend 'citrino-pitr*'");
    assert_eq!(left.trim(), "");
    let asides = stack.sql("SELECT string_agg(format('DROP DATABASE %I;', datname), ' ') FROM pg_database WHERE datname ~ '_before_'");
    for drop in asides.split_inclusive(';') {
        stack.sql(drop);
    }
    stack.on_host("DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq pgbackrest >/dev/null 2>&1; rm -rf /home/citrino/database/pitr /etc/pgbackrest /etc/systemd/system/citrino-pitr*; systemctl daemon-reload");
    stack.remove("passphrase");
    stack.is_as_wished();
}

fn restore(stack: &Stack, to: &str) -> Said {
    stack.citrino(&["restore", "--to", to, "--yes"])
}
