//! The budget of a question is what was written, however it was written and whatever stands beside it.

use proptest::prelude::*;

use super::*;
use crate::catalog::fold::fold;

fn zones() -> Vec<Zone> {
    [
        "Equipetrol",
        "Plan 3000",
        "Zona Norte",
        "Villa 1ro de Mayo",
        "Urubó",
    ]
    .iter()
    .map(|name| Zone {
        zona: (*name).to_owned(),
        zona_normalizada: fold(name),
    })
    .collect()
}

fn read(text: &str) -> Question {
    question(text, &zones(), 6.96)
}

type Ends = (Option<f64>, Option<f64>);

fn ends(text: &str) -> Ends {
    let question = read(text);
    (question.presupuesto_min, question.presupuesto_max)
}

#[test]
fn budgets_are_read_as_they_are_written() {
    let most = |value: f64| (None, Some(value));
    let least = |value: f64| (Some(value), None);
    let range = |low: f64, high: f64| (Some(low), Some(high));
    for (text, expected) in [
        ("busco casa hasta 200 mil", most(200e3)),
        ("depto de 3 dormitorios, presupuesto 200000", most(200e3)),
        ("3 dormitorios y 2 baños hasta 200.000 usd", most(200e3)),
        ("desde 100k", least(100e3)),
        ("entre 100.000 y 150.000", range(100e3, 150e3)),
        ("entre 100 y 150 mil dólares", range(100e3, 150e3)),
        ("de 100 a 150k", range(100e3, 150e3)),
        ("100-150 mil", range(100e3, 150e3)),
        ("desde 100 mil usd hasta 200 mil usd", range(100e3, 200e3)),
        (
            "entre los 100 mil dólares y los 150 mil",
            range(100e3, 150e3),
        ),
        ("entre $us 80.000 y $us 90.000", range(80e3, 90e3)),
        ("máximo 1.5 millones", most(1.5e6)),
        ("no más de 120 mil", most(120e3)),
        ("no menos de 120 mil", least(120e3)),
        ("menos de 90k", most(90e3)),
        ("más de US$ 90,000", least(90e3)),
        ("200 mil o menos", most(200e3)),
        ("200 mil como mínimo", least(200e3)),
        ("200 mil, mínimo 3 dormitorios", most(200e3)),
        ("alrededor de 100 mil", range(90e3, 110e3)),
        ("alquiler hasta 500", most(500.0)),
        ("alquilar por 450 dólares al mes", most(450.0)),
        ("medio millón de dólares", most(500e3)),
        ("tengo ciento cincuenta mil dólares", most(150e3)),
        ("no quiero gastar más de 80 mil", most(80e3)),
        ("696.000 bolivianos", most(100e3)),
        ("1.5M usd", most(1.5e6)),
        // None of these is money.
        ("3 dormitorios", (None, None)),
        ("tres habitaciones y dos baños", (None, None)),
        ("casa de 250 m2", (None, None)),
        ("de 80 a 120 metros cuadrados", (None, None)),
        ("terreno de 1.000 m² en plan 3000", (None, None)),
        ("terreno de 12000 m2", (None, None)),
        ("4to anillo, uv 45, calle 7", (None, None)),
        ("llámame al 70012345", (None, None)),
        ("construida en 2015", (None, None)),
        ("casa desde 2015", (None, None)),
        ("las 5 casas más baratas", (None, None)),
        ("baños: 3, dormitorios: 4", (None, None)),
        ("somos 4 personas y 2 perros", (None, None)),
        ("propiedad 1234", (None, None)),
        ("villa 1ro de mayo", (None, None)),
    ] {
        assert_eq!(ends(text), expected, "{text}");
    }
}

#[test]
fn other_numbers_are_bound_to_their_nouns() {
    let q = read("dormitorios 3 baños 2, superficie mínima de 120 y 2 parqueos");
    assert_eq!((q.dormitorios_min, q.banos_min), (Some(3), Some(2)));
    assert_eq!(
        (q.superficie_min, q.tiene_garaje),
        (Some(120.0), Some(true))
    );
    let q = read("casa de 3 amplios dormitorios, sin garaje, de 80 a 120 m2");
    assert_eq!((q.dormitorios_min, q.tiene_garaje), (Some(3), Some(false)));
    assert_eq!(
        (q.superficie_min, q.superficie_max),
        (Some(80.0), Some(120.0))
    );
    let q = read("entre 2 y 3 dormitorios entre 100 y 150 mil");
    assert_eq!(
        (q.dormitorios_min, q.presupuesto_min),
        (Some(2), Some(100e3))
    );
    let q = read("las 3 casas más caras");
    assert_eq!((q.limite, q.orden), (Some(3), Some("precio_desc")));
    let q = read("somos 4, con 2 hijos");
    assert_eq!((q.personas, q.ninos), (Some(4), Some(2)));
}

/// A value and a way to write it.
fn amount() -> impl Strategy<Value = (f64, String)> {
    (20_u32..2_000).prop_flat_map(|thousands| {
        let value = f64::from(thousands) * 1e3;
        let grouped = |mark: &str| {
            if thousands >= 1000 {
                format!("{}{mark}{:03}{mark}000", thousands / 1000, thousands % 1000)
            } else {
                format!("{thousands}{mark}000")
            }
        };
        let mut ways = vec![
            format!("{thousands}000"),
            grouped("."),
            grouped(","),
            grouped("'"),
            grouped(" "),
        ];
        if thousands < 1000 {
            ways.extend([
                format!("{thousands} mil"),
                format!("{thousands}mil"),
                format!("{thousands}k"),
                format!("{thousands}K"),
                format!("{thousands} MIL"),
            ]);
        }
        if thousands.is_multiple_of(100) {
            let (whole, tenth) = (thousands / 1000, thousands % 1000 / 100);
            ways.extend([
                format!("{whole}.{tenth} millones"),
                format!("{whole},{tenth} millones"),
            ]);
        }
        (Just(value), prop::sample::select(ways))
    })
}

