//! `migrate` and its codes.

use serde_json::{Value, json};

use crate::app::{App, citrino};
use crate::cluster::{Database, block_on};

#[test]
fn a_second_run_has_nothing_to_do() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let check = citrino(&database, &["migrate", "--check"]);
    assert_eq!(check.code, 3);
    assert!(check.out.contains("pending: 0001_esquema"), "{}", check.out);
    let first = citrino(&database, &["migrate"]);
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(first.out.contains("applied: 0001_esquema"), "{}", first.out);
    assert_eq!(citrino(&database, &["migrate", "--check"]).code, 0);
    let second = citrino(&database, &["migrate"]);
    assert_eq!(second.code, 0);
    assert!(second.out.contains("nothing is pending"), "{}", second.out);
}

#[test]
fn a_missing_extension_is_a_sentence() {
    let Some(database) = Database::bare() else {
        return;
    };
    let run = citrino(&database, &["migrate"]);
    assert_eq!(run.code, 1);
    assert!(
        run.err
            .contains("a superuser must run CREATE EXTENSION postgis"),
        "{}",
        run.err
    );
    assert!(database.scalar::<bool>("SELECT to_regclass('propiedades') IS NULL"));
}

#[test]
fn a_database_that_is_away_is_a_sentence() {
    let Some(database) = Database::bare() else {
        return;
    };
    database.as_superuser("ALTER DATABASE postgres ALLOW_CONNECTIONS true");
    let gone = database.url().replace("prueba_", "nunca_");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_citrino-app"))
        .args(["migrate"])
        .env_clear()
        .env("DATABASE_URL", gone)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("does not answer"));
}

#[test]
fn every_up_has_a_down_that_takes_it_back() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let objects = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = 'public' AND pg_get_userbyid(c.relowner) = 'citrino' AND c.relname !~ '^_sqlx'";
    let functions = "SELECT count(*) FROM pg_proc WHERE pg_get_userbyid(proowner) = 'citrino'";
    assert!(database.scalar::<i64>(objects) > 0 && database.scalar::<i64>(functions) > 0);

    let refused = citrino(&database, &["migrate", "--down-to", "0"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .err
            .contains("0002_cercania, 0001_esquema loses data"),
        "{}",
        refused.err
    );
    assert_eq!(status(&database)["applied"], json!([1, 2, 3, 4, 5, 6, 7]));

    let indices = citrino(&database, &["migrate", "--down-to", "2", "--lose-data"]);
    assert_eq!(indices.code, 0, "{}", indices.err);
    let lines: Vec<&str> = indices.out.lines().collect();
    assert!(
        lines.len() == 5
            && lines[0].starts_with("reverted: 0007_cercania_de_dos_kilometros")
            && lines[1].starts_with("reverted: 0006_cambios")
            && lines[2].starts_with("reverted: 0005_cercania_contada")
            && lines[3].starts_with("reverted: 0004_piso_del_esquema")
            && lines[4].starts_with("reverted: 0003_indices_de_recomendacion"),
        "{}",
        indices.out
    );
    let told = status(&database);
    let sha = |index: usize| described()["migrations"][index]["sha"].clone();
    assert_eq!(
        told,
        json!({ "applied": [1, 2], "shas": { "1": sha(0), "2": sha(1) }, "newest": 7, "floor": 0,
                "pending": ["0003_indices_de_recomendacion", "0004_piso_del_esquema", "0005_cercania_contada", "0006_cambios", "0007_cercania_de_dos_kilometros"] })
    );

    let rest = citrino(&database, &["migrate", "--down-to", "0", "--lose-data"]);
    assert_eq!(rest.code, 0, "{}", rest.err);
    assert_eq!(database.scalar::<i64>(objects), 0);
    assert_eq!(database.scalar::<i64>(functions), 0);
    let nothing = citrino(&database, &["migrate", "--down-to", "0"]);
    assert!(
        nothing.code == 0 && nothing.out.contains("nothing to revert"),
        "{}",
        nothing.err
    );
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
}

fn status(database: &Database) -> Value {
    let run = citrino(database, &["migrate", "--status"]);
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str(&run.out).unwrap()
}

