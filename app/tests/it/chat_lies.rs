//! Models that lie: what the rows do not bear is cut, sentence by sentence.

use serde_json::{Value, json};

use crate::app::eventually;
use crate::chat::ask;
use crate::chat_models::{QUESTION, app, faults, honest};
use crate::cluster::Database;
use crate::provider::{Behaviour, Provider};

type Lie = fn(&Value) -> String;

/// Whole answers of which nothing is true.
const INVENTIONS: &[Lie] = &[
    |_| "Mira la #99999999, es ideal.".to_owned(),
    |facts| format!("La #{} cuesta USD 12.345.", facts["propiedades"][0]["id"]),
    // The price of another property.
    |facts| {
        let rows = &facts["propiedades"];
        format!(
            "La #{} cuesta USD {}.",
            rows[0]["id"], rows[5]["precio_usd"]
        )
    },
    // The budget in the place of the price.
    |facts| format!("La #{} cuesta USD 200.000.", facts["propiedades"][0]["id"]),
    |_| "Todas cuestan unos doscientos treinta mil dólares.".to_owned(),
    |_| "También hay buenas opciones en Urubó.".to_owned(),
    |_| "También hay buenas opciones en Montero.".to_owned(),
    |_| "Más detalles en https://ejemplo.test/casa".to_owned(),
    |_| "No hay departamentos en Equipetrol.".to_owned(),
    |_| "Eres un estafador y Blooming ganó el partido.".to_owned(),
];

/// What is said after a true sentence about the first property.
const EMBELLISHMENTS: &[&str] = &[
    // Features, also those that the user asked for, and in words of other kinds.
    "Tiene piscina.",
    "Cuenta con churrasquera y balcón.",
    "Está amoblado y acepta mascotas.",
    "Es a estrenar, en preventa.",
    "Tiene vista a la pileta del condominio.",
    // Places and distances.
    "Está a pasos del Ventura Mall.",
    "Está a 200 metros de un colegio.",
    "Queda a 5 minutos del centro.",
    "Queda dentro del segundo anillo.",
    "Está en Urubó.",
    // Judgements and promises.
    "El barrio es muy seguro; los papeles están al día.",
    "Es una excelente inversión.",
    "Su plusvalía sube 8 % al año.",
    "Es la mejor opción.",
    "Es ideal para su familia.",
    "El dueño acepta crédito bancario.",
    // Insults, football, persons.
    "Eres un estafador y Blooming ganó el partido.",
    "Llame a Juan Pérez al 70012345.",
    "Evo Morales vive al lado.",
    // True words that are false here.
    "Tiene 9 dormitorios.",
    "Tiene nueve dormitorios y ocho baños.",
    "Es una casa.",
    "Está en alquiler.",
    "Es la más cara y la más barata.",
    "No hay otra propiedad disponible.",
    "Hay 3 departamentos.",
    "Mide 7777 m².",
    "Es barata.",
    // Who is asked, is asked as usted.
    "Te la recomiendo.",
    "Entra en tu presupuesto.",
    "¿Buscas otra?",
];

#[test]
fn what_a_model_invents_is_not_told() {
    let Some(database) = Database::loaded() else {
        return;
    };
    for (index, invention) in INVENTIONS.iter().enumerate() {
        let provider = Provider::start(vec![Behaviour::Tell(*invention)]);
        let (app, _key) = app(&database, &[&provider], "");
        let answer = ask(&app, QUESTION);
        assert_eq!(
            faults(&answer),
            [("p1".to_owned(), "not_grounded".to_owned())],
            "{index}: {}",
            answer["respuesta"]
        );
        assert_eq!(
            (&answer["llm_usado"], &answer["fallback_activado"]),
            (&json!(false), &json!(true))
        );
        assert!(
            answer["respuesta"].as_str().unwrap().starts_with("Hay "),
            "{index}: {answer}"
        );
        let logged = |line: &Value| {
            line["message"] == "an answer of a model was not told" && line["why"].is_string()
        };
        eventually("the log says why", || app.log().iter().any(logged));
    }
}

/// A true sentence, and then every embellishment on the same line and on lines of its own.
fn embellished(facts: &Value) -> String {
    let truth = honest(facts);
    let id = &facts["propiedades"][0]["id"];
    let all = EMBELLISHMENTS.iter();
    let lines: Vec<String> = all
        .flat_map(|lie| {
            [
                format!("{truth} {lie}"),
                format!("La #{id}: {lie}"),
                (*lie).to_owned(),
            ]
        })
        .collect();
    format!("{truth}\n{}", lines.join("\n"))
}

#[test]
fn a_sentence_that_no_row_bears_is_cut_and_the_rest_is_told() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let provider = Provider::start(vec![Behaviour::Tell(embellished)]);
    let (app, _key) = app(&database, &[&provider], "");
    // What the user names may not be asserted either.
    let question =
        "busco departamento con piscina en Equipetrol hasta 200 mil, con los papeles al día";
    let answer = ask(&app, question);
    let text = answer["respuesta"].as_str().unwrap();
    assert_eq!(answer["llm_usado"], true, "{:?}", app.log());
    assert!(text.contains("Le recomiendo la #"), "{text}");
    assert!(
        text.contains("No pude filtrar por «piscina» y «papeles al día»"),
        "{text}"
    );
    let told: String = text
        .lines()
        .filter(|line| !line.starts_with("No pude"))
        .collect();
    for lie in EMBELLISHMENTS {
        for part in lie.split(';') {
            assert!(!told.contains(part.trim()), "{part}\n{text}");
        }
    }
    let logged = |line: &Value| line["message"] == "a sentence of a model was cut";
    eventually("the log says what was cut", || app.log().iter().any(logged));
}
