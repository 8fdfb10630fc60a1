//! `POST /api/chat/process`: what is told is what plain SQL finds.

use serde_json::{Value, json};

use crate::app::{Answer, App};
use crate::cluster::Database;

const QUESTION: &str = "busco departamento en Equipetrol hasta 200 mil";

/// The answer to a question.
pub fn ask(app: &App, question: &str) -> Value {
    let answer = app.post("/api/chat/process", &json!({"mensaje": question}));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[test]
fn without_a_provider_a_template_tells_what_the_database_has() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let answer = ask(&app, QUESTION);
    let expected: i64 = database.scalar(
        "SELECT count(*) FROM propiedades WHERE tipo_propiedad = 'departamento' AND zona = 'Equipetrol'
         AND operacion = 'venta' AND estado_propiedad = 'disponible' AND precio_usd <= 200000",
    );
    assert_eq!(answer["datos_encontrados"], expected);
    assert_eq!(answer["tipo_respuesta"], "recomendaciones");
    assert_eq!(
        (&answer["llm_usado"], &answer["provider_usado"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(
        (&answer["fallback_activado"], &answer["error_details"]),
        (&json!(false), &json!([]))
    );
    let cards = answer["recomendaciones"].as_array().unwrap();
    assert_eq!(cards.len(), 6);
    let text = answer["respuesta"].as_str().unwrap();
    for card in cards {
        assert!(
            card["precio"].as_f64().unwrap() <= 200_000.0 && card["zona"] == "Equipetrol",
            "{card}"
        );
        assert!(
            card["compatibilidad"].is_f64() && card["justificacion"].is_string(),
            "{card}"
        );
        assert!(text.contains(&format!("#{}", card["id"])), "{text}");
    }
    // The profile is a body that /api/recomendar takes, and it finds the same.
    let again = app.post("/api/recomendar", &answer["perfil"]);
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(again.json()["total_recomendaciones"], expected);
}

#[test]
fn figures_and_rankings_are_those_of_plain_sql() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let on_offer = "estado_propiedad = 'disponible'";

    let answer = ask(&app, "¿Cuántas casas hay en Urubó?");
    let expected: i64 = database.scalar(&format!(
        "SELECT count(*) FROM propiedades WHERE tipo_propiedad = 'casa' AND zona = 'Urubó' AND {on_offer}"
    ));
    assert_eq!(answer["datos_encontrados"], expected);
    assert!(
        answer["respuesta"]
            .as_str()
            .unwrap()
            .contains(&format!("Hay {expected} ")),
        "{answer}"
    );

    let answer = ask(
        &app,
        "precio promedio de departamentos en equipetrol en venta",
    );
    let (median, mean): (f64, f64) = database.rows(&format!(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY precio_usd), avg(precio_usd)::float8 FROM propiedades
         WHERE tipo_propiedad = 'departamento' AND zona = 'Equipetrol' AND operacion = 'venta' AND {on_offer}"
    ))[0];
    let figures = &answer["estadisticas"][0];
    assert!(
        (figures["precio_mediano"].as_f64().unwrap() - median).abs() <= 0.51,
        "{figures}"
    );
    assert!(
        (figures["precio_promedio"].as_f64().unwrap() - mean).abs() <= 0.51,
        "{figures}"
    );

    let answer = ask(&app, "las 3 casas más caras de la zona norte");
    let expected: Vec<(i64,)> = database.rows(&format!(
        "SELECT id FROM propiedades WHERE tipo_propiedad = 'casa' AND zona = 'Zona Norte' AND operacion = 'venta'
         AND {on_offer} ORDER BY precio_usd DESC NULLS LAST, id LIMIT 3"
    ));
    assert_eq!(
        ids(&answer),
        expected.iter().map(|row| row.0).collect::<Vec<_>>()
    );

    let answer = ask(
        &app,
        &format!("cuéntame de la propiedad #{}", expected[0].0),
    );
    assert_eq!(
        (&answer["tipo_consulta"], ids(&answer)),
        (&json!("propiedad"), vec![expected[0].0])
    );
    let answer = ask(&app, "cuéntame de la propiedad #99999999");
    assert!(
        answer["respuesta"].as_str().unwrap().contains("No existe"),
        "{answer}"
    );
    assert_eq!(ids(&answer), Vec::<i64>::new());

    let answer = ask(&app, "¿qué zonas son las más caras para comprar casas?");
    let expected: Vec<(String,)> = database.rows(&format!(
        "SELECT zona FROM propiedades WHERE tipo_propiedad = 'casa' AND operacion = 'venta' AND {on_offer}
         AND zona IS NOT NULL GROUP BY zona
         ORDER BY round(percentile_cont(0.5) WITHIN GROUP (ORDER BY precio_usd)) DESC NULLS LAST, zona LIMIT 1"
    ));
    assert_eq!(answer["zonas"][0]["zona"], expected[0].0.as_str());
}

fn ids(answer: &Value) -> Vec<i64> {
    let cards = answer["recomendaciones"].as_array().unwrap();
    cards
        .iter()
        .map(|card| card["id"].as_i64().unwrap())
        .collect()
}

#[test]
fn zones_are_left_out_and_rooms_have_a_most() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    for (question, condition, told) in [
        (
            "¿Cuántas casas hay en venta que no sean en Equipetrol ni en Urubó?",
            "zona NOT IN ('Equipetrol', 'Urubó') AND tipo_propiedad = 'casa' AND operacion = 'venta'",
            "fuera de Equipetrol y Urubó",
        ),
        (
            "¿Cuántas casas de máximo 3 dormitorios y hasta 2 baños hay?",
            "num_dormitorios <= 3 AND num_banos <= 2 AND tipo_propiedad = 'casa'",
            "con a lo sumo 3 dormitorios con a lo sumo 2 baños",
        ),
        (
            "busco departamento de 2 a 3 dormitorios en cualquier zona menos Centro",
            "num_dormitorios BETWEEN 2 AND 3 AND zona <> 'Centro' AND tipo_propiedad = 'departamento' AND operacion = 'venta'",
            "con 2 a 3 dormitorios",
        ),
    ] {
        let answer = ask(&app, question);
        let expected: i64 = database.scalar(&format!(
            "SELECT count(*) FROM propiedades WHERE estado_propiedad = 'disponible' AND {condition}"
        ));
        assert!(expected > 0, "{question}");
        assert_eq!(answer["datos_encontrados"], expected, "{answer}");
        let text = answer["respuesta"].as_str().unwrap();
        assert!(text.contains(told), "{text}");
        assert_eq!(answer["avisos"], json!([]), "{question}");
    }
    // The last word about a zone counts.
    let history = json!([{"rol": "usuario", "texto": "casas en venta en Equipetrol o en Urubó"}]);
    let body = json!({"mensaje": "pero que no sean en Urubó", "historial": history});
    let understood = app.post("/api/chat/process", &body).json()["entendido"].clone();
    assert_eq!(
        (&understood["zonas"], &understood["zonas_excluidas"]),
        (&json!(["Equipetrol"]), &json!(["Urubó"]))
    );
}

