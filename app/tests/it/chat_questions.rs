//! Every question of `preguntas/` is understood as it says there, and what could not be searched by is told.

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::cluster::Database;
use crate::usted;

/// The lists: how many of ten lines must be right, and the lines.
const LISTS: &[(&str, usize, &str)] = &[
    ("primeras", 10, include_str!("preguntas/primeras.yml")),
    ("revision", 10, include_str!("preguntas/revision.yml")),
    ("calle", 10, include_str!("preguntas/calle.yml")),
    // Written down before they were asked for the first time.
    ("ajenas", 9, include_str!("preguntas/ajenas.yml")),
    ("nuevas", 9, include_str!("preguntas/nuevas.yml")),
    ("terceras", 9, include_str!("preguntas/terceras.yml")),
    ("frescas", 9, include_str!("preguntas/frescas.yml")),
    ("quintas", 9, include_str!("preguntas/quintas.yml")),
    ("sextas", 9, include_str!("preguntas/sextas.yml")),
];

#[test]
fn questions_are_understood() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let mut failed = Vec::new();
    for (list, of_ten, lines) in LISTS {
        let cases: Vec<Map<String, Value>> = serde_yaml::from_str(lines).unwrap();
        let count = cases.len();
        let wrong: Vec<String> = cases
            .into_iter()
            .filter_map(|case| wrong(&app, case))
            .collect();
        let right = count - wrong.len();
        println!("{list}: {right} of {count} right\n{}", wrong.join("\n"));
        if right * 10 < count * of_ten {
            failed.push(format!("{list}: {right} of {count}\n{}", wrong.join("\n")));
        }
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

/// How a question was understood, if that is not what the line says.
fn wrong(app: &App, mut case: Map<String, Value>) -> Option<String> {
    let question = case.remove("pregunta").unwrap();
    let earlier = case.remove("antes").into_iter();
    let history: Vec<Value> = earlier
        .map(|text| json!({"rol": "usuario", "texto": text}))
        .collect();
    let kind = case.remove("tipo").unwrap();
    let dropped = case.remove("sin_filtrar").unwrap_or(json!([]));
    let body = json!({"mensaje": question, "historial": history});
    let answer = app.post("/api/chat/process", &body).json();
    let understood = answer["entendido"].as_object().cloned().unwrap_or_default();
    let right = same(&case, &understood)
        && answer["tipo_consulta"] == kind
        && answer["sin_filtrar"] == dropped
        && is_told(&answer);
    for told in spoken(&answer) {
        assert_eq!(
            usted::familiar(&told),
            Vec::<String>::new(),
            "{question}: {told}"
        );
    }
    (!right).then(|| {
        let (kind, dropped) = (&answer["tipo_consulta"], &answer["sin_filtrar"]);
        format!("{question}: {kind} {} {dropped}", Value::from(understood))
    })
}

/// What an answer says in words of its own: what stands in «» is the user's.
fn spoken(answer: &Value) -> Vec<String> {
    let lists =
        ["avisos", "sugerencias"].map(|key| answer[key].as_array().cloned().unwrap_or_default());
    let texts = lists
        .into_iter()
        .flatten()
        .chain([answer["respuesta"].clone()]);
    let own = |text: &str| {
        let pieces = text.split('«').enumerate();
        let pieces = pieces.filter_map(|(at, piece)| {
            if at == 0 {
                Some(piece)
            } else {
                Some(piece.split_once('»')?.1)
            }
        });
        pieces.collect::<Vec<_>>().join(" ")
    };
    texts.filter_map(|text| text.as_str().map(own)).collect()
}

/// The text names every word that nothing was searched by, and never says that something meets all that was asked.
fn is_told(answer: &Value) -> bool {
    let text = answer["respuesta"].as_str().unwrap();
    let words = [&answer["entendido"]["no_entendido"], &answer["sin_filtrar"]];
    let mut words = words.into_iter().filter_map(Value::as_array).flatten();
    words.all(|word| text.contains(&format!("«{}»", word.as_str().unwrap())))
        && !text.contains("cumplen:")
}

/// Numbers are equal whether they are written whole or not.
fn same(expected: &Map<String, Value>, found: &Map<String, Value>) -> bool {
    expected.len() == found.len()
        && expected
            .iter()
            .all(|(key, value)| match (value.as_f64(), found.get(key)) {
                (Some(number), Some(found)) => found
                    .as_f64()
                    .is_some_and(|found| (found - number).abs() < 1e-6),
                (_, found) => found == Some(value),
            })
}
