//! What the schema refuses, and the distances that it keeps.

use crate::app::citrino;
use crate::cluster::Database;

#[test]
fn wrong_rows_are_refused() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let property = |columns: &str, values: &str| {
        format!(
            "INSERT INTO propiedades (titulo, tipo_propiedad, fuente, codigo{columns}) VALUES ('x', 'casa', 'p', 'a'{values})"
        )
    };
    let refused = [
        (property(", precio_usd, precio_original", ", 0, 0"), "precio_"),
        (property(", precio_usd, precio_original", ", -1, -1"), "precio_"),
        (property(", precio_usd", ", 5"), "propiedades_check"),
        (property(", precio_usd, precio_original, moneda", ", 5, 6, 'USD'"), "propiedades_check"),
        (property(", moneda", ", 'EUR'"), "moneda"),
        (property(", operacion", ", 'trueque'"), "operacion"),
        (property(", superficie_total", ", 0"), "superficie_total"),
        (property(", coordenadas", ", 'POINT(-63.1 -17.7 3)'"), "dimension"),
        ("INSERT INTO servicios (nombre, categoria, fuente, codigo) VALUES ('x', 'abastecimiento', 'p', 'a')".to_owned(), "categoria"),
    ];
    for (sql, word) in refused {
        let error = database.execute(&sql).expect_err(&sql);
        assert!(error.contains(word), "{sql}: {error}");
    }
    database.execute(&property("", "")).unwrap();
    let again = database.execute(&property("", "")).unwrap_err();
    assert!(again.contains("fuente_codigo"), "{again}");
}

#[test]
fn zones_are_folded() {
    let Some(database) = Database::loaded() else {
        return;
    };
    for (text, folded) in [
        ("Urubó", "urubo"),
        ("  ÑUFLO   de Chávez ", "nuflo de chavez"),
        ("Av. Güemes", "av. guemes"),
    ] {
        assert_eq!(
            database.scalar::<String>(&format!("SELECT normalizar('{text}')")),
            folded
        );
    }
}

/// How many properties keep figures that are not the measured ones. The nearest are measured in two ways; those up to 2000 m for
/// one property in eight, which takes long enough.
const STALE: &str = "SELECT count(*) FROM propiedades p, LATERAL cercania_de(p.coordenadas) AS c
     WHERE p.distancias_m IS DISTINCT FROM distancias_a_servicios(p.coordenadas)
        OR (p.distancias_m, p.cantidades_1000m, p.medias_1000m)
           IS DISTINCT FROM (c.distancias_m, c.cantidades_1000m, c.medias_1000m)
        OR p.cercanos_2000m IS NULL AND p.coordenadas IS NOT NULL
        OR p.id % 8 = 0 AND p.coordenadas IS NOT NULL AND p.cercanos_2000m IS DISTINCT FROM (
            SELECT array_agg(nearest.metres ORDER BY k.id) FROM categorias_servicios k LEFT JOIN (
                SELECT s.categoria, min(ST_Distance(s.coordenadas, p.coordenadas)) AS metres FROM servicios s
                WHERE ST_DWithin(s.coordenadas, p.coordenadas, 2000) GROUP BY s.categoria
            ) AS nearest ON nearest.categoria = k.codigo)";

#[test]
fn distances_follow_every_change() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    assert_eq!(database.scalar::<i64>(STALE), 0);
    let point = "ST_SetSRID(ST_MakePoint(-63.1973, -17.7657), 4326)::geography";
    let changes = [
        format!(
            "INSERT INTO servicios (nombre, categoria, fuente, codigo, coordenadas) VALUES ('x', 'otros', 'p', '1', {point})"
        ),
        "UPDATE servicios SET categoria = 'seguridad' WHERE fuente = 'p'".to_owned(),
        "UPDATE servicios SET coordenadas = NULL WHERE fuente = 'p'".to_owned(),
        format!("UPDATE servicios SET coordenadas = {point} WHERE id % 50 = 0"),
        "DELETE FROM servicios WHERE id % 40 = 1".to_owned(),
        format!("UPDATE propiedades SET coordenadas = {point} WHERE id % 100 = 0"),
        "UPDATE propiedades SET coordenadas = NULL WHERE id % 100 = 1".to_owned(),
    ];
    let before: i64 =
        database.scalar("SELECT count(*) FROM propiedades WHERE distancias_m IS NULL");
    for change in changes {
        database.execute(&change).unwrap();
        assert_eq!(database.scalar::<i64>(STALE), 0, "{change}");
    }
    assert!(
        database.scalar::<i64>("SELECT count(*) FROM propiedades WHERE distancias_m IS NULL")
            > before
    );
    // What was there before the schema kept them is measured by the migration.
    for verb in [
        &["migrate", "--down-to", "6", "--lose-data"][..],
        &["migrate"],
    ] {
        let run = citrino(&database, verb);
        assert_eq!(run.code, 0, "{}", run.err);
    }
    assert_eq!(database.scalar::<i64>(STALE), 0);
    database.execute("TRUNCATE servicios").unwrap();
    assert_eq!(database.scalar::<i64>(STALE), 0);
}
