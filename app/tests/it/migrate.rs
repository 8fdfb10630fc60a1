//! `migrate` and its codes.

use crate::app::citrino;
use crate::cluster::Database;

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
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
    let mut downs: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".down.sql"))
        .collect();
    downs.sort();
    for path in downs.iter().rev() {
        let sql = std::fs::read_to_string(path).unwrap();
        database
            .execute(&format!("BEGIN; {sql}; COMMIT"))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    assert_eq!(database.scalar::<i64>(objects), 0);
    assert_eq!(database.scalar::<i64>(functions), 0);
    database.execute("DELETE FROM _sqlx_migrations").unwrap();
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
}

#[test]
fn every_migration_bounds_its_waiting() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let sql = std::fs::read_to_string(&path).unwrap();
            assert!(
                sql.contains("SET LOCAL lock_timeout")
                    && sql.contains("SET LOCAL statement_timeout"),
                "{path:?}"
            );
        }
    }
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
        run.err.contains("0001 was applied with another text"),
        "{}",
        run.err
    );
}
