//! The query of `/api/recomendar`: filter, score and rank, then look around the properties that are returned.
//!
//! Candidates with a full score come first, the cheapest before the others. So an index in the order of prices gives the
//! first page as soon as enough of them are found; only where there are not enough, all candidates are ranked.

use sqlx::postgres::PgConnection;
use sqlx::{PgPool, Postgres, QueryBuilder};

use crate::catalog::property::{COLUMNS, Property};
use crate::catalog::score;
use crate::catalog::search::{Filters, Page, push_conditions, push_range};
use crate::catalog::services::{self, NearbyColumns};

/// What somebody looks for.
#[derive(Debug, Clone)]
pub struct Preferences {
    pub operacion: &'static str,
    /// The folded name of the zone.
    pub zona: Option<String>,
    pub tipo_propiedad: Option<&'static str>,
    pub presupuesto_min: Option<f64>,
    pub presupuesto_max: Option<f64>,
    /// Places of the wanted service categories in `categorias_servicios`, from 1; never empty.
    pub categorias: Vec<i32>,
    pub familia: Option<Family>,
    /// Metres around a property in which services are counted.
    pub radio_m: i64,
    /// From 0 to 100; lower scores are left out.
    pub umbral: f64,
    /// Further filters, as hard as the rest.
    pub ademas: Filters,
}

/// Who will live there.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Heads.
    pub personas: i32,
    /// Whether children are among them.
    pub ninos: bool,
}

impl Preferences {
    /// Square metres from which the surface counts in full: 25 a head and at least 60, or 100 without a family.
    pub fn superficie_deseada(&self) -> f64 {
        self.familia.map_or(100.0, |family| {
            (25.0 * f64::from(family.personas)).max(60.0)
        })
    }

    /// Bedrooms from which they count in full: one for two heads, at least two with children.
    pub fn dormitorios_necesarios(&self) -> Option<f64> {
        let family = self.familia?;
        let least = if family.ninos { 2.0 } else { 1.0 };
        Some((f64::from(family.personas) / 2.0).ceil().max(least))
    }
}

/// A property that was found fitting.
#[derive(Debug, sqlx::FromRow)]
pub struct Recommended {
    #[sqlx(flatten)]
    pub propiedad: Property,
    /// 0 to 100 with one decimal; `None` when no part could be judged.
    pub compatibilidad: Option<f64>,
    /// Sum of the weights of the parts that could be judged, 0 to 100.
    pub peso: f64,
    pub parte_precio: Option<f64>,
    pub parte_servicios: Option<f64>,
    pub parte_superficie: Option<f64>,
    pub parte_familia: Option<f64>,
    /// Metres to the nearest service, by place of its category.
    pub distancias_m: Option<Vec<Option<f64>>>,
    /// Fitting properties in all.
    pub total: i64,
    #[sqlx(flatten)]
    pub cerca: NearbyColumns,
}

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// At candidates in the order of prices, until the page is full of full scores.
    Best,
    /// At all of them.
    All,
}

/// A page of the ranking (score falling, price rising, id rising; unknown last), and how many fit in all.
pub async fn find(
    pool: &PgPool,
    wanted: &Preferences,
    page: Page,
) -> sqlx::Result<(i64, Vec<Recommended>)> {
    let rows = run(pool, Depth::Best, wanted, page).await?;
    if i64::try_from(rows.len()) == Ok(page.limite) {
        return Ok((rows.first().map_or(0, |row| row.total), rows));
    }
    let rows = run(pool, Depth::All, wanted, page).await?;
    if !rows.is_empty() || page.offset == 0 {
        return Ok((rows.first().map_or(0, |row| row.total), rows));
    }
    let start = Page {
        limite: 1,
        offset: 0,
    };
    let first = run(pool, Depth::All, wanted, start).await?;
    Ok((first.first().map_or(0, |row| row.total), rows))
}

async fn run(
    pool: &PgPool,
    depth: Depth,
    wanted: &Preferences,
    page: Page,
) -> sqlx::Result<Vec<Recommended>> {
    query("", depth, wanted, page)
        .build_query_as()
        .fetch_all(pool)
        .await
}

