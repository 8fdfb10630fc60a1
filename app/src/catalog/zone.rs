//! The zones of the database: found without regard to case and accents, with suggestions if not found.

use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::catalog::property::Place;

/// A zone: its name, and the name folded.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Zone {
    /// Original spelling.
    pub zona: String,
    /// Folded, for comparisons.
    pub zona_normalizada: String,
}

/// The result of looking up a zone.
#[derive(Debug)]
pub enum Found {
    /// Zones whose name is the wanted one, or else contains it; in order, at least one.
    Zones(Vec<Zone>),
    /// No zone, but these have similar names.
    Similar(Vec<String>),
}

/// A zone with its figures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Zona)]
pub struct ZoneFigures {
    pub zona: String,
    /// Properties of every operation.
    pub cantidad: i64,
    /// Properties for sale.
    pub en_venta: i64,
    /// Of the properties for sale.
    pub precio_mediano: Option<f64>,
    /// The middle of the properties with coordinates.
    pub centro: Option<Place>,
}

/// How many names are suggested.
const SUGGESTIONS: usize = 5;

/// Looks up a folded name: first among whole names, then among parts of names.
pub async fn find(connection: &mut PgConnection, wanted: &str) -> sqlx::Result<Found> {
    Ok(among(&all(connection).await?, wanted))
}

/// The same among these zones.
pub fn among(zones: &[Zone], wanted: &str) -> Found {
    if let Some(exact) = zones.iter().find(|zone| zone.zona_normalizada == wanted) {
        return Found::Zones(vec![exact.clone()]);
    }
    let containing: Vec<Zone> = zones
        .iter()
        .filter(|zone| zone.zona_normalizada.contains(wanted))
        .cloned()
        .collect();
    if containing.is_empty() {
        Found::Similar(similar(zones.to_vec(), wanted))
    } else {
        Found::Zones(containing)
    }
}

/// Every zone, by its folded name.
pub async fn all(connection: &mut PgConnection) -> sqlx::Result<Vec<Zone>> {
    sqlx::query_as(
        "SELECT min(zona) AS zona, zona_normalizada FROM propiedades
         WHERE zona_normalizada IS NOT NULL GROUP BY zona_normalizada ORDER BY zona_normalizada",
    )
    .fetch_all(&mut *connection)
    .await
}

/// Every zone with its figures, by its folded name.
pub async fn figures(connection: &mut PgConnection) -> sqlx::Result<Vec<ZoneFigures>> {
    type Row = (String, i64, i64, Option<f64>, Option<f64>, Option<f64>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT min(zona), count(*), count(*) FILTER (WHERE operacion = 'venta'),
                percentile_cont(0.5) WITHIN GROUP (ORDER BY precio_usd::float8) FILTER (WHERE operacion = 'venta'),
                percentile_cont(0.5) WITHIN GROUP (ORDER BY ST_Y(coordenadas::geometry)),
                percentile_cont(0.5) WITHIN GROUP (ORDER BY ST_X(coordenadas::geometry))
         FROM propiedades WHERE zona_normalizada IS NOT NULL GROUP BY zona_normalizada ORDER BY zona_normalizada",
    )
    .fetch_all(&mut *connection)
    .await?;
    let figures = |(zona, cantidad, en_venta, precio_mediano, lat, lng): Row| ZoneFigures {
        zona,
        cantidad,
        en_venta,
        precio_mediano,
        centro: lat.zip(lng).map(|(lat, lng)| Place { lat, lng }),
    };
    Ok(rows.into_iter().map(figures).collect())
}

/// How many properties are in no known zone.
pub async fn unknown(connection: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM propiedades WHERE zona_normalizada IS NULL")
        .fetch_one(&mut *connection)
        .await
}

/// The most similar names.
pub fn similar(mut zones: Vec<Zone>, wanted: &str) -> Vec<String> {
    let likeness = |zone: &Zone| strsim::jaro_winkler(&zone.zona_normalizada, wanted);
    zones.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    zones
        .into_iter()
        .take(SUGGESTIONS)
        .map(|zone| zone.zona)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_comes_first() {
        let zone = |name: &str| Zone {
            zona: name.to_owned(),
            zona_normalizada: name.to_lowercase(),
        };
        let zones = vec![
            zone("Centro"),
            zone("Urbari"),
            zone("Equipetrol"),
            zone("Sirari"),
        ];
        assert_eq!(similar(zones, "ekipetrol")[0], "Equipetrol");
    }
}