#[test]
fn bolivianos_become_dollars_at_the_rate_of_the_settings() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let question = "casa en venta hasta 696.000 bolivianos";
    for (settings, dollars) in [("", 100_000), ("chat: {bob_per_usd: 9.6}\n", 72_500)] {
        let answer = ask(&App::start_with(&database.url(), settings), question);
        let most = answer["entendido"]["presupuesto_max"].as_f64().unwrap();
        assert!((most - f64::from(dollars)).abs() < 1e-9, "{answer}");
    }
}

#[test]
fn earlier_turns_complete_the_last() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let history = json!([
        {"rol": "usuario", "texto": "busco casa de 3 dormitorios en Equipetrol hasta 300 mil"},
        {"rol": "asistente", "texto": "Hay varias en Centro por 100 mil."},
        {"rol": "usuario", "texto": "gracias"},
    ]);
    let understood = |message: &str| {
        let body = json!({"mensaje": message, "historial": history});
        app.post("/api/chat/process", &body).json()["entendido"].clone()
    };
    let question = understood("¿y en Urubó?");
    assert_eq!(question["zonas"], json!(["Urubó"]));
    assert_eq!(
        (&question["dormitorios_min"], &question["presupuesto_max"]),
        (&json!(3), &json!(300e3))
    );
    // Another kind of property drops the rooms, another operation the price.
    let question = understood("mejor un terreno");
    assert_eq!(
        (&question["tipos"], &question["dormitorios_min"]),
        (&json!(["terreno"]), &Value::Null)
    );
    let question = understood("¿y en alquiler?");
    assert_eq!(
        (&question["operacion"], &question["presupuesto_max"]),
        (&json!("alquiler"), &Value::Null)
    );
    let question = understood("otra búsqueda: oficinas");
    assert_eq!(
        (&question["tipos"], &question["zonas"]),
        (&json!(["oficina"]), &Value::Null)
    );
}

#[test]
fn bad_bodies_are_told_by_field() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    for (body, field) in [
        (json!({}), "mensaje"),
        (json!({"mensaje": "  "}), "mensaje"),
        (json!({"mensaje": 3}), "mensaje"),
        (json!({"mensaje": "x".repeat(2001)}), "mensaje"),
        (json!({"mensaje": "hola", "historial": "no"}), "historial"),
        (
            json!({"mensaje": "hola", "historial": [{"rol": "jefe", "texto": "x"}]}),
            "historial",
        ),
        (json!({"mensaje": "hola", "mensage": "x"}), "mensage"),
    ] {
        let answer = app.post("/api/chat/process", &body);
        assert_eq!(
            (answer.status, fields(&answer)),
            (422, vec![field.to_owned()]),
            "{body}"
        );
    }
    assert_eq!(
        app.post("/api/chat/process", &json!({"mensaje": "hola\nbusco casa"}))
            .status,
        200
    );
}

fn fields(answer: &Answer) -> Vec<String> {
    let fields = answer.json()["error"]["campos"].as_array().unwrap().clone();
    fields
        .iter()
        .map(|field| field["campo"].as_str().unwrap().to_owned())
        .collect()
}
