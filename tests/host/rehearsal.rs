//! Migrations are tried on a copy before the live database sees them.

use serde_json::Value;

use crate::backups::taken;
use crate::stack::{Said, Stack, serving};

const PLAYBOOK: &str = "- name: what is pending is rehearsed
  rehearsal:
    database: citrino_prod
    trial:
      binary: BINARY
      user: citrino
      env_file: /home/citrino/citrino/.env
      settings: /etc/citrino/app.yml
";
/// Takes the live schema back to where 0003 and what came after it are pending.
const BEHIND: &str = "migrate --down-to 2 --lose-data";
const LIVE: &str = "/home/citrino/citrino/slots/$(basename $(readlink /home/citrino/citrino/live))";

/// A `converge` that does nothing but rehearse, with more lines for its trial.
pub fn rehearse(stack: &Stack, more: &str, options: &[&str]) -> Said {
    let folder = stack.on_host(&format!("readlink {LIVE}"));
    let binary = format!("{}/citrino-app", folder.trim());
    let wish = PLAYBOOK.replace("BINARY", &binary);
    stack.write("playbooks/site.yml", "[rehearsal]\n");
    stack.write("playbooks/rehearsal.yml", &format!("{wish}{more}"));
    let said = stack.citrino(&[&["converge"], options].concat());
    stack.remove("playbooks");
    said
}

/// Sets the live schema back; a release that was never proved is not asked whether it is ready on it.
pub fn fall_behind(stack: &Stack, sql: &str) {
    stack.on_host(&format!(
        "rm {LIVE}/state; rm -f /var/lib/citrino/rehearsals/*; set -a; . /home/citrino/citrino/.env; cd / && runuser -u citrino -- {LIVE}/citrino-app {BEHIND}"
    ));
    if !sql.is_empty() {
        stack.sql(sql);
    }
}

pub fn catch_up(stack: &Stack) {
    stack.on_host(&format!(
        "set -a; . /home/citrino/citrino/.env; cd / && runuser -u citrino -- {LIVE}/citrino-app migrate && echo good > {LIVE}/state"
    ));
    stack.is_as_wished();
}

/// Nothing of a rehearsal is left but what it has shown.
fn nothing_is_left(stack: &Stack) {
    assert_eq!(
        stack.sql("SELECT count(*) FROM pg_database WHERE datname ~ 'rehearsal'"),
        "0"
    );
    let units = stack.on_host("systemctl list-units --all --plain --no-legend 'citrino-rehearsal*'; ls /run | grep rehearsal || true");
    assert_eq!(units.trim(), "");
}

/// What the live database has seen of migrations.
fn applied(stack: &Stack) -> String {
    stack.sql("SELECT string_agg(version::text, ' ' ORDER BY version) FROM _sqlx_migrations")
}

#[test]
fn pending_migrations_are_rehearsed_and_the_live_database_only_read() {
    let Some(stack) = serving() else { return };
    let needless = rehearse(&stack, "", &["--check"]);
    assert_eq!(needless.code, 0, "{}", needless.text);

    fall_behind(&stack, "");
    // What a killed rehearsal leaves: its database, with somebody in it, and its unit.
    stack.on_host("runuser -u postgres -- createdb citrino_prod_rehearsal && systemd-run -q --unit=citrino-rehearsal --uid=postgres psql -d citrino_prod_rehearsal -c 'SELECT pg_sleep(600)'");
    let looked = rehearse(&stack, "", &["--check"]);
    assert!(
        looked.code == 3
            && looked.text.contains("5 migrations were not rehearsed: 0003_indices_de_recomendacion, 0004_piso_del_esquema, 0005_cercania_contada, 0006_cambios, 0007_cercania_de_dos_kilometros"),
        "{}",
        looked.text
    );
    let done = rehearse(&stack, "", &[]);
    assert_eq!(done.code, 0, "{}", done.text);
    for wished in [
        "rehearsed: 0003_indices_de_recomendacion ",
        "SHARE on propiedades ",
        "; 0004_piso_del_esquema ",
        "the new release answers on it",
    ] {
        assert!(
            done.text.contains(wished),
            "{wished} is not in:\n{}",
            done.text
        );
    }
    assert_eq!(applied(&stack), "1 2");
    nothing_is_left(&stack);
    let record: Value =
        serde_json::from_str(&stack.on_host("cat /var/lib/citrino/rehearsals/*.json")).unwrap();
    assert_eq!(record["applied"], serde_json::json!([1, 2]));
    let index = &record["migrations"][0];
    assert!(index["ms"].as_f64().unwrap() > 0.0, "{record:#}");
    let lock = &index["locks"][0];
    assert!(
        lock["table"] == "propiedades"
            && lock["mode"] == "SHARE"
            && lock["ms"].as_f64().unwrap() > 0.0,
        "{record:#}"
    );
    let again = rehearse(&stack, "", &["--check"]);
    assert_eq!(again.code, 0, "{}", again.text);

    // It was of this schema, and says nothing of another one.
    stack.sql("CREATE TABLE kept AS SELECT * FROM _sqlx_migrations WHERE version = 2; DELETE FROM _sqlx_migrations WHERE version = 2");
    let other = rehearse(&stack, "", &["--check"]);
    assert!(
        other.code == 3 && other.text.contains("6 migrations were not rehearsed"),
        "{}",
        other.text
    );
    stack.sql("INSERT INTO _sqlx_migrations SELECT * FROM kept; DROP TABLE kept");
    let behind = taken(&stack);
    catch_up(&stack);
    // A drill brings it up to date as well, as a restore would.
    let drill = stack.citrino(&["backup", "drill", &behind]);
    assert_eq!(drill.code, 0, "{}", drill.text);
}

#[test]
fn what_fails_in_the_rehearsal_does_not_reach_the_live_database() {
    let Some(stack) = serving() else { return };
    fall_behind(
        &stack,
        "CREATE INDEX idx_propiedades_baratas ON propiedades (id)",
    );
    let failed = rehearse(&stack, "", &[]);
    assert!(
        failed.code == 1
            && failed.text.contains("E0420")
            && failed
                .text
                .contains("relation \"idx_propiedades_baratas\" already exists"),
        "{}",
        failed.text
    );
    assert_eq!(applied(&stack), "1 2");
    nothing_is_left(&stack);

    // The migrations go through, and the release does not do on them what it should.
    stack.sql("DROP INDEX idx_propiedades_baratas");
    let mute = rehearse(
        &stack,
        "      queries: [{ url: 'http://app/api/nada' }]\n",
        &[],
    );
    assert!(
        mute.code == 1
            && mute.text.contains("does not answer on the migrated copy")
            && mute.text.contains("/api/nada answered 404"),
        "{}",
        mute.text
    );
    assert_eq!(applied(&stack), "1 2");
    nothing_is_left(&stack);
    catch_up(&stack);
}
