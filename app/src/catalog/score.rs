//! The score: what it is made of, how much each part weighs, and its SQL. README.md states it for readers.

use sqlx::{Postgres, QueryBuilder};

use crate::catalog::recommend::Preferences;

/// Weights of the parts.
pub const PRICE: f64 = 35.0;
/// Weight of the nearness of services.
pub const SERVICES: f64 = 35.0;
/// Weight of the surface.
pub const SURFACE: f64 = 15.0;
/// Weight of the rooms that the family needs.
pub const FAMILY: f64 = 15.0;

/// Up to this share of the highest price nothing is lost.
const COMFORTABLE: f64 = 0.8;
/// Metres within which a service counts in full.
const AT_THE_DOOR_M: f64 = 250.0;
/// Metres from which it counts nothing; the schema measures no further.
const A_WALK_M: f64 = 1000.0;

/// Appends the four parts as columns, each from 0 to 1 or NULL: what was not asked for, or is not known, takes no part. Beside
/// each stands whether it takes part, which costs less to ask than the part itself.
pub fn push_parts(query: &mut QueryBuilder<Postgres>, wanted: &Preferences) {
    push_price(query, wanted.presupuesto_max);
    push_services(query, &wanted.categorias);
    push_share(
        query,
        "superficie",
        "p.superficie_m2",
        Some(wanted.superficie_deseada()),
    );
    push_share(
        query,
        "familia",
        "p.num_dormitorios",
        wanted.dormitorios_necesarios(),
    );
}

/// What there is as a share of what is wanted, at most 1. The CASE is needed: `least` passes NULL over.
fn push_share(query: &mut QueryBuilder<Postgres>, part: &str, what: &str, wanted: Option<f64>) {
    match wanted {
        Some(wanted) => {
            query.push(format!(
                ", CASE WHEN {what} IS NOT NULL THEN least(1, {what}::float8 / "
            ));
            query.push_bind(wanted);
            query.push(format!(
                ") END AS parte_{part}, {what} IS NOT NULL AS juzga_{part}"
            ));
        }
        None => push_nothing(query, part),
    }
}

/// A part that was not asked for.
fn push_nothing(query: &mut QueryBuilder<Postgres>, part: &str) {
    query.push(format!(
        ", NULL::float8 AS parte_{part}, false AS juzga_{part}"
    ));
}

/// 1 up to 80 % of the highest price, then in a straight line to one half at the highest price.
fn push_price(query: &mut QueryBuilder<Postgres>, most: Option<f64>) {
    let Some(most) = most else {
        return push_nothing(query, "precio");
    };
    query.push(
        ", CASE WHEN p.precio_usd IS NOT NULL THEN least(1, 1 - 0.5::float8 * (p.precio_usd::float8 / ",
    );
    query.push_bind(most);
    query.push(format!(
        " - {COMFORTABLE}) / (1 - {COMFORTABLE}::float8)) END AS parte_precio, p.precio_usd IS NOT NULL AS juzga_precio"
    ));
}

/// The mean over the wanted categories: 1 within 250 m, then in a straight line to 0 at 1000 m. Written out, because a
/// subquery for every candidate would cost more than all the rest.
fn push_services(query: &mut QueryBuilder<Postgres>, categories: &[i32]) {
    query.push(", CASE WHEN p.distancias_m IS NOT NULL THEN (0::float8");
    for place in categories {
        query.push(format!(
            " + greatest(0, least(1, ({A_WALK_M}::float8 - coalesce(p.distancias_m["
        ));
        query.push_bind(*place);
        query.push(format!(
            "], {A_WALK_M}::float8)) / {}::float8))",
            A_WALK_M - AT_THE_DOOR_M
        ));
    }
    query.push(format!(
        ") / {}::float8 END AS parte_servicios, p.distancias_m IS NOT NULL AS juzga_servicios",
        categories.len()
    ));
}

/// The weight of the parts that are there, as SQL over their columns.
pub fn weight_sql() -> String {
    let part = |name: &str, weight: f64| {
        format!("CASE WHEN juzga_{name} THEN {weight}::float8 ELSE 0 END")
    };
    [
        part("precio", PRICE),
        part("servicios", SERVICES),
        part("superficie", SURFACE),
        part("familia", FAMILY),
    ]
    .join(" + ")
}

/// The weighted sum of the parts that are there.
pub fn points_sql() -> String {
    let part = |name: &str, weight: f64| format!("coalesce(parte_{name}, 0) * {weight}::float8");
    [
        part("precio", PRICE),
        part("servicios", SERVICES),
        part("superficie", SURFACE),
        part("familia", FAMILY),
    ]
    .join(" + ")
}
