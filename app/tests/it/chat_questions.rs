//! Every question of `preguntas.yml` is understood as it says there.

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::cluster::Database;

#[test]
fn questions_are_understood() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let cases: Vec<Map<String, Value>> =
        serde_yaml::from_str(include_str!("preguntas.yml")).unwrap();
    let mut wrong = Vec::new();
    for mut case in cases {
        let question = case.remove("pregunta").unwrap();
        let answer = app
            .post("/api/chat/process", &json!({"mensaje": question}))
            .json();
        let kind = case.remove("tipo").unwrap();
        let understood = answer["entendido"].as_object().cloned().unwrap_or_default();
        if !same(&case, &understood) || answer["tipo_consulta"] != kind {
            let (kind, understood) = (&answer["tipo_consulta"], Value::from(understood));
            wrong.push(format!("{question}: {kind} {understood}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
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
