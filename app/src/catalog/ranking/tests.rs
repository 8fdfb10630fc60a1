//! What holds of the ranking of any catalogue.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::catalog::candidates::Row;
use crate::catalog::filters::Filters;
use crate::catalog::preferences::Family;
use crate::catalog::{GROUND, KINDS, LIVING};

const ALL: Page = Page {
    limite: 10_000,
    offset: 0,
};

/// A listing with all its figures, and nothing wrong with them.
fn complete(id: i64) -> Row {
    Row {
        id,
        en_oferta: true,
        operacion: "venta".to_owned(),
        tipo_propiedad: "departamento".to_owned(),
        zona: Some("Centro".to_owned()),
        zona_normalizada: Some("centro".to_owned()),
        uv: None,
        manzana: None,
        precio: Some(100_000.0),
        superficie: Some(100.0),
        terreno: None,
        construida: Some(100.0),
        num_dormitorios: Some(2),
        num_banos: None,
        num_garajes: None,
        publicada: None,
        cercanos_2000m: Some(vec![Some(400.0); 9]),
        titulo: "x".to_owned(),
        lat: None,
        lng: None,
    }
}

fn catalogue(rows: &[Row]) -> Candidates {
    let mut known = Candidates::default();
    for row in rows {
        known.put(row.clone());
    }
    known.settle();
    known
}

/// The scores by id.
fn scores(rows: &[Row], wanted: &Preferences) -> BTreeMap<i64, f64> {
    let ranking = rank(&catalogue(rows), wanted, ALL);
    let scores = ranking.chosen.iter();
    scores.map(|chosen| (chosen.id, chosen.score)).collect()
}

/// The ids in order.
fn order(rows: &[Row], wanted: &Preferences) -> Vec<i64> {
    let ranking = rank(&catalogue(rows), wanted, ALL);
    ranking.chosen.iter().map(|chosen| chosen.id).collect()
}

fn any_row() -> impl Strategy<Value = Row> {
    let zone = proptest::option::weighted(0.9, select(vec!["Centro", "Urubó", "urubo"]));
    let known = |figures: Vec<f64>| proptest::option::weighted(0.9, select(figures));
    let amounts = (
        known(vec![900.0, 20_000.0, 60_000.0, 61_000.0, 90_000.0, 2e6]),
        known(vec![25.0, 60.0, 100.0, 400.0]),
        known(vec![200.0, 300.0, 900.0]),
        proptest::option::weighted(0.9, 0..7_i32),
    );
    let metres = proptest::option::weighted(0.7, 0.0..2000.0_f64);
    let distances = proptest::option::weighted(0.9, proptest::collection::vec(metres, 9));
    (select(KINDS), zone, amounts, distances).prop_map(
        |(kind, zone, (price, built, ground, rooms), distances)| Row {
            tipo_propiedad: kind.to_owned(),
            zona: zone.map(str::to_owned),
            zona_normalizada: zone.map(|zone| zone.to_lowercase().replace('ó', "o")),
            precio: price,
            superficie: built.or(ground),
            terreno: ground,
            construida: built,
            num_dormitorios: rooms,
            cercanos_2000m: distances,
            ..complete(0)
        },
    )
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::vec(any_row(), 1..60).prop_map(|mut rows| {
        (1..).zip(&mut rows).for_each(|(id, row)| row.id = id);
        rows
    })
}

fn wishes() -> impl Strategy<Value = Preferences> {
    let family = (1..7_i32, any::<bool>()).prop_map(|(personas, ninos)| Family { personas, ninos });
    (
        proptest::option::of(select(KINDS)),
        proptest::option::of(select(vec![60_000.0, 95_000.0, 3e6])),
        proptest::option::of(family),
        select(vec![500, 1000, 2000]),
        proptest::option::weighted(0.3, 0..4_i64),
    )
        .prop_map(|(kind, most, family, radio_m, rooms)| Preferences {
            tipo_propiedad: kind,
            presupuesto_max: most,
            familia: family,
            radio_m,
            ademas: Filters {
                habitaciones_min: rooms,
                ..Filters::default()
            },
            ..Preferences::default()
        })
}

