//! Properties: mostly sales, with the gaps that the real listings have.

use serde::Serialize;

use crate::demo::agents;
use crate::demo::places::{self, Style, Zone};
use crate::demo::prices::{self, Kind, Quantiles};
use crate::demo::random::Random;

/// Bolivianos for a dollar, as in the survey.
const BOB_PER_USD: f64 = 6.96;

/// One row of `propiedades`. Prices are whole dollars (a month's for a rent) and whole units of `moneda`.
#[derive(Debug, Serialize)]
pub struct Property {
    pub codigo: String,
    pub agente: Option<String>,
    pub titulo: String,
    pub descripcion: Option<String>,
    pub tipo_propiedad: &'static str,
    pub operacion: &'static str,
    pub estado_propiedad: &'static str,
    pub precio_usd: Option<i64>,
    pub moneda: &'static str,
    pub precio_original: Option<i64>,
    pub direccion: Option<String>,
    pub zona: Option<&'static str>,
    pub uv: Option<String>,
    pub manzana: Option<String>,
    pub superficie_total: Option<i64>,
    pub superficie_construida: Option<i64>,
    pub num_dormitorios: Option<u32>,
    pub num_banos: Option<u32>,
    pub num_garajes: Option<u32>,
    pub lat: Option<f64>,
    pub lng: Option<f64>,
    pub fecha_publicacion: Option<String>,
    pub url_origen: Option<String>,
}

/// This many properties; the first ones are the same for any number.
pub fn generate(mut random: Random, count: u32) -> Vec<Property> {
    (1..=count)
        .map(|number| property(&mut random, number))
        .collect()
}

fn property(random: &mut Random, number: u32) -> Property {
    let operacion = *random.weighted(
        &[("venta", 71), ("alquiler", 27), ("anticretico", 2)],
        |(_, weight)| *weight,
    );
    let operacion = operacion.0;
    let zone = places::any_zone(random);
    let kind = random.weighted(prices::KINDS, |kind| {
        let usual = match operacion {
            "venta" => kind.sold,
            // Nobody gives a plot or a building in anticrético.
            "anticretico" if !kind.lived_in => 0,
            _ => kind.rented,
        };
        usual * prices::share(kind, zone.style)
    });
    let quote = Quote::any(random);
    let size = Size::any(random, kind, zone);
    let usual = prices::usual(kind, zone, size.plot, size.built);
    // What sellers think of their own: a fifth less to a fifth more, mostly near.
    let own = 0.8 + 0.2 * (random.unit() + random.unit());
    let (asked, step) = prices::asked(operacion, kind, own * usual);
    let (precio_usd, moneda, precio_original) = quote.of(rounded(asked, step));
    let num_dormitorios = bedrooms(random, kind, size.built);
    let (superficie_total, superficie_construida) = size.told(random);
    let (lat, lng) = place(random, zone);
    let told = (!random.chance(4.4)).then_some(zone.name);
    let titulo = title(kind, operacion, told, num_dormitorios);
    let building = building(random, kind);
    Property {
        codigo: format!("P-{number:05}"),
        agente: (!random.chance(30.0)).then(|| agents::code(random.whole(1, agents::COUNT))),
        descripcion: (!random.chance(0.9))
            .then(|| description(&titulo, building, superficie_total, superficie_construida)),
        titulo,
        tipo_propiedad: kind.name,
        operacion,
        estado_propiedad: random
            .weighted(&[("disponible", 95), ("reservado", 5)], |(_, weight)| {
                *weight
            })
            .0,
        precio_usd,
        moneda,
        precio_original,
        direccion: (!random.chance(35.0)).then(|| {
            format!(
                "{}, calle {} N.º {}",
                zone.name,
                random.pick(STREETS),
                random.whole(10, 990)
            )
        }),
        zona: told,
        uv: random
            .chance(40.0)
            .then(|| format!("UV {}", random.whole(1, 120))),
        manzana: random
            .chance(35.0)
            .then(|| format!("MZ {}", random.whole(1, 60))),
        superficie_total,
        superficie_construida,
        num_banos: num_dormitorios.and_then(|rooms| baths(random, rooms)),
        num_garajes: parking(random, kind),
        num_dormitorios,
        lat,
        lng,
        fecha_publicacion: (!random.chance(10.0)).then(|| date(random)),
        url_origen: Some(format!("https://example.com/propiedades/P-{number:05}")),
    }
}

