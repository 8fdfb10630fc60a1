//! The chat with models that keep to the facts, and with models that invent.

use serde_json::{Value, json};

use crate::app::App;
use crate::chat::ask;
use crate::cluster::Database;
use crate::provider::{Behaviour, Provider};

/// The key that every provider gets.
pub const KEY: &str = "sk-muy-secreta-123";
/// What is asked.
pub const QUESTION: &str = "busco departamento en Equipetrol hasta 200 mil";

/// The app with these providers, and the folder of their key.
pub fn app(database: &Database, providers: &[&Provider], more: &str) -> (App, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, format!("{KEY}\n")).unwrap();
    let list: String = providers
        .iter()
        .enumerate()
        .map(|(index, provider)| {
            provider.setting(&format!("p{}", index + 1), key.to_str().unwrap())
        })
        .collect();
    let settings =
        format!("request_timeout_s: 120\nchat:\n  deadline_s: 100\n{more}  providers:\n{list}");
    (App::start_with(&database.url(), &settings), folder)
}

/// Who did not serve, and why.
pub fn faults(answer: &Value) -> Vec<(String, String)> {
    let pair = |miss: &Value| {
        let word = |key: &str| miss[key].as_str().unwrap().to_owned();
        (word("proveedor"), word("clase"))
    };
    answer["error_details"]
        .as_array()
        .unwrap()
        .iter()
        .map(pair)
        .collect()
}

/// One line about the first property, all of it true.
pub fn honest(facts: &Value) -> String {
    let first = &facts["propiedades"][0];
    format!(
        "Le recomiendo la #{}: cuesta USD {} en {}.",
        first["id"],
        first["precio_usd"],
        first["zona"].as_str().unwrap()
    )
}

#[test]
fn a_model_that_keeps_to_the_facts_is_told() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let provider = Provider::start(vec![Behaviour::Tell(honest)]);
    let (app, _key) = app(&database, &[&provider], "");
    let answer = ask(&app, QUESTION);
    assert!(
        answer["respuesta"]
            .as_str()
            .unwrap()
            .starts_with("Le recomiendo la #"),
        "{answer}"
    );
    assert_eq!(
        (&answer["llm_usado"], &answer["provider_usado"]),
        (&json!(true), &json!("p1"))
    );
    assert_eq!(answer["fallback_activado"], false);

    let asked = &provider.asked()[0];
    assert!(
        asked.head.starts_with("POST /v1/chat/completions "),
        "{}",
        asked.head
    );
    assert!(
        asked.head.contains(&format!("authorization: Bearer {KEY}")),
        "{}",
        asked.head
    );
    assert_eq!(
        (&asked.body["model"], &asked.body["stream"]),
        (&json!("prueba"), &json!(false))
    );
    assert_eq!(
        asked.body["messages"].as_array().unwrap().last().unwrap()["content"],
        QUESTION
    );
}

#[test]
fn the_facts_may_be_told_in_many_ways() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let ways: Vec<fn(&Value) -> String> = vec![
        |facts| {
            let line = |(index, row): (usize, &Value)| {
                let price = row["precio_usd"].as_f64().unwrap();
                let (thousands, rest) = ((price / 1000.0).floor(), price % 1000.0);
                format!(
                    "{}. **#{}**: {}, USD {thousands}.{rest:03}",
                    index + 1,
                    row["id"],
                    row["nombre"].as_str().unwrap()
                )
            };
            let rows = facts["propiedades"].as_array().unwrap();
            let lines: Vec<String> = rows.iter().enumerate().map(line).collect();
            format!("## Mis {} opciones\n\n{}", rows.len(), lines.join("\n"))
        },
        |facts| {
            let row = &facts["propiedades"][0];
            let thousands = (row["precio_usd"].as_f64().unwrap() / 1000.0).round();
            format!(
                "La #{} cuesta unos {thousands} mil dólares, dentro de su presupuesto de 200 mil, en Santa Cruz.",
                row["id"]
            )
        },
        |facts| {
            format!(
                "Hay {} departamentos en Equipetrol que cumplen.",
                facts["total"]
            )
        },
        |_| "No tengo más datos; ¿busca algo más en Equipetrol?".to_owned(),
    ];
    for (index, way) in ways.into_iter().enumerate() {
        let provider = Provider::start(vec![Behaviour::Tell(way)]);
        let (app, _key) = app(&database, &[&provider], "");
        let answer = ask(&app, QUESTION);
        assert_eq!(answer["llm_usado"], true, "{index}: {:?}", app.log());
    }
}
