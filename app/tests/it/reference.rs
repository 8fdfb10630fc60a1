//! The ranking of docs/ranking.md, slow and obvious.

use serde_json::Value;

use crate::cluster::Database;

const LIVING: [&str; 5] = ["departamento", "casa", "duplex", "quinta", "penthouse"];

/// What the reference looks at.
#[derive(sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub zona: Option<String>,
    pub operacion: String,
    pub estado: String,
    pub tipo: String,
    pub precio: Option<f64>,
    pub terreno: Option<f64>,
    pub construida: Option<f64>,
    pub dormitorios: Option<i32>,
    pub placed: bool,
    pub educacion: Option<f64>,
    pub salud: Option<f64>,
    pub transporte: Option<f64>,
}

/// Score, price and id of a listing.
pub type Ranked = (Option<f64>, Option<f64>, i64);

/// All properties, measured without the schema's own distances.
pub fn rows(database: &Database) -> Vec<Row> {
    let nearest = |category: &str| {
        format!(
            "(SELECT min(ST_Distance(s.coordenadas, p.coordenadas)) FROM servicios s WHERE s.categoria = '{category}'
              AND s.coordenadas && _ST_Expand(p.coordenadas, 2100)) AS {category}"
        )
    };
    database.rows(&format!(
        "SELECT id, zona, operacion, estado_propiedad AS estado, tipo_propiedad AS tipo, precio_usd::float8 AS precio,
                superficie_total::float8 AS terreno, superficie_construida::float8 AS construida,
                num_dormitorios AS dormitorios, coordenadas IS NOT NULL AS placed, {}, {}, {} FROM propiedades p",
        nearest("educacion"),
        nearest("salud"),
        nearest("transporte")
    ))
}

/// What a wish gets: every property, in order. Needs are the default ones.
pub fn ranked(rows: &[Row], wish: &Value) -> Vec<Ranked> {
    let threshold = 100.0 * wish["umbral_minimo"].as_f64().unwrap_or(0.0);
    let mut judged: Vec<(f64, f64, &Row)> = rows
        .iter()
        .filter(|row| passes(row, wish))
        .map(|row| {
            let price = row.precio.unwrap_or(f64::MAX);
            (fit(row, share(row, rows), wish), price, row)
        })
        .filter(|judged| threshold == 0.0 || shown(judged.0) >= threshold)
        .collect();
    judged.sort_by(|a, b| {
        let (fits, prices) = (b.0.total_cmp(&a.0), a.1.total_cmp(&b.1));
        fits.then(prices).then(a.2.id.cmp(&b.2.id))
    });
    judged
        .iter()
        .map(|(fit, _, row)| (Some(shown(*fit)), row.precio, row.id))
        .collect()
}

fn passes(row: &Row, wish: &Value) -> bool {
    let zone = wish["zona_preferida"].as_str();
    let kind = wish["tipo_propiedad"].as_str();
    let fits_kind = match kind {
        Some(kind) => row.tipo == kind,
        None => family(wish).is_none() || LIVING.contains(&row.tipo.as_str()),
    };
    let most = wish["presupuesto_max"].as_f64();
    let rooms = wish["habitaciones_min"].as_i64();
    row.operacion == "venta"
        && row.estado == "disponible"
        && zone.is_none_or(|zone| row.zona.as_ref().is_some_and(|own| fold(own) == fold(zone)))
        && fits_kind
        && most.is_none_or(|most| row.precio.is_some_and(|price| price <= most))
        && rooms.is_none_or(|rooms| row.dormitorios.is_some_and(|own| i64::from(own) >= rooms))
}

fn fold(name: &str) -> String {
    name.to_lowercase().replace('ó', "o")
}

/// Square metres and bedrooms that a family needs.
fn family(wish: &Value) -> Option<(f64, f64)> {
    if wish["adultos"].is_null() && wish["ninos"].is_null() && wish["adultos_mayores"].is_null() {
        return None;
    }
    let count = |value: &Value| u32::try_from(value.as_array().map_or(0, Vec::len)).unwrap();
    let children = f64::from(count(&wish["ninos"]));
    let adults = wish["adultos"].as_f64().unwrap_or(1.0);
    let seniors = wish["adultos_mayores"].as_f64().unwrap_or(0.0);
    let heads = (adults + children + seniors).max(1.0);
    let least = if children > 0.0 { 2.0 } else { 1.0 };
    Some(((25.0 * heads).max(60.0), (heads / 2.0).ceil().max(least)))
}

