//! What only the texts of the listings, the guide of services and the map say: features, named places, rings and quarters.

use serde_json::{Value, json};

use crate::app::App;
use crate::chat::ask;
use crate::cluster::Database;

fn ids(answer: &Value) -> Vec<i64> {
    let cards = answer["recomendaciones"].as_array().unwrap();
    cards
        .iter()
        .map(|card| card["id"].as_i64().unwrap())
        .collect()
}

/// The first houses for sale, to be given texts.
fn houses(database: &Database, count: i64) -> Vec<i64> {
    let rows: Vec<(i64,)> = database.rows(&format!(
        "SELECT id FROM propiedades WHERE tipo_propiedad = 'casa' AND operacion = 'venta'
         AND estado_propiedad = 'disponible' AND coordenadas IS NOT NULL ORDER BY id LIMIT {count}"
    ));
    rows.into_iter().map(|row| row.0).collect()
}

#[test]
fn a_feature_is_searched_in_the_texts_and_told_as_such() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let houses = houses(&database, 4);
    let texts = [
        "Hermosa casa con PISCINA y jardín",
        "Casa sin piscina",
        "Casa, no acepta mascotas",
        "Cerca de la Monseñor Rivero. Acepta mascotas. O'Higgins (50%)",
    ];
    for (id, text) in houses.iter().zip(texts) {
        let text = text.replace('\'', "''");
        database.as_superuser(&format!(
            "UPDATE propiedades SET descripcion = '{text}' WHERE id = {id}"
        ));
    }
    let app = App::start(&database);
    for (question, expected) in [
        ("casas con piscina", houses[0]),
        ("houses with a pool", houses[0]),
        ("casas que acepten mascotas", houses[3]),
        ("casa por la monseñor rivero", houses[3]),
    ] {
        let answer = ask(&app, question);
        assert_eq!(ids(&answer), [expected], "{question}: {answer}");
        assert_eq!(answer["sin_filtrar"], json!([]), "{question}");
        let text = answer["respuesta"].as_str().unwrap();
        assert!(text.contains("el anuncio dice"), "{text}");
    }
    let answer = ask(&app, "casas sin piscina");
    let all: i64 = database.scalar(
        "SELECT count(*) FROM propiedades WHERE tipo_propiedad = 'casa' AND operacion = 'venta'
         AND estado_propiedad = 'disponible'",
    );
    assert_eq!(answer["datos_encontrados"], all - 1, "{answer}");
    // What no listing says is told, and nothing is said to have it.
    let answer = ask(&app, "casas con sauna y cancha de wally");
    assert_eq!(
        answer["sin_filtrar"],
        json!(["sauna", "cancha de wally"]),
        "{answer}"
    );
    assert_eq!(answer["datos_encontrados"], all);
    // A text of a user is no regular expression.
    for hostile in [
        "casas con (x",
        "casas con [a-z]*",
        r"casas con \d+ %'",
        "casas por la .*",
    ] {
        assert_eq!(ask(&app, hostile)["datos_encontrados"], all, "{hostile}");
    }
}

#[test]
fn a_named_place_is_found_in_the_guide_of_services() {
    let Some(database) = Database::loaded_copy() else {
        return;
    };
    let house = houses(&database, 1)[0];
    database.as_superuser(&format!(
        "INSERT INTO servicios (nombre, categoria, fuente, codigo, coordenadas)
         SELECT 'Ventura Mall', 'comercio', 'prueba', 'ventura', coordenadas FROM propiedades WHERE id = {house}"
    ));
    let app = App::start(&database);
    let answer = ask(&app, "¿cuántas casas en venta hay cerca del Ventura Mall?");
    let expected: i64 = database.scalar(
        "SELECT count(*) FROM propiedades p, servicios s WHERE s.codigo = 'ventura'
         AND tipo_propiedad = 'casa' AND operacion = 'venta' AND estado_propiedad = 'disponible'
         AND ST_DWithin(p.coordenadas, s.coordenadas, 1000)",
    );
    assert!(expected > 0);
    assert_eq!(answer["datos_encontrados"], expected, "{answer}");
    assert_eq!(answer["entendido"]["lugares"], json!(["Ventura Mall"]));
    let text = answer["respuesta"].as_str().unwrap();
    assert!(text.contains("a menos de 1 km de «Ventura Mall»"), "{text}");
}