/// Names of buildings: trees of the plain, with no building of that name that we know of.
const BUILDINGS: &[&str] = &[
    "Tarumá",
    "Ochoó",
    "Motacú",
    "Mapajo",
    "Curupaú",
    "Guayacán",
    "Cuchi",
    "Sirari Verde",
    "Bibosi",
    "Ambaibo",
    "Totaí",
    "Cupesí",
    "Guapurú",
    "Toborochi",
    "Jichituriqui",
    "Penoco",
];
/// Names of streets, which every city has.
const STREETS: &[&str] = &[
    "Los Gomeros",
    "Las Achiras",
    "Los Claveles",
    "Los Sauces",
    "Las Camelias",
    "Los Jazmines",
    "Las Dalias",
    "Los Pinos",
    "Los Lirios",
    "Las Magnolias",
    "Los Cedros",
    "Las Orquídeas",
];

/// The building of two flats in three.
fn building(random: &mut Random, kind: &Kind) -> Option<&'static str> {
    let stands = matches!(kind.name, "departamento" | "penthouse" | "oficina");
    let named = random.chance(65.0);
    let name = *random.pick(BUILDINGS);
    (stands && named).then_some(name)
}

/// How a price is quoted: one listing in eight in bolivianos, one in forty not at all.
struct Quote {
    in_bolivianos: bool,
    hidden: bool,
}

impl Quote {
    fn any(random: &mut Random) -> Self {
        Quote {
            in_bolivianos: random.chance(12.5),
            hidden: random.chance(2.5),
        }
    }

    /// The price in dollars, its currency, and the figure in that currency.
    fn of(&self, usd: i64) -> (Option<i64>, &'static str, Option<i64>) {
        if self.hidden {
            return (None, "USD", None);
        }
        if self.in_bolivianos {
            #[expect(clippy::cast_precision_loss, reason = "prices stay far below 2^52")]
            let quoted = rounded(usd as f64 * BOB_PER_USD, 1.0);
            return (Some(usd), "BOB", Some(quoted));
        }
        (Some(usd), "USD", Some(usd))
    }
}

/// Square metres of ground and built.
struct Size {
    plot: Option<f64>,
    built: Option<f64>,
}

impl Size {
    /// Among those of its kind: larger where gardens are, smaller where people have less.
    fn any(random: &mut Random, kind: &Kind, zone: &Zone) -> Self {
        let share = random.unit();
        let share = match zone.style {
            Style::Gardens => 0.3 + 0.65 * share,
            Style::Popular => 0.75 * share,
            Style::Towers | Style::Edge | Style::Works => 0.05 + 0.85 * share,
        };
        let draw = |quantiles: Option<Quantiles>, share: f64| {
            quantiles.map(|quantiles| prices::at(&quantiles, share).round())
        };
        let other = 0.7 * share + 0.3 * random.unit();
        let plot = draw(kind.plot, share);
        let built = draw(kind.built, other);
        // Nobody builds on more than four fifths of the ground, on two floors.
        let most = plot.map_or(f64::INFINITY, |plot| 1.6 * plot);
        let built = built.map(|built| {
            if kind.name == "edificio" {
                built
            } else {
                built.min(most.round())
            }
        });
        Size { plot, built }
    }

