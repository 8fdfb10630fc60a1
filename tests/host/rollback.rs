//! Going back: to what the schema still bears, and past that only by a way that says what it costs.

use std::fs;

use serde_json::json;

use crate::deploy::{another_build, plain, release};
use crate::stack::{Stack, binary, serving};

/// Speaks for a release that has one migration more than the app: it is known to the host as the app's own are, and takes
/// away what all others need.
const FUTURE: &str = r#"#!/bin/sh
set -eu
export PGHOST="$DB_HOST" PGUSER="$DB_USER" PGPASSWORD="$DB_PASSWORD" PGDATABASE="$DB_NAME"
asked() { psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }
applied="EXISTS (SELECT FROM _sqlx_migrations WHERE version = @NEXT@)"
case "$1" in
status) asked "SELECT json_build_object('applied', (SELECT json_agg(version ORDER BY version) FROM _sqlx_migrations),
    'shas', (SELECT json_object_agg(version, encode(checksum, 'hex')) FROM _sqlx_migrations), 'floor', (SELECT max(floor) FROM schema_floor), 'pending', CASE WHEN $applied THEN '[]'::json ELSE '[\"@NAME@\"]' END)" ;;
check) test "$(asked "SELECT $applied")" = t || exit 3 ;;
migrate) asked "BEGIN; INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    VALUES (@NEXT@, 'contraccion', true, '$2', 0); INSERT INTO schema_floor (version, floor) VALUES (@NEXT@, @NEXT@); COMMIT" ;;
down) asked "BEGIN; DELETE FROM schema_floor WHERE version = @NEXT@; DELETE FROM _sqlx_migrations WHERE version = @NEXT@; COMMIT" ;;
esac
"#;

/// The number of the first migration that the app does not know.
fn next() -> usize {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    1 + names
        .filter(|name| name.to_str().unwrap().ends_with(".up.sql"))
        .count()
}

fn name() -> String {
    format!("{:04}_contraccion", next())
}

/// A release that contracts the schema, with a way down that does that to the data.
fn future(stack: &Stack, down: &str) -> String {
    let next = next();
    let script = FUTURE
        .replace("@NEXT@", &next.to_string())
        .replace("@NAME@", &name());
    let text = script.replace('\'', "'\\''");
    stack.on_host(&format!(
        "printf %s '{text}' > /opt/future && chmod 755 /opt/future"
    ));
    let sha = if down == "loses" { "10" } else { "11" };
    let migration =
        json!({ "version": next, "sha": sha, "name": "contraccion", "floor": next, "down": down });
    let back = format!("migrate --down-to {}", next - 1);
    let order = json!({
        "build": down,
        "prints": { "migrate --describe": { "newest": next, "migrations": [migration] } },
        "runs": {
            "migrate --status": "/opt/future status",
            "migrate --check": "/opt/future check",
            "migrate": format!("/opt/future migrate '\\x{sha}'"),
            back: "/opt/future down",
        },
    });
    let mut bytes = fs::read(binary("citrino-stand-in")).unwrap();
    bytes.extend(format!("\nstand-in: {order}").as_bytes());
    let path = stack.home.join(format!("future-{down}"));
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// The future serves, and a row was written since its migration.
fn live_in_the_future(stack: &Stack, down: &str) -> (String, String) {
    let before = plain(stack);
    stack.sql("DROP TABLE IF EXISTS notas; CREATE TABLE notas ()");
    // A deploy that migrates relies on no backup that was never restored.
    stack.on_host("rm -f /home/citrino/database/backups/*.proof.json");
    let deploy = stack.citrino(&["deploy", "--artifact", &future(stack, down)]);
    assert_eq!(deploy.code, 0, "{}", deploy.text);
    let listed = stack.citrino(&["backup", "list"]).text;
    assert!(
        listed.starts_with("last proven restore 0 min ago"),
        "{listed}"
    );
    stack.sql("INSERT INTO notas DEFAULT VALUES");
    (before, release(stack))
}

/// How much was written since the migration.
fn rows(stack: &Stack) -> String {
    stack.sql("SELECT count(*) FROM notas")
}

/// The line of a release in the listing.
fn line(stack: &Stack, release: &str) -> String {
    let releases = stack.citrino(&["releases"]).text;
    let line = releases.lines().find(|line| line.starts_with(release));
    line.unwrap_or_else(|| panic!("{release} is not in:\n{releases}"))
        .to_owned()
}

#[test]
fn a_rollback_sends_nothing_and_what_it_leaves_is_not_gone_back_to() {
    let Some(stack) = serving() else { return };
    let before = plain(&stack);
    let deploy = stack.citrino(&["deploy", "--artifact", &another_build(&stack, "bad idea")]);
    assert_eq!(deploy.code, 0, "{}", deploy.text);
    let left = release(&stack);
    let listed = line(&stack, &before);
    assert!(listed.contains("rollback takes about "), "{listed}");

    let (code, events) = stack.start(&["rollback"]).events();
    let summary = events.last().unwrap();
    assert_eq!(code, 0, "{summary}");
    assert_eq!(summary["sent_bytes"], 0, "{summary}");
    let outages: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "outage")
        .collect();
    assert!(
        !outages.is_empty() && outages.iter().all(|outage| outage["failed"] == 0),
        "{outages:?}"
    );
    assert_eq!(release(&stack), before);
    assert!(line(&stack, &left).contains("quarantined"));
    stack.is_as_wished();

    // It is not what the next one goes back to, yet it can be named.
    let next = stack.citrino(&["rollback", "no-such"]);
    assert!(
        next.code == 2 && next.text.contains("E0608"),
        "{}",
        next.text
    );
    let head = left.rsplit('-').next().unwrap();
    let named = stack.citrino(&["rollback", head]);
    assert_eq!(named.code, 0, "{}", named.text);
    assert_eq!(release(&stack), left);
    assert!(line(&stack, &before).contains("quarantined"));
    assert_eq!(plain(&stack), before);
    stack.is_as_wished();
}