#[test]
fn rings_and_quarters_are_those_of_plain_sql() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let answer = ask(
        &app,
        "¿cuántas casas en venta hay entre el 2do y el 4to anillo?",
    );
    let expected: i64 = database.scalar(
        "SELECT count(*) FROM propiedades WHERE tipo_propiedad = 'casa' AND operacion = 'venta'
         AND estado_propiedad = 'disponible' AND ST_Distance(coordenadas,
             ST_SetSRID(ST_MakePoint(-63.1821, -17.7834), 4326)::geography, false) BETWEEN 1900 AND 4000",
    );
    assert!(expected > 0);
    assert_eq!(answer["datos_encontrados"], expected, "{answer}");

    let answer = ask(
        &app,
        "¿cuántos departamentos baratos en venta hay en Equipetrol?",
    );
    let expected: i64 = database.scalar(
        "WITH zona AS (SELECT precio_usd FROM propiedades WHERE zona = 'Equipetrol' AND operacion = 'venta'
             AND tipo_propiedad = 'departamento' AND estado_propiedad = 'disponible' AND precio_usd IS NOT NULL)
         SELECT count(*) FROM zona WHERE (SELECT count(*) FROM zona AS menos WHERE menos.precio_usd < zona.precio_usd)
             <= 0.25 * ((SELECT count(*) FROM zona) - 1)",
    );
    assert!(expected > 3);
    assert_eq!(answer["datos_encontrados"], expected, "{answer}");
}

#[test]
fn nothing_found_says_which_filters_to_drop() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let answer = ask(
        &app,
        "departamento en Equipetrol de 2 dormitorios hasta 56 mil",
    );
    assert_eq!(answer["datos_encontrados"], 0);
    let ways = answer["alternativas"].as_array().unwrap();
    let on_offer = "tipo_propiedad = 'departamento' AND estado_propiedad = 'disponible' AND operacion = 'venta'";
    for (key, condition) in [
        (
            "presupuesto_max",
            "zona = 'Equipetrol' AND num_dormitorios >= 2",
        ),
        ("zonas", "num_dormitorios >= 2 AND precio_usd <= 56000"),
    ] {
        let expected: i64 = database.scalar(&format!(
            "SELECT count(*) FROM propiedades WHERE {on_offer} AND {condition}"
        ));
        assert!(expected > 0, "{key}");
        let way = ways.iter().find(|way| way["quitar"][0] == key).unwrap();
        assert_eq!(way["cantidad"], expected, "{answer}");
    }
    // What is shown instead misses by little, and is said to.
    for card in answer["recomendaciones"].as_array().unwrap() {
        assert!(
            card["precio"].as_f64().unwrap() <= 56_000.0 * 1.25,
            "{card}"
        );
    }
    let text = answer["respuesta"].as_str().unwrap();
    assert!(text.starts_with("No hay departamentos"), "{text}");
    assert!(
        ids(&answer).is_empty() || text.contains("Estas no cumplen todo"),
        "{text}"
    );
}

#[test]
fn more_of_the_same_goes_on_where_the_last_answer_ended() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let first = "departamentos en Equipetrol hasta 200 mil";
    let mut history = vec![json!({"rol": "usuario", "texto": first})];
    let mut seen = ids(&ask(&app, first));
    for _ in 0..2 {
        let body = json!({"mensaje": "muéstrame más", "historial": history});
        let answer = app.post("/api/chat/process", &body).json();
        let more = ids(&answer);
        assert!(
            !more.is_empty() && more.iter().all(|id| !seen.contains(id)),
            "{answer}"
        );
        seen.extend(more);
        history.push(json!({"rol": "usuario", "texto": "muéstrame más"}));
    }
    let alone = ask(&app, "muéstrame más");
    assert_eq!(alone["tipo_consulta"], "ayuda");
    assert!(
        alone["respuesta"]
            .as_str()
            .unwrap()
            .contains("No hay una búsqueda anterior"),
        "{alone}"
    );
    // Whom to ask: the listing says it, the chat does not.
    let body = json!({"mensaje": "¿y el teléfono del vendedor?", "historial": [{"rol": "usuario", "texto": "propiedad #45"}]});
    let answer = app.post("/api/chat/process", &body).json();
    assert_eq!(
        (&answer["tipo_consulta"], ids(&answer)),
        (&json!("contacto"), vec![45])
    );
    assert!(
        answer["respuesta"]
            .as_str()
            .unwrap()
            .contains("no publica teléfonos"),
        "{answer}"
    );
}
