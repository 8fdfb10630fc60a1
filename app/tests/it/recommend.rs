//! `POST /api/recomendar`: its distances against plain SQL, its scores against a slow reference.

use serde_json::{Value, json};

use crate::app::{App, citrino};
use crate::cluster::Database;
use crate::reference::{ranking, rows, score};

const CATEGORIES: [&str; 9] = [
    "educacion",
    "salud",
    "comercio",
    "transporte",
    "seguridad",
    "recreacion",
    "finanzas",
    "gobierno",
    "otros",
];

#[test]
fn distances_are_those_of_an_independent_query() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    for radius in [500, 1000, 2000] {
        let items = recommend(
            &app,
            &json!({"zona_preferida": "Equipetrol", "radio_m": radius}),
        );
        assert_eq!(items.len(), 10);
        for item in &items {
            let (lat, lng) = (&item["coordenadas"]["lat"], &item["coordenadas"]["lng"]);
            if lat.is_null() {
                assert!(item["servicios_cercanos"].is_null());
                continue;
            }
            // Without the index, the lateral join or the property's row: from the coordinates that the answer gives.
            let expected: Vec<(String, i64, f64, f64)> = database.rows(&format!(
                "SELECT categoria::text, count(*), avg(m), min(m) FROM (
                    SELECT categoria, ST_Distance(coordenadas, ST_SetSRID(ST_MakePoint({lng}, {lat}), 4326)::geography) AS m
                    FROM servicios WHERE coordenadas IS NOT NULL) AS d
                 WHERE m <= {radius} GROUP BY categoria"
            ));
            for category in CATEGORIES {
                let told = &item["servicios_cercanos"][category];
                let Some((_, count, mean, nearest)) = expected.iter().find(|row| row.0 == category)
                else {
                    assert_eq!(
                        told,
                        &json!({"cantidad": 0, "media_m": null, "mas_cercano_m": null})
                    );
                    continue;
                };
                assert_eq!(told["cantidad"], *count);
                assert!(
                    close(&told["media_m"], *mean, 0.051),
                    "{category}: {told} is not {mean}"
                );
                assert!(
                    close(&told["mas_cercano_m"], *nearest, 0.051),
                    "{category}: {told} is not {nearest}"
                );
            }
        }
    }
}

#[test]
fn the_ranking_is_that_of_a_slow_reference() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let rows = rows(&database);
    let cases = [
        (json!({}), None, None, None),
        (
            json!({"presupuesto_max": 150_000}),
            None,
            Some(150_000.0),
            None,
        ),
        (
            json!({"zona_preferida": "equipetrol", "presupuesto_max": 200_000}),
            Some("Equipetrol"),
            Some(200_000.0),
            None,
        ),
        (
            json!({"presupuesto_max": 120_000, "adultos": 2, "ninos": [4, 9, 11]}),
            None,
            Some(120_000.0),
            Some((125.0, 3.0)),
        ),
        (
            json!({"adultos": 1, "adultos_mayores": 0}),
            None,
            None,
            Some((60.0, 1.0)),
        ),
        (json!({"ninos": [1]}), None, None, Some((60.0, 2.0))),
    ];
    for (body, zone, most, family) in cases {
        let mut expected: Vec<(Option<f64>, Option<f64>, i64)> = rows
            .iter()
            .filter(|row| row.operacion == "venta" && row.estado == "disponible")
            .filter(|row| zone.is_none_or(|zone| row.zona.as_deref() == Some(zone)))
            .filter(|row| most.is_none_or(|most| row.precio.is_some_and(|price| price <= most)))
            .map(|row| (score(row, most, family), row.precio, row.id))
            .collect();
        expected.sort_by(ranking);
        let mut asked = body.clone();
        asked["limite"] = json!(100);
        let answer = app.post("/api/recomendar", &asked).json();
        assert_eq!(answer["total_recomendaciones"], expected.len(), "{body}");
        let items = answer["recomendaciones"].as_array().unwrap();
        assert_eq!(items.len(), expected.len().min(100), "{body}");
        for (item, (score, price, id)) in items.iter().zip(&expected) {
            let told = (
                item["compatibilidad"].as_f64(),
                item["precio"].as_f64(),
                item["id"].as_i64(),
            );
            assert_eq!(told, (*score, *price, Some(*id)), "{body}");
        }
    }
}

