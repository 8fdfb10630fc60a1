//! Properties: mostly sales, with the gaps that the real listings have.

use serde::Serialize;

use crate::demo::agents;
use crate::demo::places::{self, Zone};
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
    let kind = random.weighted(prices::KINDS, |kind| {
        if operacion == "venta" {
            kind.sold
        } else {
            kind.rented
        }
    });
    let zone = places::any_zone(random);
    let dear = random.unit();
    let quote = Quote::any(random);
    let (superficie_total, superficie_construida) = surfaces(random, kind, dear);
    let measure = superficie_construida.or(superficie_total);
    let usd = price(operacion, kind, zone, dear, measure);
    let (precio_usd, moneda, precio_original) = quote.of(usd);
    let num_dormitorios = bedrooms(random, kind, superficie_construida);
    let (lat, lng) = place(random, zone);
    let told = (!random.chance(4.4)).then_some(zone.name);
    let titulo = title(kind, operacion, told, num_dormitorios);
    Property {
        codigo: format!("P-{number:05}"),
        agente: (!random.chance(30.0)).then(|| agents::code(random.whole(1, agents::COUNT))),
        descripcion: (!random.chance(0.9))
            .then(|| description(&titulo, superficie_total, superficie_construida)),
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
        direccion: (!random.chance(35.0))
            .then(|| format!("{}, calle {}", zone.name, random.whole(1, 60))),
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

/// The price in dollars. Where the surface is told, a square metre costs between half and twice what is typical.
fn price(operacion: &str, kind: &Kind, zone: &Zone, dear: f64, measure: Option<i64>) -> i64 {
    let (quantiles, step): (&Quantiles, f64) = match operacion {
        "alquiler" => (&kind.rent, 10.0),
        "anticretico" => (&prices::ANTICRETICO, 100.0),
        _ => (&kind.sale, 100.0),
    };
    // The zone's price level has half its effect, so that the city's quantiles stay.
    let level = 0.5 + 0.5 * zone.price;
    let usd = level * prices::at(quantiles, dear);
    let (Some(metres), Some(typical)) = (measure, kind.built.or(kind.plot)) else {
        return rounded(usd, step);
    };
    #[expect(clippy::cast_precision_loss, reason = "surfaces stay far below 2^52")]
    let usual = level * metres as f64 * quantiles[2] / typical[2];
    rounded(usd.clamp(0.5 * usual, 2.0 * usual), step)
}

/// Square metres of ground and built. Expensive properties tend to be large. One in twelve has neither figure.
fn surfaces(random: &mut Random, kind: &Kind, dear: f64) -> (Option<i64>, Option<i64>) {
    let share = dear * 0.6 + random.unit() * 0.4;
    if random.chance(8.4) {
        return (None, None);
    }
    let draw = |quantiles: Option<Quantiles>| {
        quantiles.map(|quantiles| rounded(prices::at(&quantiles, share), 1.0))
    };
    (draw(kind.plot), draw(kind.built))
}

/// As many as the kind has, and as have room in what is built: 22 m² each.
fn bedrooms(random: &mut Random, kind: &Kind, built: Option<i64>) -> Option<u32> {
    if kind.bedrooms.is_empty() || random.chance(10.0) {
        return None;
    }
    let counts: Vec<(u32, u32)> = (1..).zip(kind.bedrooms.iter().copied()).collect();
    let drawn = random.weighted(&counts, |(_, weight)| *weight).0;
    let room_for = built.map_or(drawn, |built| u32::try_from(built / 22).unwrap_or(drawn));
    Some(drawn.min(room_for.max(1)))
}

/// 1, 2 or 3 baths in 62, 27 and 8 percent, at most one more than bedrooms.
fn baths(random: &mut Random, bedrooms: u32) -> Option<u32> {
    if random.chance(12.0) {
        return None;
    }
    let drawn = random
        .weighted(&[(1, 62), (2, 27), (3, 8), (4, 3)], |(_, weight)| *weight)
        .0;
    Some(drawn.min(bedrooms + 1))
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

fn description(title: &str, plot: Option<i64>, built: Option<i64>) -> String {
    let plot = plot.map_or_else(String::new, |plot| format!(" Terreno de {plot} m²."));
    let built = built.map_or_else(String::new, |built| format!(" {built} m² construidos."));
    format!("{title}.{plot}{built} Datos de demostración.")
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