fn currency() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("", ""),
        ("$", ""),
        ("US$ ", ""),
        ("$us ", ""),
        ("USD ", ""),
        ("", " usd"),
        ("", " dólares"),
        ("", " $us"),
    ])
}

/// What may stand before and after a budget without touching it.
fn noise() -> impl Strategy<Value = (String, String)> {
    let before = prop::sample::select(vec![
        "busco casa",
        "departamento de 3 dormitorios",
        "casa con 4 habitaciones y 2 baños",
        "terreno de 500 m2",
        "depto en Equipetrol",
        "en Plan 3000",
        "somos 5 personas,",
        "quiero una casa de dos plantas",
    ]);
    let after = prop::sample::select(vec![
        "",
        ", 3 dormitorios",
        " con 2 baños",
        " y 120 m2",
        " en Equipetrol",
        ", mínimo 3 dormitorios",
        " con 2 parqueos",
        " para 4 personas",
        " en Villa 1ro de Mayo",
    ]);
    (before, after).prop_map(|(before, after)| (before.to_owned(), after.to_owned()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_it_panic(text in "\\PC{0,120}") {
        read(&text);
    }

    #[test]
    fn nothing_of_its_own_words_makes_it_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "entre", "y", "100", "mil", "-", "de", "a", "hasta", "desde", "3", "dormitorios", "$", "usd", "m2",
                "medio", "millón", "más", "baratas", "#", ".", "1.2.3", "no", "menos", "zona", "en", "Plan", "3000",
                "somos", "familia", "propiedad", ":", "99999999999999999999", "sin", "garaje", "la", "Doble",
            ]),
            0..14,
        )
    ) {
        let text = words.join(" ");
        let question = read(&text);
        if let (Some(low), Some(high)) = (question.presupuesto_min, question.presupuesto_max) {
            prop_assert!(low <= high, "{}", text);
        }
    }

    #[test]
    fn a_most_is_that_amount(
        (value, written) in amount(), (sign, unit) in currency(), (before, after) in noise(),
        cue in prop::sample::select(vec!["hasta", "máximo", "menos de", "no más de", "presupuesto de", "por debajo de",
                                          "presupuesto:", "tope", "por"]),
    ) {
        let text = format!("{before} {cue} {sign}{written}{unit}{after}");
        prop_assert_eq!(ends(&text), (None, Some(value)), "{}", text);
    }

    #[test]
    fn a_least_is_that_amount(
        (value, written) in amount(), (sign, unit) in currency(), (before, after) in noise(),
        cue in prop::sample::select(vec!["desde", "mínimo", "más de", "a partir de", "al menos", "no menos de"]),
    ) {
        let text = format!("{before} {cue} {sign}{written}{unit}{after}");
        prop_assert_eq!(ends(&text), (Some(value), None), "{}", text);
    }

    #[test]
    fn a_range_is_both_amounts(
        one in amount(), two in amount(), (sign, unit) in currency(), (before, after) in noise(),
        form in prop::sample::select(vec![("entre ", " y "), ("de ", " a "), ("desde ", " hasta "), ("", " - ")]),
    ) {
        let ((low, first), (high, second)) = if one.0 < two.0 { (one, two) } else { (two, one) };
        let text = format!("{before} {}{sign}{first}{unit}{}{sign}{second}{unit}{after}", form.0, form.1);
        prop_assert_eq!(ends(&text), (Some(low), Some(high)), "{}", text);
    }

    #[test]
    fn rooms_and_metres_are_never_money(
        rooms in 1_u32..9, baths in 1_u32..6, metres in 20_u32..20_000, heads in 1_u32..9,
    ) {
        for text in [
            format!("casa con {rooms} dormitorios, {baths} baños y {metres} m2 para {heads} personas"),
            format!("dormitorios: {rooms}, baños: {baths}, superficie: {metres} metros cuadrados"),
            format!("hasta {metres} m² y desde {rooms} habitaciones"),
            format!("las {heads} casas más baratas de {rooms} cuartos en el {baths}to anillo"),
        ] {
            prop_assert_eq!(ends(&text), (None, None), "{}", text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A word that nobody knows is never dropped, wherever it stands: it is told as not understood, or searched in the texts.
    #[test]
    fn every_word_is_accounted_for(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "busco", "casa", "en", "Equipetrol", "hasta", "200", "mil", "con", "garaje", "y", "3", "dormitorios", "barata",
                "por", "el", "4to", "anillo", ",", "cerca", "de", "un", "colegio", "sin", "piscina", "no", "entre", "80", "120",
                "muéstrame", "más", "alquiler", "cuántas", "hay", "la", "usd", "para", "personas", "zona", "norte",
            ]),
            0..10,
        ),
        at in 0..10_usize,
        strange in prop::sample::select(vec!["xilografico", "wuqtrap", "brontolomo", "Zzyzx"]),
    ) {
        let mut words = words;
        words.insert(at.min(words.len()), strange);
        let text = words.join(" ");
        let question = read(&text);
        let places = question.lugares.iter().map(|place| place.nombre.as_str());
        let features = question.caracteristicas.iter().chain(&question.sin_caracteristicas);
        let told: Vec<&str> = question
            .no_entendido
            .iter()
            .map(String::as_str)
            .chain(places)
            .chain(features.map(|feature| feature.nombre.as_str()))
            .chain(question.zona_desconocida.as_deref())
            .collect();
        let told = fold(&told.join(" "));
        prop_assert!(told.contains(&fold(strange)), "{}: {:?}", text, question);
    }
}