/// The square metres that count: ground for a plot, living space for everything else.
fn measure(row: &Row) -> Option<f64> {
    if row.tipo == "terreno" {
        row.terreno
    } else {
        row.construida
    }
}

/// The price per square metre as a share of the median of its zone and kind, or else of its kind in the whole city.
fn share(row: &Row, rows: &[Row]) -> Option<f64> {
    let own = row.precio? / measure(row)?;
    row.zona.as_ref()?;
    let alike = |other: &&Row| {
        other.operacion == row.operacion && other.estado == row.estado && other.tipo == row.tipo
    };
    let each = |other: &Row| Some(other.precio? / measure(other)?);
    let city = rows.iter().filter(alike).filter_map(each).collect();
    let in_zone = |other: &&Row| alike(other) && other.zona == row.zona;
    let zone = rows.iter().filter(in_zone).filter_map(each).collect();
    Some(own / median(zone).or_else(|| median(city))?)
}

/// Of five or more.
fn median(mut prices: Vec<f64>) -> Option<f64> {
    prices.sort_by(f64::total_cmp);
    let half = prices.len() / 2;
    match prices.len() {
        0..5 => None,
        count if count % 2 == 1 => Some(prices[half]),
        _ => Some(f64::midpoint(prices[half - 1], prices[half])),
    }
}

/// In whole millionths.
fn fit(row: &Row, share: Option<f64>, wish: &Value) -> f64 {
    let mut asked = 65.0;
    let mut points = 20.0 * share.map_or(0.0, market);
    if let Some(most) = wish["presupuesto_max"].as_f64() {
        asked += 20.0;
        let share = row.precio.unwrap() / most;
        points += 20.0
            * if share <= 0.8 {
                1.0
            } else {
                1.0 - 0.5 * (share - 0.8) / 0.2
            };
    }
    let family = family(wish);
    let wanted = match family {
        _ if row.tipo == "terreno" => 300.0,
        Some((metres, _)) => metres,
        None => rooms(wish, None).map_or(100.0, |(named, _)| 15.0 + 30.0 * named),
    };
    points += 15.0 * measure(row).map_or(0.0, |metres| (metres / wanted).min(1.0));
    if let Some((least, most)) = rooms(wish, family) {
        asked += 15.0;
        points += 15.0
            * row
                .dormitorios
                .map_or(0.0, |own| bedrooms(own.into(), least, most));
    }
    points += 30.0 * services(row, wish["radio_m"].as_f64().unwrap_or(1000.0));
    let trust = if is_coherent(row, share) { 1.0 } else { 0.6 };
    (1e6 * trust * points / asked + 0.5).floor()
}

/// As the answer shows it.
fn shown(fit: f64) -> f64 {
    ((fit + 500.0) / 1000.0).floor() / 10.0
}

fn market(share: f64) -> f64 {
    let worst: f64 = if share < 0.9 { 0.25 } else { 2.5 };
    (1.0 - (share / 0.9).ln() / (worst / 0.9).ln()).clamp(0.0, 1.0)
}

/// The bedrooms that are sought, if the kind has any.
fn rooms(wish: &Value, family: Option<(f64, f64)>) -> Option<(f64, f64)> {
    if wish["tipo_propiedad"]
        .as_str()
        .is_some_and(|kind| !LIVING.contains(&kind))
    {
        return None;
    }
    let named = wish["habitaciones_min"]
        .as_f64()
        .filter(|rooms| *rooms > 0.0);
    named
        .map(|rooms| (rooms, rooms))
        .or(family.map(|(_, rooms)| (rooms, rooms + 1.0)))
}

fn bedrooms(own: f64, least: f64, most: f64) -> f64 {
    if own < least {
        own / least
    } else if own <= most {
        1.0
    } else {
        most / own
    }
}

fn services(row: &Row, radius: f64) -> f64 {
    let near = |metres: Option<f64>| match metres {
        Some(metres) => ((radius - metres) / (0.75 * radius)).clamp(0.0, 1.0),
        None => 0.0,
    };
    if row.placed {
        (near(row.educacion) + near(row.salud) + near(row.transporte)) / 3.0
    } else {
        0.0
    }
}

fn is_coherent(row: &Row, share: Option<f64>) -> bool {
    let fits = match (row.dormitorios, row.construida) {
        _ if !LIVING.contains(&row.tipo.as_str()) => true,
        (Some(rooms), Some(metres)) => metres >= 18.0 * f64::from(rooms),
        _ => false,
    };
    fits && share.is_some_and(|share| (0.25..=4.0).contains(&share))
}
