//! The query of `/api/recomendar`: filter, score and rank, then look around the properties that are returned.
//!
//! Candidates with a full score come first, the cheapest before the others. So an index in the order of prices gives the
//! first page as soon as enough of them are found; only where there are not enough, all candidates are ranked.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::catalog::property::{COLUMNS, Property};
use crate::catalog::score;
use crate::catalog::search::{Filters, Page, push_conditions, push_range};
use crate::catalog::services::{self, NearbyColumns, RADII};

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

/// A page of the ranking (score falling, price rising, id rising; unknown last), and how many fit in all.
pub async fn find(
    connection: &mut PgConnection,
    wanted: &Preferences,
    page: Page,
) -> sqlx::Result<(i64, Vec<Recommended>)> {
    let rows = run(connection, wanted, page).await?;
    if !rows.is_empty() || page.offset == 0 {
        return Ok((rows.first().map_or(0, |row| row.total), rows));
    }
    let start = Page {
        limite: 1,
        offset: 0,
    };
    let first = run(connection, wanted, start).await?;
    Ok((first.first().map_or(0, |row| row.total), rows))
}

async fn run(
    connection: &mut PgConnection,
    wanted: &Preferences,
    page: Page,
) -> sqlx::Result<Vec<Recommended>> {
    query("", wanted, page)
        .build_query_as()
        .fetch_all(&mut *connection)
        .await
}

/// The lines in which the database explains this very query, measured: with the radius whose figures are kept, and with
/// another, in which services are measured.
pub async fn explain(
    connection: &mut PgConnection,
    wanted: &Preferences,
    page: Page,
) -> sqlx::Result<Vec<String>> {
    let mut lines = Vec::new();
    for radio_m in [wanted.radio_m, RADII[0]] {
        lines.push(format!("With the services within {radio_m} m:"));
        let wanted = Preferences {
            radio_m,
            ..wanted.clone()
        };
        let mut query = query("EXPLAIN (ANALYZE, BUFFERS) ", &wanted, page);
        let plan: Vec<String> = query
            .build_query_scalar()
            .fetch_all(&mut *connection)
            .await?;
        lines.extend(plan);
    }
    Ok(lines)
}

/// One statement: the full scores at the head of the ranking, and only where they do not fill the page the ranking of all. So
/// whatever is told of a property beside its score is fetched for the page alone, and once.
fn query(prefix: &str, wanted: &Preferences, page: Page) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(prefix);
    // An index in the order of prices is read until the page is full.
    query.push("WITH ");
    push_scored(&mut query, "primeras", "NOT MATERIALIZED", wanted);
    query.push(", mejores AS MATERIALIZED (SELECT * FROM primeras WHERE compatibilidad = 100 ORDER BY precio_usd ASC NULLS LAST, id");
    push_page(&mut query, page);
    // Each part is worked out once for each candidate, though the score names it again.
    query.push("), ");
    push_scored(&mut query, "todas", "MATERIALIZED", wanted);
    query.push(", elegidas AS (SELECT *, (SELECT count(*)");
    push_fitting(&mut query, "primeras", wanted);
    query.push(") AS total FROM mejores WHERE (SELECT count(*) FROM mejores) = ");
    query.push_bind(page.limite);
    query.push(" UNION ALL SELECT * FROM (SELECT *, count(*) OVER () AS total FROM todas");
    push_threshold(&mut query, wanted);
    query.push(" ORDER BY compatibilidad DESC NULLS LAST, precio_usd ASC NULLS LAST, id");
    push_page(&mut query, page);
    query.push(") AS clasificadas WHERE (SELECT count(*) FROM mejores) < ");
    query.push_bind(page.limite);
    query.push(") SELECT ").push(COLUMNS);
    query.push(
        ", e.compatibilidad, e.peso, e.parte_precio, e.parte_servicios, e.parte_superficie, e.parte_familia, e.total,
           p.distancias_m",
    );
    services::push_columns(&mut query, wanted.radio_m);
    query.push(" FROM elegidas e JOIN propiedades p ON p.id = e.id");
    services::push_lateral(&mut query, wanted.radio_m);
    query.push(" ORDER BY e.compatibilidad DESC NULLS LAST, e.precio_usd ASC NULLS LAST, e.id");
    query
}

/// Appends the candidates with their scores as `name`.
fn push_scored(
    query: &mut QueryBuilder<Postgres>,
    name: &str,
    materialized: &str,
    wanted: &Preferences,
) {
    query.push(format!(
        "{name}_partes AS {materialized} (SELECT p.id, p.precio_usd"
    ));
    score::push_parts(query, wanted);
    push_candidates(query, wanted);
    query.push(format!(
        "), {name} AS NOT MATERIALIZED (
            SELECT *, floor(1000 * ({}) / nullif(peso, 0) + 0.5) / 10 AS compatibilidad
            FROM (SELECT *, {} AS peso FROM {name}_partes) AS pesadas)",
        score::points_sql(),
        score::weight_sql(),
    ));
}

/// Appends from where all that fit are counted; without a threshold, all candidates do.
fn push_fitting(query: &mut QueryBuilder<Postgres>, name: &str, wanted: &Preferences) {
    if wanted.umbral > 0.0 {
        query.push(" FROM ").push(name);
        push_threshold(query, wanted);
    } else {
        push_candidates(query, wanted);
    }
}

fn push_threshold(query: &mut QueryBuilder<Postgres>, wanted: &Preferences) {
    if wanted.umbral > 0.0 {
        query
            .push(" WHERE compatibilidad >= ")
            .push_bind(wanted.umbral);
    }
}

fn push_page(query: &mut QueryBuilder<Postgres>, page: Page) {
    query.push(" LIMIT ").push_bind(page.limite);
    query.push(" OFFSET ").push_bind(page.offset);
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
