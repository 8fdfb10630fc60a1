//! `POST /api/recomendar`: its distances against plain SQL, its scores against a slow reference.

use serde_json::{Value, json};

use crate::app::{App, citrino};
use crate::cluster::Database;
use crate::reference::{self, Ranked};

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

/// Whatever the radius, an answer scores by the services that it tells: what it calls near is near, and the other way round.
#[test]
fn what_is_scored_is_what_is_told_at_every_radius() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    for (radius_m, radius) in [(500, 500.0), (1000, 1000.0), (2000, 2000.0)] {
        let asked = |offset: usize| json!({"radio_m": radius_m, "necesidades": ["seguridad", "salud"], "limite": 100, "offset": offset});
        let items: Vec<Value> = (0..10)
            .flat_map(|page| recommend(&app, &asked(100 * page)))
            .collect();
        let placed: Vec<&Value> = items
            .iter()
            .filter(|item| !item["servicios_cercanos"].is_null())
            .collect();
        let far = |item: &&&Value| {
            item["servicios_cercanos"]["seguridad"]["mas_cercano_m"].as_f64() > Some(1000.0)
        };
        assert!(placed.len() > 50, "{radius}");
        assert_eq!(
            placed.iter().any(|item| far(&item)),
            radius > 1000.0,
            "{radius}"
        );
        for item in placed {
            let value = |category: &str| {
                let metres = item["servicios_cercanos"][category]["mas_cercano_m"].as_f64();
                metres.map_or(0.0, |metres| {
                    ((radius - metres) / (0.75 * radius)).clamp(0.0, 1.0)
                })
            };
            let expected = f64::midpoint(value("seguridad"), value("salud"));
            let parts = item["desglose"].as_array().unwrap();
            let told = parts.iter().find(|part| part["componente"] == "servicios");
            assert!(
                close(&told.unwrap()["valor"], expected, 0.006),
                "{radius}: {told:?} is not {expected}"
            );
        }
    }
}

#[test]
fn the_ranking_is_that_of_a_slow_reference() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let rows = reference::rows(&database);
    for body in [
        json!({}),
        json!({"presupuesto_max": 150_000}),
        json!({"zona_preferida": "equipetrol", "presupuesto_max": 200_000}),
        json!({"presupuesto_max": 120_000, "adultos": 2, "ninos": [4, 9, 11]}),
        json!({"adultos": 1, "adultos_mayores": 0}),
        json!({"ninos": [1]}),
        json!({"tipo_propiedad": "terreno", "adultos": 3}),
        json!({"tipo_propiedad": "departamento", "habitaciones_min": 2}),
        json!({"radio_m": 500}),
        json!({"radio_m": 2000, "adultos": 2}),
        // At the edge of the city, where much is further than a kilometre.
        json!({"radio_m": 2000, "zona_preferida": "La Guardia / Doble Vía"}),
    ] {
        let expected = reference::ranked(&rows, &body);
        let mut asked = body.clone();
        asked["limite"] = json!(100);
        let answer = app.post("/api/recomendar", &asked).json();
        assert_eq!(answer["total_recomendaciones"], expected.len(), "{body}");
        let told: Vec<Ranked> = answer["recomendaciones"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| {
                let id = item["id"].as_i64().unwrap();
                (item["compatibilidad"].as_f64(), item["precio"].as_f64(), id)
            })
            .collect();
        assert_eq!(told, expected[..expected.len().min(100)], "{body}");
    }
}

#[test]
fn a_score_comes_near_to_100_and_explains_itself() {
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
            let score = item["compatibilidad"].as_f64().unwrap();
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
                let unknown = item["sin_datos"].as_array().unwrap();
                assert!(!unknown.contains(&part["componente"]) || part["puntos"] == 0.0);
            }
            assert_eq!(
                item["coherencia"] == "comprobada",
                item["dudas"] == json!([]),
                "{item}"
            );
            assert_eq!(
                item["cobertura"] == 100.0,
                item["sin_datos"] == json!([]),
                "{item}"
            );
        }
    }
    // What reaches it needs the very best price on the market (`catalog/ranking/tests.rs`).
    assert!((99.0..=100.0).contains(&best), "the best score is {best}");
}

#[test]
fn an_implausible_listing_is_flagged_and_silence_does_not_help_it() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let write = |sql: &str| database.execute(sql).unwrap();
    write(
        "INSERT INTO propiedades (id, titulo, tipo_propiedad, precio_usd, precio_original, superficie_construida,
            num_dormitorios, zona, coordenadas, fuente, codigo)
         VALUES (900001, 'x', 'departamento', 5000, 5000, 100, 2, 'Equipetrol', 'POINT(-63.1973 -17.7657)', 'prueba', 'x')",
    );
    let app = App::start(&database);
    let own = || {
        let wish = json!({"zona_preferida": "Equipetrol", "tipo_propiedad": "departamento", "limite": 100});
        let items = recommend(&app, &wish);
        let place = items.iter().position(|item| item["id"] == 900_001).unwrap();
        (place, items[place].clone())
    };
    let (place, lie) = own();
    assert_eq!(lie["coherencia"], "dudosa");
    assert!(lie["dudas"][0].as_str().unwrap().contains("mucho menor"));
    assert!(place >= 10, "it is row {place}: {lie}");
    for silence in ["superficie_construida", "num_dormitorios"] {
        write(&format!(
            "UPDATE propiedades SET {silence} = NULL WHERE id = 900001"
        ));
        let (_, silent) = own();
        assert!(
            silent["compatibilidad"].as_f64() <= lie["compatibilidad"].as_f64(),
            "{silent}"
        );
        write(
            "UPDATE propiedades SET superficie_construida = 100, num_dormitorios = 2 WHERE id = 900001",
        );
    }
    write(
        "UPDATE propiedades SET num_dormitorios = 6, precio_usd = 150000, precio_original = 150000 WHERE id = 900001",
    );
    assert_eq!(own().1["coherencia"], "dudosa");
    write("UPDATE propiedades SET num_dormitorios = NULL WHERE id = 900001");
    assert_eq!(own().1["coherencia"], "sin_comprobar");
    write("UPDATE propiedades SET num_dormitorios = 2 WHERE id = 900001");
    let (place, honest) = own();
    assert_eq!(
        (&honest["coherencia"], &honest["dudas"]),
        (&json!("comprobada"), &json!([]))
    );
    assert!(place < 10, "it is row {place}: {honest}");
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
