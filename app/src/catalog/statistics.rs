//! What the catalogue looks like as a whole.

use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

/// Price classes in dollars, half open: from each bound up to the next.
pub const BOUNDS: [i32; 6] = [0, 50_000, 100_000, 150_000, 200_000, 300_000];

/// Figures of an operation's properties. Unknown prices and surfaces are left out and counted.
#[derive(Debug, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = Cifras)]
pub struct Figures {
    pub cantidad: i64,
    pub sin_precio: i64,
    pub precio_promedio: Option<f64>,
    pub precio_minimo: Option<f64>,
    pub precio_cuartil_1: Option<f64>,
    pub precio_mediano: Option<f64>,
    pub precio_cuartil_3: Option<f64>,
    pub precio_maximo: Option<f64>,
    pub sin_superficie: i64,
    pub superficie_promedio: Option<f64>,
    pub superficie_mediana: Option<f64>,
    /// Properties whose price and surface are known.
    pub con_precio_m2: i64,
    pub precio_m2_mediano: Option<f64>,
}

/// How many there are of something.
#[derive(Debug, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = Conteo)]
pub struct Count {
    /// Null where it is unknown.
    pub nombre: Option<String>,
    pub cantidad: i64,
}

/// What a kind costs: plots, flats and houses are not one market.
#[derive(Debug, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = MedianaDeTipo)]
pub struct KindMedian {
    pub nombre: String,
    /// Properties whose price is known.
    pub con_precio: i64,
    pub precio_mediano: Option<f64>,
    pub precio_m2_mediano: Option<f64>,
}

/// How many prices lie from one bound up to the next.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClaseDePrecio)]
pub struct PriceClass {
    pub rango: String,
    pub desde: i32,
    pub hasta: Option<i32>,
    pub cantidad: i64,
}

/// Zones of [`top_zones`].
pub const TOP_ZONES: usize = 10;

const SURFACE: &str = "coalesce(superficie_construida, superficie_total)";

/// The figures of an operation.
pub async fn figures(connection: &mut PgConnection, operacion: &str) -> sqlx::Result<Figures> {
    let at = |share: &str, what: &str| {
        format!("percentile_cont({share}) WITHIN GROUP (ORDER BY ({what})::float8)")
    };
    let query = format!(
        "SELECT count(*) AS cantidad, count(*) FILTER (WHERE precio_usd IS NULL) AS sin_precio,
                round(avg(precio_usd), 2)::float8 AS precio_promedio, min(precio_usd)::float8 AS precio_minimo,
                {} AS precio_cuartil_1, {} AS precio_mediano, {} AS precio_cuartil_3,
                max(precio_usd)::float8 AS precio_maximo,
                count(*) FILTER (WHERE {SURFACE} IS NULL) AS sin_superficie,
                round(avg({SURFACE}), 2)::float8 AS superficie_promedio, {} AS superficie_mediana,
                count(precio_usd / {SURFACE}) AS con_precio_m2, {} AS precio_m2_mediano
         FROM propiedades WHERE operacion = $1",
        at("0.25", "precio_usd"),
        at("0.5", "precio_usd"),
        at("0.75", "precio_usd"),
        at("0.5", SURFACE),
        at("0.5", &format!("round(precio_usd / {SURFACE}, 2)")),
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(operacion)
        .fetch_one(&mut *connection)
        .await
}

/// How many properties each operation has, the most frequent first.
pub async fn operations(connection: &mut PgConnection) -> sqlx::Result<Vec<Count>> {
    sqlx::query_as(
        "SELECT operacion AS nombre, count(*) AS cantidad FROM propiedades GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    .fetch_all(&mut *connection)
    .await
}

/// How many properties of an operation each kind has, the most frequent first.
pub async fn kinds(connection: &mut PgConnection, operacion: &str) -> sqlx::Result<Vec<Count>> {
    sqlx::query_as(
        "SELECT tipo_propiedad AS nombre, count(*) AS cantidad FROM propiedades WHERE operacion = $1
         GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    .bind(operacion)
    .fetch_all(&mut *connection)
    .await
}

/// What each kind of an operation costs, by its name.
pub async fn kind_medians(
    connection: &mut PgConnection,
    operacion: &str,
) -> sqlx::Result<Vec<KindMedian>> {
    let query = format!(
        "SELECT tipo_propiedad AS nombre, count(precio_usd) AS con_precio,
                percentile_cont(0.5) WITHIN GROUP (ORDER BY precio_usd::float8) AS precio_mediano,
                percentile_cont(0.5) WITHIN GROUP (ORDER BY round(precio_usd / {SURFACE}, 2)::float8) AS precio_m2_mediano
         FROM propiedades WHERE operacion = $1 GROUP BY 1 ORDER BY 1"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(operacion)
        .fetch_all(&mut *connection)
        .await
}

/// The ten zones with the most properties of an operation.
pub async fn top_zones(connection: &mut PgConnection, operacion: &str) -> sqlx::Result<Vec<Count>> {
    sqlx::query_as(
        "SELECT min(zona) AS nombre, count(*) AS cantidad FROM propiedades
         WHERE operacion = $1 AND zona_normalizada IS NOT NULL
         GROUP BY zona_normalizada ORDER BY 2 DESC, 1 LIMIT 10",
    )
    .bind(operacion)
    .fetch_all(&mut *connection)
    .await
}

/// Every price class of an operation, the empty ones too, from the lowest up.
pub async fn price_classes(
    connection: &mut PgConnection,
    operacion: &str,
) -> sqlx::Result<Vec<PriceClass>> {
    let found: Vec<(i32, i64)> = sqlx::query_as(
        "SELECT width_bucket(precio_usd, $2::int[]::numeric[]), count(*) FROM propiedades
         WHERE operacion = $1 AND precio_usd IS NOT NULL GROUP BY 1",
    )
    .bind(operacion)
    .bind(BOUNDS.as_slice())
    .fetch_all(&mut *connection)
    .await?;
    let mut counts = [0; BOUNDS.len()];
    for (class, count) in found {
        let index = usize::try_from(class - 1).ok();
        if let Some(own) = index.and_then(|index| counts.get_mut(index)) {
            *own = count;
        }
    }
    Ok(price_class_list(&counts))
}

/// Price classes with these counts, from the lowest up.
pub fn price_class_list(counts: &[i64; BOUNDS.len()]) -> Vec<PriceClass> {
    let bounds = BOUNDS.iter().skip(1);
    let highest = bounds.map(|bound| Some(*bound)).chain([None]);
    BOUNDS
        .iter()
        .zip(highest)
        .zip(counts)
        .map(|((desde, hasta), cantidad)| PriceClass {
            rango: name(*desde, hasta),
            desde: *desde,
            hasta,
            cantidad: *cantidad,
        })
        .collect()
}

fn name(desde: i32, hasta: Option<i32>) -> String {
    let thousands = |bound: i32| match bound {
        0 => "0".to_owned(),
        bound => format!("{}k", bound / 1000),
    };
    match hasta {
        Some(hasta) => format!("{}-{}", thousands(desde), thousands(hasta)),
        None => format!("{}+", thousands(desde)),
    }
}