#[test]
fn a_score_reaches_100_and_explains_itself() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let mut best: f64 = 0.0;
    for body in [
        json!({}),
        json!({"presupuesto_max": 300_000, "adultos": 2}),
        json!({"zona_preferida": "Urubó", "limite": 100}),
    ] {
        for item in recommend(&app, &body) {
            let Some(score) = item["compatibilidad"].as_f64() else {
                assert_eq!(item["desglose"], json!([]));
                continue;
            };
            assert!((0.0..=100.0).contains(&score));
            best = best.max(score);
            let sum = |key: &str| {
                item["desglose"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|part| part[key].as_f64().unwrap())
                    .sum::<f64>()
            };
            assert!((sum("puntos") - score).abs() < 0.08, "{item}");
            assert!((sum("peso") - 100.0).abs() < 0.03, "{item}");
            for part in item["desglose"].as_array().unwrap() {
                assert!((0.0..=1.0).contains(&part["valor"].as_f64().unwrap()));
                assert!(
                    !item["sin_datos"]
                        .as_array()
                        .unwrap()
                        .contains(&part["componente"])
                );
            }
            assert_eq!(
                item["cobertura"] == 100.0,
                item["sin_datos"] == json!([]),
                "{item}"
            );
        }
    }
    assert!(
        (best - 100.0).abs() < f64::EPSILON,
        "the best score is {best}"
    );
}

#[test]
fn filters_are_hard_and_defaults_are_for_sale() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let nothing = app
        .post(
            "/api/recomendar",
            &json!({"presupuesto_min": 1, "presupuesto_max": 2}),
        )
        .json();
    assert_eq!(
        (
            &nothing["total_recomendaciones"],
            &nothing["recomendaciones"]
        ),
        (&json!(0), &json!([]))
    );
    let body = json!({"zona_preferida": "Centro", "tipo_propiedad": "Departamento", "presupuesto_min": 60000,
                      "presupuesto_max": 120_000, "limite": 100});
    let items = recommend(&app, &body);
    assert!(!items.is_empty());
    for item in items {
        assert_eq!(
            (&item["zona"], &item["tipo_propiedad"]),
            (&json!("Centro"), &json!("departamento"))
        );
        assert_eq!(
            (&item["operacion"], &item["estado"]),
            (&json!("venta"), &json!("disponible"))
        );
        assert!((60_000.0..=120_000.0).contains(&item["precio"].as_f64().unwrap()));
    }
    let exact: f64 = database.scalar(
        "SELECT min(precio_usd)::float8 FROM propiedades WHERE operacion = 'venta' AND estado_propiedad = 'disponible'",
    );
    assert!(
        !recommend(
            &app,
            &json!({"presupuesto_min": exact, "presupuesto_max": exact})
        )
        .is_empty()
    );
    let rents = recommend(
        &app,
        &json!({"operacion": "alquiler", "presupuesto_max": 800}),
    );
    assert!(rents.iter().all(|item| item["operacion"] == "alquiler"));
}