proptest! {
    #[test]
    fn the_order_of_rows_and_their_history_have_no_say(
        (rows, turned) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        earlier in rows(),
        wanted in wishes(),
    ) {
        let told = order(&rows, &wanted);
        prop_assert_eq!(&order(&turned, &wanted), &told);
        // The same catalogue after another one, whose rows are replaced one by one or taken off offer.
        let mut known = catalogue(&earlier);
        for row in &earlier {
            known.put(Row { en_oferta: false, ..row.clone() });
        }
        for row in &turned {
            known.put(row.clone());
            known.settle();
        }
        let after: Vec<i64> = rank(&known, &wanted, ALL).chosen.iter().map(|chosen| chosen.id).collect();
        prop_assert_eq!(after, told);
    }

    #[test]
    fn scores_fall_from_100_to_0_and_are_the_sum_of_their_points(rows in rows(), wanted in wishes()) {
        let known = catalogue(&rows);
        let ranking = rank(&known, &wanted, ALL);
        prop_assert_eq!(ranking.total, i64::try_from(ranking.chosen.len()).unwrap());
        prop_assert!(ranking.chosen.is_sorted_by(|a, b| a.score >= b.score));
        for chosen in &ranking.chosen {
            prop_assert!((0.0..=100.0).contains(&chosen.score));
            let points: f64 = chosen.parts.iter().map(|part| part.share * part.value.unwrap_or(0.0)).sum();
            prop_assert!((chosen.confidence * points - chosen.score).abs() < 0.06);
            let shares: f64 = chosen.parts.iter().map(|part| part.share).sum();
            prop_assert!((shares - 100.0).abs() < 1e-9);
        }
        // A page is a page of the whole, although it looks at fewer properties.
        let page = rank(&known, &wanted, Page { limite: 3, offset: 2 });
        prop_assert_eq!(page.total, ranking.total);
        let ids = |chosen: &[Chosen]| chosen.iter().map(|chosen| chosen.id).collect::<Vec<_>>();
        let whole: Vec<i64> = ids(&ranking.chosen).into_iter().skip(2).take(3).collect();
        prop_assert_eq!(ids(&page.chosen), whole);
    }

    /// A seller who leaves out what would give a listing away gains nothing.
    #[test]
    fn a_missing_figure_never_raises_a_score(mut rows in rows(), which in any::<Index>(), wanted in wishes()) {
        let which = which.index(rows.len());
        let whole = rows[which].clone();
        let before = scores(&rows, &wanted).get(&whole.id).copied();
        let silent = [
            Row { precio: None, ..whole.clone() },
            Row { construida: None, superficie: whole.terreno, ..whole.clone() },
            Row { terreno: None, superficie: whole.construida, ..whole.clone() },
            Row { num_dormitorios: None, ..whole.clone() },
            Row { zona: None, zona_normalizada: None, ..whole.clone() },
            Row { cercanos_2000m: None, ..whole.clone() },
        ];
        for row in silent {
            rows[which] = row;
            let after = scores(&rows, &wanted).get(&whole.id).copied();
            prop_assert!(after <= before, "{:?} instead of {:?}: {:?}", after, before, rows[which]);
        }
    }

    #[test]
    fn what_fits_better_never_lowers_a_score(rows in rows(), share in 0.0..1.0_f64, wanted in wishes()) {
        let first = scores(&rows, &wanted);
        let nearer: Vec<Row> = rows.iter().cloned().map(|mut row| {
            for metres in row.cercanos_2000m.iter_mut().flatten().flatten() {
                *metres *= share;
            }
            row
        }).collect();
        let wider = Preferences { radio_m: 2000, ..wanted.clone() };
        for after in [scores(&nearer, &wanted), scores(&rows, &wider)] {
            prop_assert!(first.iter().all(|(id, score)| after[id] >= *score));
        }
    }

    #[test]
    fn people_are_shown_what_one_can_live_in_unless_they_name_a_kind(rows in rows(), wanted in wishes()) {
        let mut relaxed = wanted.clone();
        let dropped = relax(&catalogue(&rows), &mut relaxed);
        let shown = order(&rows, &relaxed);
        // What was dropped was enough, and gave a family no plot.
        prop_assert!(dropped.is_empty() || !shown.is_empty());
        for row in rows.iter().filter(|row| shown.contains(&row.id)) {
            let kind = row.tipo_propiedad.as_str();
            let named = relaxed.tipo_propiedad == Some(kind);
            prop_assert!(named || relaxed.familia.is_none() || LIVING.contains(&kind), "{}", kind);
        }
    }
}

/// Five alike, so that there is a median, and these.
fn among_others(rows: impl IntoIterator<Item = Row>) -> Vec<Row> {
    let far = Some(vec![None; 9]);
    let others = (101..=105).map(|id| Row {
        cercanos_2000m: far.clone(),
        ..complete(id)
    });
    others.chain(rows).collect()
}