#[test]
fn a_release_that_failed_is_never_gone_back_to() {
    let Some(stack) = serving() else { return };
    let before = plain(&stack);
    stack.on_host("chmod 0 /etc/citrino/app.yml");
    let deploy = stack.citrino(&["deploy", "--artifact", &another_build(&stack, "mute")]);
    stack.on_host("chmod 0644 /etc/citrino/app.yml");
    assert_eq!(deploy.code, 6, "{}", deploy.text);
    let releases = stack.citrino(&["releases"]).text;
    let newest = releases.lines().nth(1).unwrap();
    let failed = newest.split_whitespace().next().unwrap();
    let listed = line(&stack, failed);
    assert!(
        listed.contains("failed")
            && listed.contains("cannot be used: it was never deployed successfully"),
        "{listed}"
    );
    let refused = stack.citrino(&["rollback", failed]);
    assert!(
        refused.code == 7 && refused.text.contains("E0703"),
        "{}",
        refused.text
    );
    assert_eq!(release(&stack), before);
    stack.is_as_wished();
}

#[test]
fn past_a_contraction_a_rollback_is_refused_and_restores_only_when_told() {
    let Some(stack) = serving() else { return };
    let (before, live) = live_in_the_future(&stack, "loses");
    let listed = line(&stack, &before);
    assert!(
        listed.contains(&format!(
            "cannot be used: the live schema is too new for it: {}",
            name()
        )),
        "{listed}"
    );
    for options in [&["rollback", &before][..], &["rollback", &before, "--down"]] {
        let refused = stack.citrino(options);
        assert!(
            refused.code == 7
                && refused.text.contains("E0702")
                && refused
                    .text
                    .contains(&format!("rollback {before} --restore-db"))
                && !refused.text.contains("--down`"),
            "{}",
            refused.text
        );
    }
    let unsaid = stack.citrino(&["rollback", &before, "--restore-db"]);
    let given_up = "rows of notas: 0 in the backup, 1 now";
    assert!(
        unsaid.code == 7 && unsaid.text.contains("E0801") && unsaid.text.contains(given_up),
        "{}",
        unsaid.text
    );
    assert_eq!((release(&stack), rows(&stack)), (live, "1".to_owned()));

    let told = stack.citrino(&["rollback", &before, "--restore-db", "--yes"]);
    assert!(
        told.code == 0 && told.text.contains(given_up),
        "{}",
        told.text
    );
    assert_eq!((release(&stack), rows(&stack)), (before, "0".to_owned()));
    stack.is_as_wished();
    stack.is_healthy();

    // What was given up is there yet.
    let aside = stack.sql("SELECT datname FROM pg_database WHERE datname ~ '_before_'");
    let kept = stack.on_host(&format!(
        "cd / && runuser -u postgres -- psql -XAtq -d {aside} -c 'SELECT count(*) FROM notas'"
    ));
    assert_eq!(kept.trim(), "1");
    stack.sql(&format!("DROP DATABASE {aside}"));
}

#[test]
fn a_restore_that_fails_gives_the_database_back() {
    let Some(stack) = serving() else { return };
    let (before, live) = live_in_the_future(&stack, "loses");
    // The dump is torn: it is found out before anything is changed.
    let dump = stack.on_host("ls -t /home/citrino/database/backups/*.dump.zst | head -n 1");
    let dump = dump.trim();
    stack.on_host(&format!("cp -a {dump} /root/kept && truncate -s -1 {dump}"));
    let torn = stack.citrino(&["rollback", &before, "--restore-db", "--yes"]);
    stack.on_host(&format!("mv /root/kept {dump}"));
    assert!(
        torn.code == 1 && torn.text.contains("E0422") && torn.text.contains(" were written"),
        "{}",
        torn.text
    );
    assert_eq!(
        (release(&stack), rows(&stack)),
        (live.clone(), "1".to_owned())
    );

    // The old release does not start on what was restored: the database goes back to what it was.
    stack.on_host("chmod 0 /etc/citrino/app.yml");
    let failed = stack.citrino(&["rollback", &before, "--restore-db", "--yes"]);
    stack.on_host("chmod 0644 /etc/citrino/app.yml");
    assert_eq!(failed.code, 6, "{}", failed.text);
    assert_eq!((release(&stack), rows(&stack)), (live, "1".to_owned()));
    assert_eq!(
        stack.sql("SELECT count(*) FROM pg_database WHERE datname ~ '_before_|_restoring'"),
        "0"
    );
    let told = stack.citrino(&["rollback", &before, "--restore-db", "--yes"]);
    assert_eq!(told.code, 0, "{}", told.text);
    let aside = stack.sql("SELECT datname FROM pg_database WHERE datname ~ '_before_'");
    stack.sql(&format!("DROP DATABASE {aside}"));
    assert_eq!((release(&stack), rows(&stack)), (before, "0".to_owned()));
    stack.is_as_wished();
}

#[test]
fn a_way_down_that_loses_nothing_is_offered_and_loses_nothing() {
    let Some(stack) = serving() else { return };
    let (before, _) = live_in_the_future(&stack, "lossless");
    let refused = stack.citrino(&["rollback", &before]);
    assert!(
        refused.code == 7 && refused.text.contains(&format!("rollback {before} --down")),
        "{}",
        refused.text
    );
    let down = stack.citrino(&["rollback", &before, "--down"]);
    assert_eq!(down.code, 0, "{}", down.text);
    assert_eq!((release(&stack), rows(&stack)), (before, "1".to_owned()));
    stack.is_as_wished();
}
