//! Searches that need the whole row: what its texts say, how far it is from a place, and which quarter of its like it is in.
//!
//! They are answered as ids, which every other query takes as one more filter ([`Filters::solo`]).

use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::catalog::filters::Filters;
use crate::catalog::fold::fold;
use crate::catalog::rings;
use crate::catalog::search::push_filters;

/// A condition on a whole row.
#[derive(Debug, Clone, PartialEq)]
pub enum Narrowing {
    /// The texts say it: a regular expression over folded text. What the text denies ("sin piscina") does not count.
    Says(String),
    /// The texts do not say it.
    SaysNot(String),
    /// Between two rings; either may be open.
    Rings(Option<f64>, Option<f64>),
    /// Within so many metres of one of these places.
    Around(Vec<(f64, f64)>, f64),
    /// In the lowest or highest quarter of the prices of its zone, kind and operation.
    PriceQuarter(End),
    /// In the lowest or highest quarter of the surfaces of its kind.
    SurfaceQuarter(End),
}

/// One of the outer quarters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Lowest,
    Highest,
}

/// What stands before a word that a text denies.
const DENIED: &str = r"(?<!\m(sin|no|no tiene|no incluye|no acepta|no aceptan|no se acepta|no se aceptan|no admite|no se admiten|no permite|no se permiten) )";

const TEXT: &str = "normalizar(concat_ws(' . ', p.titulo, p.descripcion, p.direccion))";
const SURFACE: &str = "coalesce(p.superficie_construida, p.superficie_total)";

/// The ids of the properties that pass the filters and every narrowing.
pub async fn ids(
    connection: &mut PgConnection,
    filters: &Filters,
    narrowings: &[Narrowing],
) -> sqlx::Result<Vec<i64>> {
    let mut query = QueryBuilder::new("SELECT p.id");
    push_filters(&mut query, filters);
    for narrowing in narrowings {
        query.push(" AND ");
        push(&mut query, narrowing);
    }
    query.build_query_scalar().fetch_all(connection).await
}

/// Where the services are whose name contains these words, and how many there are at most.
pub async fn services_named(
    connection: &mut PgConnection,
    name: &str,
    most: i64,
) -> sqlx::Result<Vec<(f64, f64)>> {
    sqlx::query_as(
        "SELECT ST_Y(coordenadas::geometry), ST_X(coordenadas::geometry) FROM servicios
         WHERE coordenadas IS NOT NULL AND normalizar(nombre) ~ $1 ORDER BY id LIMIT $2",
    )
    .bind(literal(name))
    .bind(most)
    .fetch_all(connection)
    .await
}

/// A regular expression for these words as they are, whole at both ends.
pub fn literal(words: &str) -> String {
    let mut pattern = String::from(r"\m");
    for letter in fold(words).chars() {
        if !letter.is_alphanumeric() && letter != ' ' {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push_str(r"\M");
    pattern
}

fn push(query: &mut QueryBuilder<Postgres>, narrowing: &Narrowing) {
    match narrowing {
        Narrowing::Says(pattern) => push_says(query, pattern),
        Narrowing::SaysNot(pattern) => {
            query.push("NOT ");
            push_says(query, pattern);
        }
        Narrowing::Rings(inner, outer) => push_rings(query, *inner, *outer),
        Narrowing::Around(places, metres) => push_around(query, places, *metres),
        Narrowing::PriceQuarter(end) => push_quarter(
            query,
            "p.precio_usd",
            "q.tipo_propiedad, q.operacion, q.zona_normalizada",
            *end,
        ),
        Narrowing::SurfaceQuarter(end) => {
            push_quarter(query, SURFACE, "q.tipo_propiedad", *end);
        }
    }
}

fn push_says(query: &mut QueryBuilder<Postgres>, pattern: &str) {
    query.push("(").push(TEXT).push(" ~ ");
    query.push_bind(format!(r"{DENIED}\m({pattern})")).push(")");
}

fn push_rings(query: &mut QueryBuilder<Postgres>, inner: Option<f64>, outer: Option<f64>) {
    let (lat, lng) = rings::CENTRE;
    let metres = |ring: f64| rings::radius_m(ring);
    query.push("ST_Distance(p.coordenadas, ST_SetSRID(ST_MakePoint(");
    query.push_bind(lng).push(", ").push_bind(lat);
    query.push("), 4326)::geography, false) BETWEEN ");
    query.push_bind(inner.map_or(0.0, metres)).push(" AND ");
    query.push_bind(outer.map_or(f64::INFINITY, metres));
}

fn push_around(query: &mut QueryBuilder<Postgres>, places: &[(f64, f64)], metres: f64) {
    let (lats, lngs): (Vec<f64>, Vec<f64>) = places.iter().copied().unzip();
    query.push("EXISTS (SELECT FROM unnest(").push_bind(lats);
    query.push("::float8[], ").push_bind(lngs);
    query.push("::float8[]) AS l (lat, lng) WHERE ST_DWithin(p.coordenadas, ST_SetSRID(ST_MakePoint(l.lng, l.lat), 4326)::geography, ");
    query.push_bind(metres).push("))");
}

/// Ranks what is on offer among its like, once for all rows.
fn push_quarter(query: &mut QueryBuilder<Postgres>, value: &str, like: &str, end: End) {
    let rank = match end {
        End::Lowest => "percent_rank() OVER like_it <= 0.25",
        End::Highest => "cume_dist() OVER like_it > 0.75",
    };
    query.push(format!(
        "p.id IN (SELECT r.id FROM (
            SELECT q.id, {rank} AS fits FROM (
                SELECT p.id, p.tipo_propiedad, p.operacion, p.zona_normalizada, {value} AS value FROM propiedades p
                WHERE p.estado_propiedad = 'disponible' AND {value} IS NOT NULL) AS q
            WINDOW like_it AS (PARTITION BY {like} ORDER BY q.value)) AS r WHERE r.fits)"
    ));
}
