//! Statistics, zones, the catalogue around a place, and the names that the original's front end asks.

use serde_json::{Value, json};

use crate::app::App;
use crate::cluster::Database;

#[test]
fn statistics_are_those_of_plain_sql() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    for operation in ["venta", "alquiler", "anticretico"] {
        let answer = app
            .get(&format!("/api/estadisticas?operacion={operation}"))
            .json();
        let told = &answer["estadisticas"];
        let (count, unpriced, mean, median, quartile): (i64, i64, f64, f64, f64) = database
            .rows(&format!(
                "SELECT count(*), count(*) - count(precio_usd), round(avg(precio_usd), 2)::float8,
                        percentile_cont(0.5) WITHIN GROUP (ORDER BY precio_usd),
                        percentile_cont(0.75) WITHIN GROUP (ORDER BY precio_usd)
                 FROM propiedades WHERE operacion = '{operation}'"
            ))
            .remove(0);
        assert_eq!(told["total_propiedades"], 1588);
        assert_eq!(
            (&told["cantidad"], &told["sin_precio"]),
            (&json!(count), &json!(unpriced))
        );
        assert_eq!(told["precio_promedio"], mean);
        assert_eq!(
            (&told["precio_mediano"], &told["precio_cuartil_3"]),
            (&json!(median), &json!(quartile))
        );
        let classes = told["distribucion_precios"].as_array().unwrap();
        let names: Vec<&str> = classes
            .iter()
            .map(|class| class["rango"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "0-50k",
                "50k-100k",
                "100k-150k",
                "150k-200k",
                "200k-300k",
                "300k+"
            ]
        );
        for class in classes {
            let most = class["hasta"].as_i64().unwrap_or(i64::MAX / 1000);
            let expected: i64 = database.scalar(&format!(
                "SELECT count(*) FROM propiedades WHERE operacion = '{operation}'
                 AND precio_usd >= {} AND precio_usd < {most}",
                class["desde"]
            ));
            assert_eq!(class["cantidad"], expected, "{class}");
        }
        let zones: Vec<(String, i64)> = database.rows(&format!(
            "SELECT zona::text, count(*) FROM propiedades WHERE operacion = '{operation}' AND zona IS NOT NULL
             GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10"
        ));
        let told: Vec<(String, i64)> = told["distribucion_zonas"]
            .as_array()
            .unwrap()
            .iter()
            .map(|zone| {
                (
                    zone["nombre"].as_str().unwrap().to_owned(),
                    zone["cantidad"].as_i64().unwrap(),
                )
            })
            .collect();
        assert_eq!(told, zones);
    }
}

#[test]
fn zones_have_counts_and_centres() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let answer = App::start(&database).get("/api/zonas").json();
    let names: Vec<&str> = answer["zonas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(names.contains(&"Equipetrol") && !names.contains(&"sin_zona"));
    assert_eq!(answer["total_zonas"], names.len());
    for zone in answer["detalle"].as_array().unwrap() {
        let name = zone["zona"].as_str().unwrap();
        let (count, lat): (i64, f64) = database
            .rows(&format!(
                "SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY ST_Y(coordenadas::geometry))
                 FROM propiedades WHERE zona = '{name}'"
            ))
            .remove(0);
        assert_eq!(zone["cantidad"], count, "{name}");
        assert!((zone["centro"]["lat"].as_f64().unwrap() - lat).abs() < 1e-9);
    }
}

#[test]
fn an_answer_that_is_known_is_not_sent_again() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let app = App::start_with(&database.url(), "cache_s: 7\n");
    for (path, keep) in [
        ("/api/zonas", "no-cache"),
        ("/api/estadisticas", "no-cache"),
        ("/api/servicios", "public, max-age=7"),
    ] {
        let first = app.get(path);
        let tag = first.header("etag").unwrap();
        assert_eq!(first.header("cache-control"), Some(keep), "{path}");
        let again = app.ask("GET", path, &[&format!("if-none-match: {tag}")], "");
        assert_eq!((again.status, again.text.as_str()), (304, ""));
        assert_eq!(again.header("etag"), Some(tag));
    }
    let tag = app.get("/api/zonas").header("etag").unwrap().to_owned();
    database
        .execute(
            "UPDATE propiedades SET zona = 'Nueva' WHERE id = (SELECT min(id) FROM propiedades)",
        )
        .unwrap();
    let changed = app.ask("GET", "/api/zonas", &[&format!("if-none-match: {tag}")], "");
    assert_eq!(changed.status, 200);
    assert!(changed.text.contains("Nueva"));
}