/// The lines in which the database explains these very queries, measured.
pub async fn explain(
    connection: &mut PgConnection,
    wanted: &Preferences,
    page: Page,
) -> sqlx::Result<Vec<String>> {
    let mut lines = Vec::new();
    for (title, depth) in [
        ("The best, in the order of prices:", Depth::Best),
        ("All, where the best are not enough:", Depth::All),
    ] {
        lines.push(title.to_owned());
        let mut query = query("EXPLAIN (ANALYZE, BUFFERS) ", depth, wanted, page);
        let plan: Vec<String> = query
            .build_query_scalar()
            .fetch_all(&mut *connection)
            .await?;
        lines.extend(plan);
    }
    Ok(lines)
}

fn query(prefix: &str, depth: Depth, wanted: &Preferences, page: Page) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(prefix);
    // Where all are ranked, each part is worked out once for each candidate, though the score names it twice.
    let once = match depth {
        Depth::Best => "NOT MATERIALIZED",
        Depth::All => "MATERIALIZED",
    };
    query.push(format!(
        "WITH candidatas AS {once} (SELECT p.id, p.precio_usd"
    ));
    score::push_parts(&mut query, wanted);
    push_candidates(&mut query, wanted);
    query.push(format!(
        "), pesadas AS NOT MATERIALIZED (SELECT *, {} AS peso FROM candidatas",
        score::weight_sql()
    ));
    query.push(format!(
        "), puntuadas AS NOT MATERIALIZED (
            SELECT *, floor(1000 * ({}) / nullif(peso, 0) + 0.5) / 10 AS compatibilidad FROM pesadas",
        score::points_sql()
    ));
    push_chosen(&mut query, depth, wanted);
    query
        .push(" LIMIT ")
        .push_bind(page.limite)
        .push(" OFFSET ")
        .push_bind(page.offset);
    query.push(") SELECT ").push(COLUMNS);
    query.push(
        ", e.compatibilidad, e.peso, e.parte_precio, e.parte_servicios, e.parte_superficie, e.parte_familia, e.total,
           p.distancias_m, cerca.*
         FROM elegidas e JOIN propiedades p ON p.id = e.id",
    );
    services::push_lateral(&mut query, wanted.radio_m);
    query.push(" ORDER BY e.compatibilidad DESC NULLS LAST, e.precio_usd ASC NULLS LAST, e.id");
    query
}

/// Appends the ranked candidates `elegidas`, each with the number of all that fit.
fn push_chosen(query: &mut QueryBuilder<Postgres>, depth: Depth, wanted: &Preferences) {
    if depth == Depth::Best {
        query.push("), elegidas AS (SELECT *, (SELECT count(*)");
        if wanted.umbral > 0.0 {
            query.push(" FROM puntuadas WHERE compatibilidad >= ");
            query.push_bind(wanted.umbral);
        } else {
            push_candidates(query, wanted);
        }
        query.push(
            ") AS total FROM puntuadas WHERE compatibilidad = 100 ORDER BY precio_usd ASC NULLS LAST, id",
        );
        return;
    }
    query.push("), elegidas AS (SELECT *, count(*) OVER () AS total FROM puntuadas");
    if wanted.umbral > 0.0 {
        query
            .push(" WHERE compatibilidad >= ")
            .push_bind(wanted.umbral);
    }
    query.push(" ORDER BY compatibilidad DESC NULLS LAST, precio_usd ASC NULLS LAST, id");
}

/// Appends ` FROM propiedades p WHERE …`: what is on offer and passes every filter.
pub fn push_candidates(query: &mut QueryBuilder<Postgres>, wanted: &Preferences) {
    query.push(" FROM propiedades p WHERE p.estado_propiedad = 'disponible' AND p.operacion = ");
    query.push_bind(wanted.operacion);
    if let Some(zona) = &wanted.zona {
        query
            .push(" AND p.zona_normalizada = ")
            .push_bind(zona.clone());
    }
    if let Some(tipo) = wanted.tipo_propiedad {
        query.push(" AND p.tipo_propiedad = ").push_bind(tipo);
    }
    push_range(
        query,
        "p.precio_usd",
        wanted.presupuesto_min,
        wanted.presupuesto_max,
    );
    push_conditions(query, &wanted.ademas);
}