/// What a release embeds; no database is asked for it.
fn described() -> Value {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_citrino-app"))
        .args(["migrate", "--describe"])
        .env_clear()
        .env("DATABASE_URL", "postgres://nobody@192.0.2.1/nowhere")
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_a_release_embeds_is_told_without_a_database() {
    let told = described();
    let migrations = told["migrations"].as_array().unwrap();
    assert_eq!(told["newest"], migrations.len());
    let first = &migrations[0];
    assert_eq!(
        (
            &first["version"],
            &first["name"],
            &first["floor"],
            &first["down"]
        ),
        (&json!(1), &json!("esquema"), &Value::Null, &json!("loses"))
    );
    assert_eq!(migrations[3]["down"], "lossless");
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let applied = database.scalar::<Vec<String>>(
        "SELECT array_agg(encode(checksum, 'hex') ORDER BY version) FROM _sqlx_migrations",
    );
    let embedded: Vec<&str> = migrations
        .iter()
        .map(|one| one["sha"].as_str().unwrap())
        .collect();
    assert_eq!(applied, embedded);
}

/// As a newer release leaves it behind: migration 9 took something from every release before migration `floor`.
fn contract(database: &Database, floor: i64) {
    database
        .execute(&format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9, 'from the future', true, '\\x00', 0);
             INSERT INTO schema_floor (version, floor) VALUES (9, {floor})"
        ))
        .unwrap();
}

#[test]
fn a_release_runs_on_a_newer_schema_down_to_its_floor() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    contract(&database, 7);
    assert_eq!(citrino(&database, &["migrate", "--check"]).code, 0);
    assert_eq!(citrino(&database, &["load", "--demo", "--check"]).code, 0);
    let app = App::start(&database);
    let ready = app.get("/api/ready");
    assert_eq!(ready.status, 200, "{}", ready.text);

    database
        .execute("UPDATE schema_floor SET floor = 8 WHERE version = 9")
        .unwrap();
    let ready = app.get("/api/ready");
    assert_eq!(ready.status, 503);
    assert_eq!(
        ready.json()["motivos"],
        json!([
            "El esquema ya no admite esta versión: exige la migración 0008, y esta llega a la 0007."
        ])
    );
    for verb in [
        &["migrate", "--check"][..],
        &["migrate"],
        &["load", "--demo"],
    ] {
        let run = citrino(&database, verb);
        assert_eq!(run.code, 1, "{verb:?}");
        assert!(
            run.err
                .contains("too old for the schema: the schema needs migration 0008"),
            "{}",
            run.err
        );
    }
    assert_eq!(status(&database)["floor"], 8);
    // It starts all the same: the reason is told by /api/ready, and not by a restart loop.
    let late = App::start(&database);
    assert_eq!(late.get("/api/health").status, 200);
    assert_eq!(late.get("/api/ready").status, 503);

    let down = citrino(&database, &["migrate", "--down-to", "4"]);
    assert_eq!(down.code, 1);
    assert!(
        down.err
            .contains("migration 0009 was applied by another release"),
        "{}",
        down.err
    );
}

#[test]
fn a_migration_that_waits_in_vain_says_for_whom() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let back = citrino(&database, &["migrate", "--down-to", "2", "--lose-data"]);
    assert_eq!(back.code, 0, "{}", back.err);
    let run = block_on(async {
        let mut reader = database.connect().await;
        sqlx::raw_sql("SET application_name = 'informe mensual'; BEGIN; UPDATE propiedades SET titulo = titulo")
            .execute(&mut reader)
            .await
            .unwrap();
        let run = citrino(&database, &["migrate"]);
        sqlx::raw_sql("ROLLBACK")
            .execute(&mut reader)
            .await
            .unwrap();
        run
    });
    assert_eq!(run.code, 1);
    assert!(
        run.err.contains("0003_indices_de_recomendacion waited for a lock and gave up; the lock is held by informe mensual of citrino (pid ")
            && run.err.contains("idle in transaction, since 20"),
        "{}",
        run.err
    );
    assert_eq!(status(&database)["applied"], json!([1, 2]));
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
}

#[test]
fn a_newer_schema_is_left_alone_and_an_edited_one_refused() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    database
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'from the future', true, '\\x00', 0)",
        )
        .unwrap();
    assert_eq!(citrino(&database, &["migrate", "--check"]).code, 0);
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    database
        .execute("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1")
        .unwrap();
    let run = citrino(&database, &["migrate"]);
    assert_eq!(run.code, 1);
    assert!(
        run.err
            .contains("0001 differs from the text that was applied"),
        "{}",
        run.err
    );
}