#[test]
fn a_listing_that_contradicts_itself_or_the_market_ranks_low() {
    let wanted = Preferences {
        familia: Some(Family {
            personas: 2,
            ninos: false,
        }),
        ..Preferences::default()
    };
    let at_the_door = Some(vec![Some(0.0); 9]);
    let doubtful = [
        Row {
            precio: Some(9_000.0),
            cercanos_2000m: at_the_door.clone(),
            ..complete(1)
        },
        Row {
            precio: Some(500_000.0),
            cercanos_2000m: at_the_door.clone(),
            ..complete(2)
        },
        Row {
            num_dormitorios: Some(6),
            cercanos_2000m: at_the_door,
            ..complete(3)
        },
    ];
    let rows = among_others(doubtful);
    let told = scores(&rows, &wanted);
    // They fit in all else, and still come after one that is a long way from everything.
    assert!([1, 2, 3].iter().all(|id| told[id] < told[&101]), "{told:?}");
    let flagged = |id: i64| {
        let ranking = rank(&catalogue(&rows), &wanted, ALL);
        let chosen = ranking.chosen.into_iter().find(|chosen| chosen.id == id);
        chosen.is_some_and(|chosen| chosen.confidence < 1.0)
    };
    assert!(flagged(1) && flagged(2) && flagged(3) && !flagged(101));
}

#[test]
fn the_wished_rooms_come_before_more() {
    let row = |id: i64, rooms: i32| Row {
        num_dormitorios: Some(rooms),
        ..complete(id)
    };
    // The fewer bedrooms, the higher the id, so that ties would be in the wrong order.
    let rows = among_others([row(5, 1), row(4, 2), row(3, 3), row(2, 4), row(1, 5)]);
    let mut wanted = Preferences {
        ademas: Filters {
            habitaciones_min: Some(3),
            ..Filters::default()
        },
        ..Preferences::default()
    };
    assert_eq!(order(&rows, &wanted)[..3], [3, 2, 1]);
    wanted.ademas.habitaciones_min = None;
    wanted.familia = Some(Family {
        personas: 6,
        ninos: true,
    });
    // Three are needed, and one more is as good.
    let told = scores(&rows, &wanted);
    assert!((told[&3] - told[&2]).abs() < 1e-9, "{told:?}");
    assert!(told[&2] > told[&1] && told[&3] > told[&4], "{told:?}");
}

#[test]
fn ground_is_no_living_space_and_a_plot_is_judged_by_it() {
    let house = |id: i64, built: Option<f64>| Row {
        tipo_propiedad: "casa".to_owned(),
        terreno: Some(900.0),
        construida: built,
        superficie: built.or(Some(900.0)),
        ..complete(id)
    };
    let rows = [house(1, None), house(2, Some(100.0))];
    assert_eq!(order(&rows, &Preferences::default()), [2, 1]);
    let plot = |id: i64, ground: f64| Row {
        tipo_propiedad: GROUND.to_owned(),
        terreno: Some(ground),
        construida: None,
        ..complete(id)
    };
    let surface = |rows: &[Row]| {
        let ranking = rank(&catalogue(rows), &Preferences::default(), ALL);
        let parts = ranking.chosen.into_iter().flat_map(|chosen| chosen.parts);
        parts
            .filter(|part| part.component == Component::Surface)
            .map(|part| part.value)
            .collect::<Vec<_>>()
    };
    assert_eq!(surface(&[plot(1, 150.0)]), [Some(0.5)]);
    assert_eq!(surface(&[house(1, None)]), [None]);
}

#[test]
fn the_best_price_is_a_little_below_the_median_and_equal_scores_are_rare() {
    let row = |id: i64, price: f64| Row {
        precio: Some(price),
        cercanos_2000m: Some(vec![Some(0.0); 9]),
        ..complete(id)
    };
    let rows = among_others([
        row(1, 81_000.0),
        row(2, 90_000.0),
        row(3, 99_000.0),
        row(4, 60_000.0),
    ]);
    assert_eq!(order(&rows, &Preferences::default())[..4], [2, 1, 3, 4]);
    let told = scores(&rows, &Preferences::default());
    assert!((told[&2] - 100.0).abs() < 1e-9, "{told:?}");
    let mut own: Vec<f64> = (1..=4).map(|id| told[&id]).collect();
    own.dedup();
    assert_eq!(own.len(), 4, "{told:?}");
}

#[test]
fn the_radius_decides_what_is_near() {
    let score = |radio_m: i64| {
        let wanted = Preferences {
            radio_m,
            ..Preferences::default()
        };
        scores(&[complete(1)], &wanted)[&1]
    };
    assert!(score(500) < score(1000) && score(1000) < score(2000));
}