#[test]
fn each_further_filter_leaves_what_sql_leaves() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    database
        .execute("UPDATE propiedades SET uv = 'UV-' || id % 7, manzana = CASE WHEN id % 3 > 0 THEN 'Mza. Ñ' || id % 5 END")
        .unwrap();
    let app = App::start(&database);
    let cases = [
        (json!({}), "true"),
        (json!({"operacion": "alquiler"}), "operacion = 'alquiler'"),
        (json!({"tipo_propiedad": "casa"}), "tipo_propiedad = 'casa'"),
        (json!({"presupuesto_min": 90_000}), "precio_usd >= 90000"),
        (
            json!({"presupuesto_min": 90_000, "presupuesto_max": 120_000}),
            "precio_usd BETWEEN 90000 AND 120000",
        ),
        (json!({"unidad_vecinal": "uv-3"}), "uv = 'UV-3'"),
        (json!({"manzana": "n4"}), "manzana = 'Mza. Ñ4'"),
        (
            json!({"disponibilidad_dias": 36_500}),
            "fecha_publicacion IS NOT NULL",
        ),
    ];
    for (wish, filter) in cases {
        let operation = if wish["operacion"].is_null() {
            "AND operacion = 'venta'"
        } else {
            ""
        };
        let expected: i64 = database.scalar(&format!(
            "SELECT count(*) FROM propiedades WHERE estado_propiedad = 'disponible' {operation} AND {filter}"
        ));
        let answer = app.post("/api/recomendar", &wish).json();
        assert!(expected > 0, "{wish}");
        assert_eq!(answer["total_recomendaciones"], expected, "{wish}");
    }
    // Published this very day, in UTC: within 0 days; the day before: not.
    database
        .execute(
            "UPDATE propiedades SET fecha_publicacion = (now() AT TIME ZONE 'UTC')::date - (id % 2)::int WHERE id <= 10",
        )
        .unwrap();
    let fresh = |days: i64| {
        let wish = json!({"disponibilidad_dias": days});
        app.post("/api/recomendar", &wish).json()["total_recomendaciones"].as_i64()
    };
    assert!(fresh(0) < fresh(1));
}

#[test]
fn pages_and_thresholds_cut_the_same_ranking() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let ids = |body: Value| -> Vec<i64> {
        recommend(&app, &body)
            .iter()
            .map(|item| item["id"].as_i64().unwrap())
            .collect()
    };
    let whole = ids(json!({"zona_preferida": "Centro", "limite": 30}));
    let mut joined = ids(json!({"zona_preferida": "Centro", "limite": 15}));
    joined.extend(ids(
        json!({"zona_preferida": "Centro", "limite": 15, "offset": 15}),
    ));
    assert_eq!(whole, joined);
    let beyond = app
        .post(
            "/api/recomendar",
            &json!({"zona_preferida": "Centro", "offset": 5000}),
        )
        .json();
    assert_eq!(beyond["cantidad"], 0);
    assert!(beyond["total_recomendaciones"].as_i64().unwrap() > 30);
    let good = recommend(&app, &json!({"umbral_minimo": 0.9, "limite": 100}));
    assert!(
        !good.is_empty()
            && good
                .iter()
                .all(|item| item["compatibilidad"].as_f64().unwrap() >= 90.0)
    );
}

#[test]
fn the_query_uses_the_index_of_services() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let run = citrino(&database, &["explain", "--zona", "equipetrol"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.out
            .contains("Index Scan using idx_servicios_coordenadas on servicios"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains(" using propiedades_pkey on propiedades p")
            && run
                .out
                .contains(" using idx_propiedades_cambio on propiedades"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("Buffers:") && run.out.contains("Execution Time"),
        "{}",
        run.out
    );
    assert!(!run.out.contains("Seq Scan on servicios"), "{}", run.out);
    assert_eq!(
        citrino(&database, &["explain", "--zona", "nowhere"]).code,
        2
    );
}

fn recommend(app: &App, body: &Value) -> Vec<Value> {
    let answer = app.post("/api/recomendar", body);
    assert_eq!(answer.status, 200, "{body}: {}", answer.text);
    answer.json()["recomendaciones"].as_array().unwrap().clone()
}

fn close(value: &Value, expected: f64, tolerance: f64) -> bool {
    value
        .as_f64()
        .is_some_and(|value| (value - expected).abs() <= tolerance)
}
