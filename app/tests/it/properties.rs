//! What holds of every recommendation, over wishes and listings made at random.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::app::{App, citrino};
use crate::cluster::Database;
use crate::reference::{self, Ranked};

/// The same cases every time, so that a red test is red again.
fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let seed = proptest::test_runner::TestRng::deterministic_rng(config.rng_algorithm);
    TestRunner::new_with_rng(config, seed)
}

/// A wish with any of its fields.
fn wish() -> impl Strategy<Value = Value> {
    let zone = proptest::option::of(prop::sample::select(vec![
        "Equipetrol",
        "Centro",
        "urubo",
        "Urbari",
    ]));
    let kind = proptest::option::of(prop::sample::select(vec![
        "casa",
        "departamento",
        "terreno",
    ]));
    let most = proptest::option::of(30_000..600_000_u32);
    let heads = proptest::option::of((0..5_u8, proptest::collection::vec(0..18_u8, 0..4)));
    let threshold = proptest::option::of(0..=100_u32);
    let rooms = proptest::option::weighted(0.3, 0..5_u8);
    let radius = prop::sample::select(vec![500, 1000, 2000]);
    let fields = (zone, kind, most, heads, threshold, rooms, radius);
    (fields, 1..40_i64, 0..20_i64).prop_map(
        |((zone, kind, most, heads, threshold, rooms, radius), limit, offset)| {
            let mut wish = Map::new();
            let mut put = |name: &str, value: Value| wish.insert(name.to_owned(), value);
            put("zona_preferida", json!(zone));
            put("tipo_propiedad", json!(kind));
            put("presupuesto_max", json!(most));
            put("habitaciones_min", json!(rooms));
            put("radio_m", json!(radius));
            put(
                "umbral_minimo",
                json!(threshold.map(|percent| f64::from(percent) / 100.0)),
            );
            if let Some((adults, children)) = heads {
                put("adultos", json!(adults));
                put("ninos", json!(children));
            }
            put("limite", json!(limit));
            put("offset", json!(offset));
            Value::Object(wish)
        },
    )
}

#[test]
fn every_wish_is_ranked_as_the_reference_ranks_it() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let rows = reference::rows(&database);
    let outcome = runner(60).run(&wish(), |wish| {
        let expected = reference::ranked(&rows, &wish);
        let answer = app.post("/api/recomendar", &wish).json();
        prop_assert_eq!(&answer["total_recomendaciones"], expected.len());
        let offset = usize::try_from(wish["offset"].as_u64().unwrap()).unwrap();
        let limit = usize::try_from(wish["limite"].as_u64().unwrap()).unwrap();
        let page: Vec<_> = expected.into_iter().skip(offset).take(limit).collect();
        prop_assert_eq!(ranked(&answer), page);
        Ok(())
    });
    outcome.unwrap();
}

fn ranked(answer: &Value) -> Vec<Ranked> {
    let items = answer["recomendaciones"].as_array().unwrap();
    let item = |item: &Value| {
        let id = item["id"].as_i64().unwrap();
        (item["compatibilidad"].as_f64(), item["precio"].as_f64(), id)
    };
    items.iter().map(item).collect()
}

/// A listing: price, square metres built, bedrooms and zone, each of them maybe unknown.
type Listing = (Option<u32>, Option<u32>, Option<u8>, Option<&'static str>);

fn listings() -> impl Strategy<Value = Vec<Listing>> {
    let unknown_or =
        |figures: Vec<u32>| proptest::option::weighted(0.85, prop::sample::select(figures));
    // Few different values, so that there are ties.
    let price = unknown_or(vec![4_000, 40_000, 80_000, 90_000, 100_000]);
    let surface = unknown_or(vec![30, 60, 200]);
    let zone = proptest::option::weighted(0.85, prop::sample::select(vec!["Centro", "Urubó"]));
    let rooms = proptest::option::weighted(0.85, 0..4_u8);
    proptest::collection::vec((price, surface, rooms, zone), 1..30)
}

/// Puts these listings, and nothing else, into the database; ids follow the order.
fn put(database: &Database, listings: &[Listing]) {
    let text =
        |value: Option<u32>| value.map_or_else(|| "NULL".to_owned(), |value| value.to_string());
    let values: Vec<String> = (1..)
        .zip(listings)
        .map(|(id, (price, surface, rooms, zone))| {
            let price = text(*price);
            let zone = zone.map_or_else(|| "NULL".to_owned(), |zone| format!("'{zone}'"));
            format!(
                "({id}, 'x', 'casa', {price}, {price}, {}, {}, {zone}, 'prueba', '{id}')",
                text(*surface),
                text(rooms.map(u32::from))
            )
        })
        .collect();
    database
        .execute(&format!(
            "TRUNCATE propiedades; INSERT INTO propiedades (id, titulo, tipo_propiedad, precio_usd, precio_original,
                superficie_construida, num_dormitorios, zona, fuente, codigo) VALUES {}",
            values.join(", ")
        ))
        .unwrap();
}

#[test]
fn order_scores_and_gaps_are_as_promised() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let app = App::start(&database);
    let ask = |wish: &Value| ranked(&app.post("/api/recomendar", wish).json());
    let wish = json!({"adultos": 2, "ninos": [5], "limite": 100});
    let cases = (listings(), any::<prop::sample::Index>(), 0..4_u8);
    let outcome = runner(40).run(&cases, |(listings, which, what)| {
        put(&database, &listings);
        let first = ask(&wish);
        prop_assert_eq!(
            &first,
            &reference::ranked(&reference::rows(&database), &wish)
        );
        prop_assert!(first.is_sorted_by(|a, b| a.0 >= b.0), "{:?}", first);
        prop_assert!(
            first
                .iter()
                .all(|(score, _, _)| score.is_some_and(|score| (0.0..=100.0).contains(&score)))
        );
        // The order of the rows has no say: the same listings, the last one first.
        let turned: Vec<Listing> = listings.iter().rev().copied().collect();
        put(&database, &turned);
        let scores = |ranked: &[Ranked]| {
            ranked
                .iter()
                .map(|(score, price, _)| (*score, *price))
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(scores(&ask(&wish)), scores(&first));
        // Whoever leaves a figure out gains nothing.
        let which = which.index(listings.len());
        let mut silent = listings;
        let (price, surface, rooms, zone) = &mut silent[which];
        match what {
            0 => *price = None,
            1 => *surface = None,
            2 => *rooms = None,
            _ => *zone = None,
        }
        put(&database, &silent);
        let id = i64::try_from(which + 1).unwrap();
        let score = |ranked: &[Ranked]| ranked.iter().find(|(_, _, own)| *own == id).unwrap().0;
        prop_assert!(score(&ask(&wish)) <= score(&first), "{:?}", silent);
        Ok(())
    });
    outcome.unwrap();
}
