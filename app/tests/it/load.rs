//! `load --demo`: deterministic, idempotent, and able to tell.

use crate::app::citrino;
use crate::cluster::Database;

/// A digest of every row, ids and times included.
fn digest(database: &Database) -> String {
    let table =
        |name: &str| format!("(SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM {name} t)");
    database.scalar(&format!(
        "SELECT {} || {} || {}",
        table("agentes"),
        table("servicios"),
        table("propiedades")
    ))
}

/// A digest of what a listing says, without ids and times.
fn content(database: &Database) -> String {
    database.scalar(
        "SELECT md5(string_agg(concat_ws('|', codigo, titulo, precio_usd, zona, coordenadas::text, distancias_m::text), ','
                               ORDER BY codigo)) FROM propiedades",
    )
}

#[test]
fn a_second_load_changes_nothing() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    assert_eq!(citrino(&database, &["load", "--demo", "--check"]).code, 3);
    assert_eq!(
        database.scalar::<i64>("SELECT count(*) FROM propiedades"),
        0
    );
    let first = citrino(&database, &["load", "--demo"]);
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(
        first
            .out
            .contains("before: agentes 0, servicios 0, propiedades 0"),
        "{}",
        first.out
    );
    assert!(
        first
            .out
            .contains("after: agentes 150, servicios 4777, propiedades 1588"),
        "{}",
        first.out
    );
    let loaded = digest(&database);
    assert_eq!(citrino(&database, &["load", "--demo", "--check"]).code, 0);
    let second = citrino(&database, &["load", "--demo"]);
    assert_eq!(second.code, 0);
    assert!(
        second
            .out
            .contains("propiedades: 0 inserted, 0 updated, 0 removed"),
        "{}",
        second.out
    );
    assert_eq!(digest(&database), loaded);
}

#[test]
fn the_same_seed_gives_the_same_rows_in_another_database() {
    let (Some(one), Some(other)) = (Database::loaded(), Database::loaded_copy()) else {
        return;
    };
    assert_eq!(content(&one), content(&other));
    assert_eq!(
        citrino(&other, &["load", "--demo", "--seed", "7", "--check"]).code,
        3
    );
    assert_eq!(citrino(&other, &["load", "--demo", "--seed", "7"]).code, 0);
    assert_ne!(content(&one), content(&other));
    assert_eq!(citrino(&other, &["load", "--demo"]).code, 0);
    assert_eq!(content(&one), content(&other));
}

#[test]
fn edits_are_told_and_undone_and_other_sources_left_alone() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let loaded = content(&database);
    database
        .execute(
            "UPDATE propiedades SET precio_usd = 1, precio_original = 1, moneda = 'USD' WHERE codigo = 'P-00005';
             DELETE FROM servicios WHERE codigo = 'S-00003';
             INSERT INTO servicios (nombre, categoria, fuente, codigo) VALUES ('x', 'otros', 'demo', 'S-99999'),
                                                                              ('y', 'otros', 'propia', '1')",
        )
        .unwrap();
    let check = citrino(&database, &["load", "--demo", "--check"]);
    assert_eq!(check.code, 3);
    assert!(
        check
            .out
            .contains("servicios: 1 missing, 0 different, 1 too many"),
        "{}",
        check.out
    );
    assert!(
        check
            .out
            .contains("propiedades: 0 missing, 1 different, 0 too many"),
        "{}",
        check.out
    );
    assert_eq!(citrino(&database, &["load", "--demo"]).code, 0);
    assert_eq!(content(&database), loaded);
    assert_eq!(
        database.scalar::<i64>("SELECT count(*) FROM servicios WHERE fuente = 'propia'"),
        1
    );
}

#[test]
fn without_a_schema_it_says_what_to_do() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let run = citrino(&database, &["load", "--demo"]);
    assert_eq!(run.code, 1);
    assert!(
        run.err.contains("run citrino-app migrate first"),
        "{}",
        run.err
    );
}
