//! `POST /api/buscar` and `GET /api/propiedades/{id}` against plain SQL.

use serde_json::{Value, json};

use crate::app::App;
use crate::cluster::Database;

#[test]
fn each_filter_finds_what_sql_finds() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let surface = "coalesce(superficie_construida, superficie_total)";
    let cases: &[(Value, &str)] = &[
        (json!({}), "true"),
        (json!({"zona": null, "tipo_propiedad": ""}), "true"),
        (json!({"zona": "  URUBÓ "}), "zona = 'Urubó'"),
        (json!({"zona": "urubo"}), "zona = 'Urubó'"),
        (json!({"zona": "zona"}), "zona LIKE 'Zona %'"),
        (json!({"precio_max": 0}), "precio_usd <= 0"),
        (json!({"precio_max": 60000}), "precio_usd <= 60000"),
        (
            json!({"precio_min": 60000, "precio_max": 60000}),
            "precio_usd = 60000",
        ),
        (json!({"precio_min": 100_000.5}), "precio_usd >= 100000.5"),
        (
            json!({"tipo_propiedad": "Galpón"}),
            "tipo_propiedad = 'galpon'",
        ),
        (
            json!({"operacion": "Anticrético"}),
            "operacion = 'anticretico'",
        ),
        (json!({"unidad_vecinal": "uv 1"}), "uv LIKE 'UV 1%'"),
        (json!({"manzana": "5"}), "manzana LIKE '%5%'"),
        (
            json!({"superficie_min": 100, "superficie_max": 200}),
            "SURFACE BETWEEN 100 AND 200",
        ),
        (
            json!({"habitaciones_min": 3, "banos_min": 2}),
            "num_dormitorios >= 3 AND num_banos >= 2",
        ),
        (
            json!({"habitaciones_max": 2, "banos_max": 1}),
            "num_dormitorios <= 2 AND num_banos <= 1",
        ),
        (json!({"tiene_garaje": true}), "num_garajes > 0"),
        (json!({"tiene_garaje": false}), "num_garajes = 0"),
        (
            json!({"zona": "Equipetrol", "tipo_propiedad": "departamento", "operacion": "alquiler", "precio_max": 900}),
            "zona = 'Equipetrol' AND tipo_propiedad = 'departamento' AND operacion = 'alquiler' AND precio_usd <= 900",
        ),
    ];
    for (body, condition) in cases {
        let condition = condition.replace("SURFACE", surface);
        let answer = app.post("/api/buscar", body);
        assert_eq!(answer.status, 200, "{body}: {}", answer.text);
        let answer = answer.json();
        let total: i64 = database.scalar(&format!(
            "SELECT count(*) FROM propiedades WHERE {condition}"
        ));
        assert_eq!(answer["total_resultados"], total, "{body}");
        let ids: Vec<(i64,)> = database.rows(&format!(
            "SELECT id FROM propiedades WHERE {condition} ORDER BY id LIMIT 20"
        ));
        assert_eq!(
            ids_of(&answer),
            ids.into_iter().map(|(id,)| id).collect::<Vec<_>>(),
            "{body}"
        );
    }
}

#[test]
fn pages_join_to_the_whole_in_every_order() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    for order in [
        "id",
        "precio_asc",
        "precio_desc",
        "superficie_desc",
        "recientes",
    ] {
        let mut all = Vec::new();
        for offset in (0..1700).step_by(100) {
            let answer = app
                .post(
                    "/api/buscar",
                    &json!({"orden": order, "limite": 100, "offset": offset}),
                )
                .json();
            assert_eq!(answer["total_resultados"], 1588);
            all.extend(ids_of(&answer));
        }
        assert_eq!(all.len(), 1588, "{order}");
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 1588, "{order} repeats rows");
    }
}

#[test]
fn what_is_unknown_is_null() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let id: i64 = database.scalar("SELECT min(id) FROM propiedades WHERE coordenadas IS NULL");
    let body = app.get(&format!("/api/propiedades/{id}")).json();
    assert_eq!(
        (&body["coordenadas"], &body["servicios"]),
        (&Value::Null, &Value::Null)
    );
    let id: i64 = database.scalar("SELECT min(id) FROM propiedades WHERE precio_usd IS NULL");
    assert_eq!(
        app.get(&format!("/api/propiedades/{id}")).json()["precio"],
        Value::Null
    );
}

#[test]
fn a_property_comes_with_its_services() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let id: i64 = database.scalar(
        "SELECT min(id) FROM propiedades WHERE zona = 'Urbari' AND coordenadas IS NOT NULL",
    );
    let body = app
        .get(&format!("/api/propiedades/{id}?radio_m=500"))
        .json();
    let expected: Vec<(i64, f64)> = database.rows(&format!(
        "SELECT s.id, ST_Distance(s.coordenadas, p.coordenadas) AS metros FROM servicios s, propiedades p
         WHERE p.id = {id} AND ST_Distance(s.coordenadas, p.coordenadas) <= 500 ORDER BY metros, s.id LIMIT 200"
    ));
    assert!(!expected.is_empty());
    let services = body["servicios"].as_array().unwrap();
    assert_eq!(services.len(), expected.len());
    for (service, (id, metres)) in services.iter().zip(expected) {
        assert_eq!(service["id"], id);
        assert!(
            (service["distancia_m"].as_f64().unwrap() - metres).abs() <= 0.051,
            "{service}"
        );
    }
}

fn ids_of(answer: &Value) -> Vec<i64> {
    answer["propiedades"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_i64().unwrap())
        .collect()
}
