//! Points for the map.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{PgConnection, QueryBuilder};
use utoipa::ToSchema;

use crate::catalog::filters::Filters;
use crate::catalog::search::push_filters;

/// Properties of an answer at most.
pub const LIMIT: i64 = 5000;
/// Services of an answer at most.
const SERVICES: i64 = 20_000;

/// A property on the map. Its price is US dollars.
#[derive(Debug, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = Punto)]
pub struct Point {
    pub id: i64,
    pub nombre: String,
    pub operacion: String,
    pub tipo_propiedad: String,
    pub precio: Option<f64>,
    pub lat: f64,
    pub lng: f64,
}

/// A service on the map.
#[derive(Debug, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = Lugar)]
pub struct Spot {
    #[serde(skip)]
    pub categoria: String,
    pub nombre: String,
    pub lat: f64,
    pub lng: f64,
}

/// How many properties pass the filters, and how many of them have no coordinates.
pub async fn count(connection: &mut PgConnection, filters: &Filters) -> sqlx::Result<(i64, i64)> {
    let mut query =
        QueryBuilder::new("SELECT count(*), count(*) FILTER (WHERE p.coordenadas IS NULL)");
    push_filters(&mut query, filters);
    query.build_query_as().fetch_one(&mut *connection).await
}

/// The properties with coordinates that pass the filters, the newest first.
pub async fn points(connection: &mut PgConnection, filters: &Filters) -> sqlx::Result<Vec<Point>> {
    let mut query = QueryBuilder::new(format!(
        "SELECT p.id, p.titulo AS nombre, p.operacion, p.tipo_propiedad, p.precio_usd::float8 AS precio, {}",
        degrees("p.coordenadas")
    ));
    push_filters(&mut query, filters);
    query.push(
        " AND p.coordenadas IS NOT NULL ORDER BY p.fecha_publicacion DESC NULLS LAST, p.id LIMIT ",
    );
    query.push_bind(LIMIT);
    query.build_query_as().fetch_all(&mut *connection).await
}

/// The services, by category.
pub async fn services(connection: &mut PgConnection) -> sqlx::Result<BTreeMap<String, Vec<Spot>>> {
    let mut query = QueryBuilder::new(format!(
        "SELECT s.categoria, s.nombre, {} FROM servicios s WHERE s.coordenadas IS NOT NULL ORDER BY s.id LIMIT ",
        degrees("s.coordenadas")
    ));
    query.push_bind(SERVICES);
    let spots: Vec<Spot> = query.build_query_as().fetch_all(&mut *connection).await?;
    let mut groups: BTreeMap<String, Vec<Spot>> = BTreeMap::new();
    for spot in spots {
        groups.entry(spot.categoria.clone()).or_default().push(spot);
    }
    Ok(groups)
}

/// `lat` and `lng` to a decimetre; more digits would only make the answer longer.
fn degrees(place: &str) -> String {
    let axis = |name: &str, end: &str| {
        format!("round(ST_{name}({place}::geometry)::numeric, 6)::float8 AS {end}")
    };
    format!("{}, {}", axis("Y", "lat"), axis("X", "lng"))
}
