//! The query of `/api/buscar`.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::catalog::property::{COLUMNS, Property};

/// What is wanted. Every filter is hard, and an unknown value of a row never passes one.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// Folded names of zones, one of which it must be.
    pub zonas: Option<Vec<String>>,
    /// Folded names of zones, none of which it may be.
    pub sin_zonas: Vec<String>,
    pub precio_min: Option<f64>,
    pub precio_max: Option<f64>,
    /// Kinds, one of which it must be; none means any.
    pub tipos: Vec<&'static str>,
    pub operacion: Option<&'static str>,
    pub estado: Option<&'static str>,
    pub unidad_vecinal: Option<String>,
    pub manzana: Option<String>,
    pub superficie_min: Option<f64>,
    pub superficie_max: Option<f64>,
    pub habitaciones_min: Option<i64>,
    pub habitaciones_max: Option<i64>,
    pub banos_min: Option<i64>,
    pub banos_max: Option<i64>,
    pub tiene_garaje: Option<bool>,
    /// Published within so many days.
    pub dias: Option<i64>,
    pub cerca: Option<Near>,
}

/// A circle on the spheroid.
#[derive(Debug, Clone, Copy)]
pub struct Near {
    pub lat: f64,
    pub lng: f64,
    /// Metres.
    pub radio_m: i64,
}

/// The orders that may be asked for. Each ends with the id, so it is total.
pub const ORDERS: &[(&str, &str)] = &[
    ("id", "p.id"),
    ("precio_asc", "p.precio_usd ASC NULLS LAST, p.id"),
    ("precio_desc", "p.precio_usd DESC NULLS LAST, p.id"),
    (
        "superficie_desc",
        "coalesce(p.superficie_construida, p.superficie_total) DESC NULLS LAST, p.id",
    ),
    ("recientes", "p.fecha_publicacion DESC NULLS LAST, p.id"),
    // Only where a place is given; see [`Filters::cerca`].
    ("distancia", "distancia_m, p.id"),
];

/// A part of the ordered result.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Rows at most.
    pub limite: i64,
    /// Rows before it.
    pub offset: i64,
}

/// The rows of a page, and how many there are in all.
pub async fn find(
    connection: &mut PgConnection,
    filters: &Filters,
    order: &'static str,
    page: Page,
) -> sqlx::Result<(i64, Vec<Property>)> {
    let mut query = QueryBuilder::new("SELECT count(*)");
    push_filters(&mut query, filters);
    let total: i64 = query
        .build_query_scalar()
        .fetch_one(&mut *connection)
        .await?;

    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS);
    push_distance(&mut query, filters.cerca);
    push_filters(&mut query, filters);
    query.push(" ORDER BY ").push(order);
    query
        .push(" LIMIT ")
        .push_bind(page.limite)
        .push(" OFFSET ")
        .push_bind(page.offset);
    let rows = query.build_query_as().fetch_all(&mut *connection).await?;
    Ok((total, rows))
}

/// Appends ` FROM propiedades p WHERE …`.
pub fn push_filters(query: &mut QueryBuilder<Postgres>, filters: &Filters) {
    query.push(" FROM propiedades p WHERE true");
    push_conditions(query, filters);
}

/// Appends ` AND …` for each filter, over the table under the alias `p`.
pub fn push_conditions(query: &mut QueryBuilder<Postgres>, filters: &Filters) {
    if let Some(zonas) = &filters.zonas {
        query
            .push(" AND p.zona_normalizada = ANY(")
            .push_bind(zonas.clone())
            .push(")");
    }
    if !filters.sin_zonas.is_empty() {
        query
            .push(" AND p.zona_normalizada <> ALL(")
            .push_bind(filters.sin_zonas.clone())
            .push(")");
    }
    push_range(
        query,
        "p.precio_usd",
        filters.precio_min,
        filters.precio_max,
    );
    push_range(
        query,
        "coalesce(p.superficie_construida, p.superficie_total)",
        filters.superficie_min,
        filters.superficie_max,
    );
    if !filters.tipos.is_empty() {
        query
            .push(" AND p.tipo_propiedad = ANY(")
            .push_bind(filters.tipos.clone())
            .push(")");
    }
    for (column, value) in [
        ("operacion", filters.operacion),
        ("estado_propiedad", filters.estado),
    ] {
        if let Some(value) = value {
            query
                .push(" AND p.")
                .push(column)
                .push(" = ")
                .push_bind(value);
        }
    }
    for (column, part) in [
        ("uv", &filters.unidad_vecinal),
        ("manzana", &filters.manzana),
    ] {
        if let Some(part) = part {
            query
                .push(" AND position(normalizar(")
                .push_bind(part.clone());
            query.push(") in normalizar(p.").push(column).push(")) > 0");
        }
    }
    for (bound, rooms) in [
        ("num_dormitorios >= ", filters.habitaciones_min),
        ("num_dormitorios <= ", filters.habitaciones_max),
        ("num_banos >= ", filters.banos_min),
        ("num_banos <= ", filters.banos_max),
    ] {
        if let Some(rooms) = rooms {
            query.push(" AND p.").push(bound).push_bind(rooms);
        }
    }
    match filters.tiene_garaje {
        Some(true) => query.push(" AND p.num_garajes > 0"),
        Some(false) => query.push(" AND p.num_garajes = 0"),
        None => query,
    };
    if let Some(days) = filters.dias {
        query.push(" AND p.fecha_publicacion >= current_date - ");
        query.push_bind(days).push("::int");
    }
    if let Some(near) = filters.cerca {
        query.push(" AND ST_DWithin(p.coordenadas, ");
        push_point(query, near);
        query.push(", ").push_bind(near.radio_m).push(")");
    }
}

/// Appends the column `distancia_m`: metres from the given place, or NULL without one.
fn push_distance(query: &mut QueryBuilder<Postgres>, near: Option<Near>) {
    let Some(near) = near else {
        query.push(", NULL::float8 AS distancia_m");
        return;
    };
    query.push(", ST_Distance(p.coordenadas, ");
    push_point(query, near);
    query.push(") AS distancia_m");
}

fn push_point(query: &mut QueryBuilder<Postgres>, near: Near) {
    query.push("ST_SetSRID(ST_MakePoint(").push_bind(near.lng);
    query
        .push(", ")
        .push_bind(near.lat)
        .push("), 4326)::geography");
}

/// Both ends included; cast to numeric so that an index on the column serves.
pub fn push_range(
    query: &mut QueryBuilder<Postgres>,
    what: &str,
    least: Option<f64>,
    most: Option<f64>,
) {
    if let Some(least) = least {
        query
            .push(" AND ")
            .push(what)
            .push(" >= ")
            .push_bind(least)
            .push("::numeric");
    }
    if let Some(most) = most {
        query
            .push(" AND ")
            .push(what)
            .push(" <= ")
            .push_bind(most)
            .push("::numeric");
    }
}
