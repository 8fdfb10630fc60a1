//! Every wish of `deseos.yml` gets first what a person would show first.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::cluster::Database;

/// A wish, and how its first rows are judged.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    deseo: String,
    pide: Value,
    /// What each of the first rows must be.
    #[serde(default)]
    cada: Map<String, Value>,
    /// What none of them may be.
    #[serde(default)]
    ninguna: Map<String, Value>,
    /// What the first row must be.
    #[serde(default)]
    primera: Map<String, Value>,
    /// How many rows are judged; fewer are a fault.
    #[serde(default = "five")]
    filas: usize,
}

fn five() -> usize {
    5
}

#[test]
fn wishes_get_what_a_person_would_show_first() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let mut cases: serde_yaml::Value = serde_yaml::from_str(include_str!("deseos.yml")).unwrap();
    cases.apply_merge().unwrap();
    let cases: Vec<Case> = serde_yaml::from_value(cases).unwrap();
    assert!(cases.len() >= 42, "{}", cases.len());
    let wrong: Vec<String> = cases.iter().flat_map(|case| faults(&app, case)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn faults(app: &App, case: &Case) -> Vec<String> {
    let mut asked = case.pide.clone();
    asked["limite"] = json!(case.filas);
    let answer = app.post("/api/recomendar", &asked);
    assert_eq!(answer.status, 200, "{}: {}", case.deseo, answer.text);
    let answer = answer.json();
    let rows = answer["recomendaciones"].as_array().unwrap();
    show(case, rows);
    let mut faults = Vec::new();
    if rows.len() < case.filas {
        faults.push(format!("{}: only {} rows", case.deseo, rows.len()));
    }
    for (place, row) in (1..).zip(rows) {
        let first = case.primera.iter().filter(|_| place == 1);
        let missing = case.cada.iter().chain(first);
        let missing = missing.filter(|(field, wanted)| !is(&row[*field], wanted));
        let present = case.ninguna.iter();
        let present = present.filter(|(field, unwanted)| is(&row[*field], unwanted));
        for (field, told) in missing.chain(present) {
            let (own, id) = (&row[field], &row["id"]);
            faults.push(format!(
                "{}: row {place} (#{id}): {field} is {own}; judged by {told}",
                case.deseo
            ));
        }
    }
    faults
}

/// The rows as a person would judge them, with `--nocapture`.
fn show(case: &Case, rows: &[Value]) {
    println!("\n## {} {}", case.deseo, case.pide);
    for row in rows {
        let parts = row["desglose"].as_array().unwrap();
        let points: Vec<String> = parts
            .iter()
            .map(|part| format!("{} {}/{}", part["componente"], part["puntos"], part["peso"]))
            .collect();
        println!(
            "{:>5} {:>5} {} {} USD, {} m², {} m² de terreno, {} dorm., {} [{}] {}",
            row["id"],
            row["compatibilidad"],
            row["tipo_propiedad"],
            row["precio"],
            row["superficie_construida"],
            row["superficie_total"],
            row["habitaciones"],
            row["zona"],
            points.join(", "),
            row["dudas"],
        );
    }
}

/// Whether a value is the wanted one, one of a list, or within `{min, max}`.
fn is(own: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Array(list) => list.iter().any(|one| is(own, one)),
        Value::Object(range) => own.as_f64().is_some_and(|own| {
            let bound = |name: &str| range.get(name).map(|bound| bound.as_f64().unwrap());
            bound("min").is_none_or(|least| own >= least)
                && bound("max").is_none_or(|most| own <= most)
        }),
        Value::Number(number) => own.as_f64() == number.as_f64(),
        other => own == other,
    }
}
