//! The ranking of README.md, slow and obvious.

use std::cmp::Ordering;

use crate::cluster::Database;

/// What the reference looks at.
#[derive(sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub zona: Option<String>,
    pub operacion: String,
    pub estado: String,
    pub tipo: String,
    pub precio: Option<f64>,
    pub metros: Option<f64>,
    pub dormitorios: Option<i32>,
    pub placed: bool,
    pub educacion: Option<f64>,
    pub salud: Option<f64>,
    pub transporte: Option<f64>,
}

/// All properties, measured without the schema's own distances.
pub fn rows(database: &Database) -> Vec<Row> {
    let nearest = |category: &str| {
        format!(
            "(SELECT min(ST_Distance(s.coordenadas, p.coordenadas)) FROM servicios s WHERE s.categoria = '{category}'
              AND s.coordenadas && _ST_Expand(p.coordenadas, 1100)) AS {category}"
        )
    };
    database.rows(&format!(
        "SELECT id, zona, operacion, estado_propiedad AS estado, tipo_propiedad AS tipo, precio_usd::float8 AS precio,
                coalesce(superficie_construida, superficie_total)::float8 AS metros, num_dormitorios AS dormitorios,
                coordenadas IS NOT NULL AS placed, {}, {}, {} FROM propiedades p",
        nearest("educacion"),
        nearest("salud"),
        nearest("transporte")
    ))
}

/// The score of README.md, one part after the other; needs are the default ones.
pub fn score(row: &Row, most: Option<f64>, family: Option<(f64, f64)>) -> Option<f64> {
    let mut parts = Vec::new();
    if let (Some(price), Some(most)) = (row.precio, most) {
        let share = price / most;
        parts.push((
            35.0,
            if share <= 0.8 {
                1.0
            } else {
                1.0 - 0.5 * (share - 0.8) / 0.2
            },
        ));
    }
    if row.placed {
        let near = |metres: Option<f64>| {
            metres.map_or(0.0, |metres| ((1000.0 - metres) / 750.0).clamp(0.0, 1.0))
        };
        parts.push((
            35.0,
            (near(row.educacion) + near(row.salud) + near(row.transporte)) / 3.0,
        ));
    }
    if let Some(metres) = row.metros {
        parts.push((
            15.0,
            (metres / family.map_or(100.0, |family| family.0)).min(1.0),
        ));
    }
    if let (Some(rooms), Some(family)) = (row.dormitorios, family) {
        parts.push((15.0, (f64::from(rooms) / family.1).min(1.0)));
    }
    let weight: f64 = parts.iter().map(|part| part.0).sum();
    let points: f64 = parts.iter().map(|part| part.0 * part.1).sum();
    (weight > 0.0).then(|| (1000.0 * points / weight + 0.5).floor() / 10.0)
}

/// Score falling, price rising, id rising; unknown last.
pub fn ranking(
    a: &(Option<f64>, Option<f64>, i64),
    b: &(Option<f64>, Option<f64>, i64),
) -> Ordering {
    let scores = b.0.unwrap_or(-1.0).total_cmp(&a.0.unwrap_or(-1.0));
    let prices = a.1.unwrap_or(f64::MAX).total_cmp(&b.1.unwrap_or(f64::MAX));
    scores.then(prices).then(a.2.cmp(&b.2))
}