    /// As the listing tells it: one in twelve tells neither.
    fn told(&self, random: &mut Random) -> (Option<i64>, Option<i64>) {
        if random.chance(8.4) {
            return (None, None);
        }
        let whole = |metres: f64| rounded(metres, 1.0);
        (self.plot.map(whole), self.built.map(whole))
    }
}

/// As many as what is built usually has, one listing in ten without.
fn bedrooms(random: &mut Random, kind: &Kind, built: Option<f64>) -> Option<u32> {
    let built = built.filter(|_| kind.lived_in)?;
    let flat = matches!(kind.name, "departamento" | "penthouse");
    let steps: &[f64] = if flat {
        &[46.0, 78.0, 150.0]
    } else {
        &[45.0, 85.0, 165.0, 290.0, 430.0]
    };
    // Some plan otherwise: the steps move by a sixth to either side.
    let sized = built * (0.85 + 0.3 * random.unit());
    let rooms = 1 + (0..).zip(steps).filter(|(_, step)| sized >= **step).count();
    let rooms = u32::try_from(rooms).unwrap_or(1);
    (!random.chance(10.0)).then_some(rooms)
}

/// As many as go with the bedrooms, one listing in eight without.
fn baths(random: &mut Random, bedrooms: u32) -> Option<u32> {
    let weights: &[(u32, u32)] = match bedrooms {
        1 => &[(1, 100)],
        2 => &[(1, 45), (2, 55)],
        3 => &[(1, 12), (2, 60), (3, 28)],
        _ => &[(2, 25), (3, 45), (4, 30)],
    };
    let drawn = random.weighted(weights, |(_, weight)| *weight).0;
    (!random.chance(12.0)).then_some(drawn)
}

fn parking(random: &mut Random, kind: &Kind) -> Option<u32> {
    if random.chance(kind.parking) {
        return Some(
            random
                .weighted(&[(1, 65), (2, 28), (3, 7)], |(_, weight)| *weight)
                .0,
        );
    }
    random.chance(50.0).then_some(0)
}

/// 3.4 % have no coordinates; 12 % are on the centre of their zone, as in careless sources.
fn place(random: &mut Random, zone: &Zone) -> (Option<f64>, Option<f64>) {
    let own = places::near(random, zone, 1.0);
    if random.chance(3.4) {
        return (None, None);
    }
    let (lat, lng) = if random.chance(12.0) {
        places::centre(zone)
    } else {
        own
    };
    (Some(lat), Some(lng))
}

fn title(kind: &Kind, operacion: &str, zona: Option<&str>, bedrooms: Option<u32>) -> String {
    let operacion = if operacion == "anticretico" {
        "anticrético"
    } else {
        operacion
    };
    let rooms = match bedrooms {
        Some(1) => " de 1 dormitorio".to_owned(),
        Some(rooms) => format!(" de {rooms} dormitorios"),
        None => String::new(),
    };
    format!(
        "{}{rooms} en {operacion} en {}",
        kind.label,
        zona.unwrap_or("Santa Cruz de la Sierra")
    )
}

fn description(
    title: &str,
    building: Option<&str>,
    plot: Option<i64>,
    built: Option<i64>,
) -> String {
    let building = building.map_or_else(String::new, |name| format!(" Edificio {name}."));
    let plot = plot.map_or_else(String::new, |plot| format!(" Terreno de {plot} m²."));
    let built = built.map_or_else(String::new, |built| format!(" {built} m² construidos."));
    format!("{title}.{building}{plot}{built} Datos de demostración.")
}

/// A day of the four months before 16 October 2025.
fn date(random: &mut Random) -> String {
    let (month, days) = *random.pick(&[(7, 31), (8, 31), (9, 30), (10, 15)]);
    format!("2025-{month:02}-{:02}", random.whole(1, days))
}

/// To the nearest step, and at least one step.
fn rounded(value: f64, step: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "figures stay far below 2^52"
    )]
    let steps = (value / step).round().max(1.0) as i64;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a step is a small whole number"
    )]
    let step = step as i64;
    steps * step
}