#[test]
fn the_catalogue_is_listed_around_a_place() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let answer = app
        .get("/api/propiedades?cerca=-17.7657,-63.1973&radio=800&limite=100&operacion=venta")
        .json();
    let expected: Vec<(i64, f64)> = database.rows(
        "SELECT id, m FROM (SELECT id, ST_Distance(coordenadas, 'POINT(-63.1973 -17.7657)') AS m FROM propiedades
                            WHERE operacion = 'venta') AS d WHERE m <= 800 ORDER BY m, id",
    );
    assert!(!expected.is_empty());
    assert_eq!(
        (&answer["total_resultados"], &answer["orden"]),
        (&json!(expected.len()), &json!("distancia"))
    );
    for (row, (id, metres)) in answer["propiedades"]
        .as_array()
        .unwrap()
        .iter()
        .zip(expected)
    {
        assert_eq!(row["id"], id);
        assert!(
            (row["distancia_m"].as_f64().unwrap() - metres).abs() <= 0.051,
            "{row}"
        );
    }
    for wrong in [
        "cerca=1",
        "cerca=91,0",
        "cerca=nan,0",
        "radio=5",
        "orden=distancia",
        "limite=1&limite=2",
        "limite=x",
        "nada=1",
        "zona=Ekipetrol",
    ] {
        assert_eq!(
            app.get(&format!("/api/propiedades?{wrong}")).status,
            422,
            "{wrong}"
        );
    }
    // A number where a text is meant is a text.
    assert_eq!(
        app.get("/api/propiedades?manzana=5&zona=urub%C3%B3").status,
        200
    );
}

#[test]
fn old_names_give_the_same_ranking() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let body = json!({"id": "x", "presupuesto_min": 0, "presupuesto_max": 200_000, "moneda": "USD", "adultos": 2,
                      "ninos": [], "adultos_mayores": 0, "zona_preferida": "", "tipo_propiedad": "",
                      "unidad_vecinal": "", "manzana": "", "disponibilidad_dias": 36_500, "necesidades": [],
                      "limite": 6, "umbral_minimo": 0.3, "informacion_llm": "notas"});
    let ask = |name: &str| {
        let answer = app.post(name, &body);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    let now = ask("/api/recomendar");
    assert_eq!(now["cantidad"], 6);
    assert_eq!(now, ask("/api/recomendar-mejorado"));
    assert_eq!(now, ask("/api/recomendar-mejorado-llm"));
}

#[test]
fn what_gives_way_is_told_and_is_as_little_as_possible() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let ask = |body: Value| app.post("/api/recomendar", &body).json();
    let wish =
        json!({"zona_preferida": "Equipetrol", "tipo_propiedad": "terreno", "presupuesto_max": 2});
    assert_eq!(ask(wish.clone())["total_recomendaciones"], 0);
    let mut relaxed = wish;
    relaxed["relajar"] = json!(true);
    let answer = ask(relaxed);
    assert_eq!(answer["relajado"], json!(["presupuesto_max"]));
    let items = answer["recomendaciones"].as_array().unwrap();
    assert!(!items.is_empty());
    assert!(
        items
            .iter()
            .all(|item| item["zona"] == "Equipetrol" && item["tipo_propiedad"] == "terreno")
    );
    let fits = ask(json!({"zona_preferida": "Equipetrol", "relajar": true}));
    assert_eq!(fits["relajado"], json!([]));
}

#[test]
fn an_analysis_answers_from_the_database() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let ask = |text: &str| {
        let answer = app.post("/api/analisis", &json!({ "consulta": text }));
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    let count: i64 = database.scalar(
        "SELECT count(*) FROM propiedades WHERE zona = 'Equipetrol' AND tipo_propiedad = 'departamento'
         AND operacion = 'venta' AND estado_propiedad = 'disponible'",
    );
    let answer = ask("¿Cuántos departamentos en venta hay en Equipetrol?");
    assert_eq!(answer["datos_encontrados"], count);
    assert!(
        answer["respuesta"]
            .as_str()
            .unwrap()
            .contains(&count.to_string()),
        "{answer}"
    );
    let dearest = ask("las casas más caras de Urubó");
    assert_eq!(dearest["consulta"], "las casas más caras de Urubó");
    assert!(
        dearest["respuesta"].as_str().unwrap().contains('#'),
        "{dearest}"
    );
    for wrong in [json!({}), json!({"consulta": "  "}), json!({"consulta": 5})] {
        assert_eq!(app.post("/api/analisis", &wrong).status, 422, "{wrong}");
    }
}
