//! What the properties that pass the filters cost, by operation or by zone.

use serde::Serialize;
use sqlx::{PgConnection, QueryBuilder};
use utoipa::ToSchema;

use crate::catalog::filters::Filters;
use crate::catalog::search::push_filters;

/// Figures of one operation. Prices are US dollars (of a month for a rent), over the properties whose price is known.
#[derive(Debug, Clone, Serialize, ToSchema, sqlx::FromRow)]
#[schema(as = Resumen)]
pub struct Summary {
    pub operacion: String,
    /// Properties.
    pub cantidad: i64,
    pub precio_minimo: Option<f64>,
    pub precio_mediano: Option<f64>,
    pub precio_promedio: Option<f64>,
    pub precio_maximo: Option<f64>,
    /// Median dollars for a square metre, over properties with a price and a surface.
    pub usd_m2_mediano: Option<f64>,
    pub superficie_mediana: Option<f64>,
}

/// Figures of one zone.
#[derive(Debug, Clone, Serialize, ToSchema, sqlx::FromRow)]
#[schema(as = ResumenZona)]
pub struct ZoneSummary {
    pub zona: String,
    /// Properties.
    pub cantidad: i64,
    pub precio_mediano: Option<f64>,
    pub usd_m2_mediano: Option<f64>,
}

const SURFACE: &str = "coalesce(p.superficie_construida, p.superficie_total)";

/// The figures, the operation with the most properties first.
pub async fn by_operation(
    connection: &mut PgConnection,
    filters: &Filters,
) -> sqlx::Result<Vec<Summary>> {
    let mut query = QueryBuilder::new(format!(
        "SELECT p.operacion, count(*) AS cantidad,
                min(p.precio_usd)::float8 AS precio_minimo,
                {} AS precio_mediano,
                round(avg(p.precio_usd))::float8 AS precio_promedio,
                max(p.precio_usd)::float8 AS precio_maximo,
                {} AS usd_m2_mediano,
                {} AS superficie_mediana",
        median("p.precio_usd"),
        median(&format!("p.precio_usd / {SURFACE}")),
        median(SURFACE),
    ));
    push_filters(&mut query, filters);
    query.push(" GROUP BY p.operacion ORDER BY cantidad DESC, p.operacion");
    query.build_query_as().fetch_all(&mut *connection).await
}

/// The orders of [`by_zone`]. Each ends with the name, so it is total.
pub const ZONE_ORDERS: &[(&str, &str)] = &[
    ("cantidad", "cantidad DESC, zona"),
    ("precio_asc", "precio_mediano ASC NULLS LAST, zona"),
    ("precio_desc", "precio_mediano DESC NULLS LAST, zona"),
];

/// The figures of each zone, at most `limit` of them.
pub async fn by_zone(
    connection: &mut PgConnection,
    filters: &Filters,
    order: &'static str,
    limit: i64,
) -> sqlx::Result<Vec<ZoneSummary>> {
    let mut query = QueryBuilder::new(format!(
        "SELECT min(p.zona) AS zona, count(*) AS cantidad, {} AS precio_mediano, {} AS usd_m2_mediano",
        median("p.precio_usd"),
        median(&format!("p.precio_usd / {SURFACE}")),
    ));
    push_filters(&mut query, filters);
    query.push(" AND p.zona_normalizada IS NOT NULL GROUP BY p.zona_normalizada ORDER BY ");
    query.push(order).push(" LIMIT ").push_bind(limit);
    query.build_query_as().fetch_all(&mut *connection).await
}

/// A median as a whole number, without unknown values.
fn median(of: &str) -> String {
    format!("round(percentile_cont(0.5) WITHIN GROUP (ORDER BY {of}))")
}
