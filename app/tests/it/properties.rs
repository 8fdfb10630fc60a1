//! What holds of every recommendation, over wishes and listings made at random.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::app::{App, citrino};
use crate::cluster::Database;
use crate::reference::{self, ranking, score};

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
    (zone, kind, most, heads, threshold, 1..40_i64, 0..20_i64).prop_map(
        |(zone, kind, most, heads, threshold, limit, offset)| {
            let mut wish = Map::new();
            let mut put = |name: &str, value: Value| wish.insert(name.to_owned(), value);
            put("zona_preferida", json!(zone));
            put("tipo_propiedad", json!(kind));
            put("presupuesto_max", json!(most));
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

/// Square metres and bedrooms that the wish asks for, as README.md says.
fn family(wish: &Value) -> Option<(f64, f64)> {
    let adults = wish["adultos"].as_f64()?;
    let children = f64::from(u32::try_from(wish["ninos"].as_array()?.len()).unwrap());
    let heads = (adults + children).max(1.0);
    let least = if children > 0.0 { 2.0 } else { 1.0 };
    Some(((25.0 * heads).max(60.0), (heads / 2.0).ceil().max(least)))
}

#[test]
fn every_wish_is_ranked_as_the_reference_ranks_it() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let app = App::start(&database);
    let rows = reference::rows(&database);
    let outcome = runner(60).run(&wish(), |wish| {
        let zone = wish["zona_preferida"]
            .as_str()
            .map(|zone| if zone == "urubo" { "Urubó" } else { zone });
        let most = wish["presupuesto_max"].as_f64();
        let threshold = 100.0 * wish["umbral_minimo"].as_f64().unwrap_or(0.0);
        let mut expected: Vec<_> = rows
            .iter()
            .filter(|row| row.operacion == "venta" && row.estado == "disponible")
            .filter(|row| zone.is_none_or(|zone| row.zona.as_deref() == Some(zone)))
            .filter(|row| {
                wish["tipo_propiedad"]
                    .as_str()
                    .is_none_or(|kind| row.tipo == kind)
            })
            .filter(|row| most.is_none_or(|most| row.precio.is_some_and(|price| price <= most)))
            .map(|row| (score(row, most, family(&wish)), row.precio, row.id))
            .filter(|(score, _, _)| {
                threshold == 0.0 || score.is_some_and(|score| score >= threshold)
            })
            .collect();
        expected.sort_by(ranking);
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

/// Score, price and id of a listing.
type Ranked = (Option<f64>, Option<f64>, i64);

fn ranked(answer: &Value) -> Vec<Ranked> {
    let items = answer["recomendaciones"].as_array().unwrap();
    let item = |item: &Value| {
        let id = item["id"].as_i64().unwrap();
        (item["compatibilidad"].as_f64(), item["precio"].as_f64(), id)
    };
    items.iter().map(item).collect()
}

/// A listing: price, square metres and bedrooms, each of them maybe unknown.
type Listing = (Option<u32>, Option<u32>, Option<u8>);

fn listings() -> impl Strategy<Value = Vec<Listing>> {
    let unknown_or =
        |prices: Vec<u32>| proptest::option::weighted(0.8, prop::sample::select(prices));
    // Few different values, so that there are ties.
    let price = unknown_or(vec![40_000, 80_000, 90_000, 100_000]);
    let surface = unknown_or(vec![30, 60, 200]);
    proptest::collection::vec((price, surface, proptest::option::of(0..4_u8)), 1..12)
}

/// Puts these listings, and nothing else, into the database; ids follow the order.
fn put(database: &Database, listings: &[Listing]) {
    let text =
        |value: Option<u32>| value.map_or_else(|| "NULL".to_owned(), |value| value.to_string());
    let values: Vec<String> = (1..)
        .zip(listings)
        .map(|(id, (price, surface, rooms))| {
            let price = text(*price);
            format!(
                "({id}, 'x', 'casa', {price}, {price}, {}, {}, 'prueba', '{id}')",
                text(*surface),
                text(rooms.map(u32::from))
            )
        })
        .collect();
    database
        .execute(&format!(
            "TRUNCATE propiedades; INSERT INTO propiedades (id, titulo, tipo_propiedad, precio_usd, precio_original,
                superficie_total, num_dormitorios, fuente, codigo) VALUES {}",
            values.join(", ")
        ))
        .unwrap();
}

#[test]
fn order_scores_and_ties_are_as_promised() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let app = App::start(&database);
    let ask = |wish: &Value| ranked(&app.post("/api/recomendar", wish).json());
    let wish = json!({"presupuesto_max": 100_000, "adultos": 2, "ninos": [5], "limite": 100});
    let outcome = runner(40).run(&listings(), |listings| {
        put(&database, &listings);
        let first = ask(&wish);
        prop_assert!(
            first.is_sorted_by(|a, b| ranking(a, b).is_lt()),
            "{:?}",
            first
        );
        prop_assert!(
            first
                .iter()
                .all(|(score, _, _)| score.is_none_or(|score| (0.0..=100.0).contains(&score)))
        );
        // A price that fits better never lowers a score: half of every price.
        let cheaper: Vec<Listing> = listings
            .iter()
            .map(|(price, b, c)| (price.map(|price| price / 2), *b, *c))
            .collect();
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
        put(&database, &cheaper);
        let after = ask(&wish);
        for (score, _, id) in &first {
            let (better, _, _) = after.iter().find(|(_, _, other)| other == id).unwrap();
            prop_assert!(
                better >= score,
                "{} fell from {:?} to {:?}",
                id,
                score,
                better
            );
        }
        Ok(())
    });
    outcome.unwrap();
}
