//! The query of `/api/buscar`.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::catalog::filters::{Amount, Condition, Filters, Near, PlaceName, Rooms};
use crate::catalog::property::{COLUMNS, Property};

/// An order of properties. Each ends with the id, so it is total, and what is unknown comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Id,
    Cheapest,
    Dearest,
    Largest,
    Newest,
    /// Only with a place; see [`Filters::cerca`].
    Distance,
}

/// The orders by their names in requests.
pub const ORDERS: &[(&str, Order)] = &[
    ("id", Order::Id),
    ("precio_asc", Order::Cheapest),
    ("precio_desc", Order::Dearest),
    ("superficie_desc", Order::Largest),
    ("recientes", Order::Newest),
    ("distancia", Order::Distance),
];

impl Order {
    /// In SQL.
    fn sql(self) -> &'static str {
        match self {
            Order::Id => "p.id",
            Order::Cheapest => "p.precio_usd ASC NULLS LAST, p.id",
            Order::Dearest => "p.precio_usd DESC NULLS LAST, p.id",
            Order::Largest => {
                "coalesce(p.superficie_construida, p.superficie_total) DESC NULLS LAST, p.id"
            }
            Order::Newest => "p.fecha_publicacion DESC NULLS LAST, p.id",
            Order::Distance => "distancia_m, p.id",
        }
    }
}

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
    order: Order,
    page: Page,
) -> sqlx::Result<(i64, Vec<Property>)> {
    let total = count(&mut *connection, filters).await?;
    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS);
    push_distance(&mut query, filters.cerca);
    push_filters(&mut query, filters);
    query.push(" ORDER BY ").push(order.sql());
    query
        .push(" LIMIT ")
        .push_bind(page.limite)
        .push(" OFFSET ")
        .push_bind(page.offset);
    let rows = query.build_query_as().fetch_all(&mut *connection).await?;
    Ok((total, rows))
}

/// How many properties pass the filters.
pub async fn count(connection: &mut PgConnection, filters: &Filters) -> sqlx::Result<i64> {
    let mut query = QueryBuilder::new("SELECT count(*)");
    push_filters(&mut query, filters);
    query.build_query_scalar().fetch_one(connection).await
}

/// Appends ` FROM propiedades p WHERE …`: the properties that pass the filters.
pub fn push_filters(query: &mut QueryBuilder<Postgres>, filters: &Filters) {
    query.push(" FROM propiedades p WHERE true");
    for condition in filters.conditions() {
        query.push(" AND ");
        push_condition(query, &condition);
    }
}

/// Appends one filter, over the table under the alias `p`.
fn push_condition(query: &mut QueryBuilder<Postgres>, condition: &Condition) {
    match *condition {
        Condition::Zones(zones) => push_any(query, "zona_normalizada", zones.to_vec()),
        Condition::OtherZones(zones) => {
            query.push("p.zona_normalizada <> ALL(");
            query.push_bind(zones.to_vec()).push(")");
        }
        Condition::Kinds(kinds) => push_any(query, "tipo_propiedad", kinds.to_vec()),
        Condition::Operation(word) => {
            query.push("p.operacion = ").push_bind(word);
        }
        Condition::State(word) => {
            query.push("p.estado_propiedad = ").push_bind(word);
        }
        // Cast to numeric so that an index on the column serves.
        Condition::Amount(amount, least, most) => {
            push_range(query, amount_column(amount), (least, most), "::numeric");
        }
        Condition::Rooms(rooms, least, most) => {
            push_range(query, rooms_column(rooms), (least, most), "");
        }
        Condition::Contains(name, part) => {
            query
                .push("position(normalizar(")
                .push_bind(part.to_owned());
            query
                .push(") in normalizar(p.")
                .push(name_column(name))
                .push(")) > 0");
        }
        Condition::PublishedWithin(days) => {
            query.push("p.fecha_publicacion >= current_date - ");
            query.push_bind(days).push("::int");
        }
        Condition::Only(ids) => push_any(query, "id", ids.to_vec()),
        Condition::Near(near) => {
            query.push("ST_DWithin(p.coordenadas, ");
            push_point(query, near);
            query.push(", ").push_bind(near.radio_m).push(")");
        }
    }
}

fn amount_column(amount: Amount) -> &'static str {
    match amount {
        Amount::Price => "p.precio_usd",
        Amount::Surface => "coalesce(p.superficie_construida, p.superficie_total)",
    }
}

fn rooms_column(rooms: Rooms) -> &'static str {
    match rooms {
        Rooms::Bedrooms => "p.num_dormitorios",
        Rooms::Bathrooms => "p.num_banos",
        Rooms::Garages => "p.num_garajes",
    }
}

fn name_column(name: PlaceName) -> &'static str {
    match name {
        PlaceName::Neighbourhood => "uv",
        PlaceName::Block => "manzana",
    }
}

fn push_any<T>(query: &mut QueryBuilder<Postgres>, column: &str, words: Vec<T>)
where
    Vec<T>: for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres> + Send + 'static,
{
    query.push("p.").push(column).push(" = ANY(");
    query.push_bind(words).push(")");
}

/// Both ends are included; at least one is given.
fn push_range<T>(
    query: &mut QueryBuilder<Postgres>,
    what: &str,
    (least, most): (Option<T>, Option<T>),
    cast: &str,
) where
    T: for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres> + Send + 'static,
{
    let both = if least.is_some() && most.is_some() {
        " AND "
    } else {
        ""
    };
    if let Some(least) = least {
        query.push(what).push(" >= ").push_bind(least).push(cast);
    }
    query.push(both);
    if let Some(most) = most {
        query.push(what).push(" <= ").push_bind(most).push(cast);
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
