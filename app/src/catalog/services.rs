//! Services around a place.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use utoipa::ToSchema;

/// The radii that may be asked for, in metres; the middle one is the default.
pub const RADII: &[i64] = &[500, 1000, 2000];

/// The service categories, in the order of `categorias_servicios.id`, which starts at 1.
pub const CATEGORIES: &[&str] = &[
    "educacion",
    "salud",
    "comercio",
    "transporte",
    "seguridad",
    "recreacion",
    "finanzas",
    "gobierno",
    "otros",
];

/// The services of one category within the radius. Distances are metres on the spheroid, to a decimetre.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[schema(as = Cercania)]
pub struct Nearby {
    /// How many.
    pub cantidad: i64,
    /// Their mean distance; null without services.
    pub media_m: Option<f64>,
    /// The distance of the nearest.
    pub mas_cercano_m: Option<f64>,
}

/// The radius whose figures the schema stores with each property.
pub const KEPT_M: i64 = 1000;

/// Appends the columns of [`NearbyColumns`] of the property `p`: measured in `cerca`, or stored with the property.
pub fn push_columns(query: &mut QueryBuilder<Postgres>, radius_m: i64) {
    query.push(if radius_m == KEPT_M {
        ", NULL::text[] AS categorias, p.cantidades_1000m AS cantidades, p.medias_1000m AS medias_m, p.distancias_m AS cercanos_m"
    } else {
        ", cerca.*"
    });
}

/// Appends the lateral subquery `cerca`, unless the schema stores its figures: the services of each category within the
/// radius of `p.coordenadas`.
///
/// The index and distances on the sphere, which are wrong by less than 0.6 %, leave few services to measure exactly. The same
/// query on the spheroid alone takes four times as long.
pub fn push_lateral(query: &mut QueryBuilder<Postgres>, radius_m: i64) {
    if radius_m == KEPT_M {
        return;
    }
    query.push(
        " LEFT JOIN LATERAL (
            SELECT array_agg(m.categoria) AS categorias, array_agg(m.cantidad) AS cantidades,
                   array_agg(m.media_m) AS medias_m, array_agg(m.cercano_m) AS cercanos_m
            FROM (
                SELECT d.categoria, count(*) AS cantidad, avg(d.metros) AS media_m, min(d.metros) AS cercano_m
                FROM (
                    SELECT s.categoria, ST_Distance(s.coordenadas, p.coordenadas) AS metros
                    FROM servicios s
                    WHERE ST_DWithin(s.coordenadas, p.coordenadas, ",
    );
    query
        .push_bind(radius_m)
        .push(" * 1.01::float8, false) OFFSET 0) AS d WHERE d.metros <= ");
    query.push_bind(radius_m);
    query.push(" GROUP BY d.categoria) AS m) AS cerca ON true");
}

/// Figures by category: of the named categories, or of all in their order.
#[derive(Debug, sqlx::FromRow)]
pub struct NearbyColumns {
    categorias: Option<Vec<String>>,
    cantidades: Option<Vec<i64>>,
    medias_m: Option<Vec<Option<f64>>>,
    cercanos_m: Option<Vec<Option<f64>>>,
}

impl NearbyColumns {
    /// Every category with its figures.
    pub fn by_category(self) -> BTreeMap<&'static str, Nearby> {
        let all = || CATEGORIES.iter().copied();
        let mut found: BTreeMap<_, _> = all().map(|name| (name, Nearby::default())).collect();
        let categories: Vec<Option<&str>> = match self.categorias {
            Some(names) => names
                .iter()
                .map(|name| all().find(|known| known == name))
                .collect(),
            None => all().map(Some).collect(),
        };
        let figures = self.cantidades.unwrap_or_default().into_iter();
        let means = self.medias_m.unwrap_or_default().into_iter();
        let nearest = self.cercanos_m.unwrap_or_default().into_iter();
        let figures = categories.into_iter().zip(figures).zip(means).zip(nearest);
        for (((category, cantidad), mean), near) in figures {
            let Some(category) = category else {
                continue;
            };
            let nearby = Nearby {
                cantidad,
                media_m: mean.map(decimetre),
                mas_cercano_m: near.map(decimetre),
            };
            found.insert(category, nearby);
        }
        found
    }
}

/// The names of the categories in these places, from 1.
pub fn category_names(places: &[i32]) -> Vec<&'static str> {
    places
        .iter()
        .filter_map(|place| {
            CATEGORIES
                .get(usize::try_from(*place).ok()?.checked_sub(1)?)
                .copied()
        })
        .collect()
}

/// A service near a property.
#[derive(Debug, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = ServicioCercano)]
pub struct NearService {
    pub id: i64,
    pub nombre: String,
    pub categoria: String,
    pub subcategoria: Option<String>,
    pub direccion: Option<String>,
    pub lat: f64,
    pub lng: f64,
    /// Metres from the property.
    pub distancia_m: f64,
}

/// The services within the radius of a property, nearest first, at most `limit`.
pub async fn around(
    connection: &mut PgConnection,
    property: i64,
    radius_m: i64,
    limit: i64,
) -> sqlx::Result<Vec<NearService>> {
    let mut services: Vec<NearService> = sqlx::query_as(
        "SELECT s.id, s.nombre, s.categoria, s.subcategoria, s.direccion, ST_Y(s.coordenadas::geometry) AS lat,
                ST_X(s.coordenadas::geometry) AS lng, ST_Distance(s.coordenadas, p.coordenadas) AS distancia_m
         FROM propiedades p
         JOIN servicios s ON ST_DWithin(s.coordenadas, p.coordenadas, $2)
         WHERE p.id = $1
         ORDER BY distancia_m, s.id
         LIMIT $3",
    )
    .bind(property)
    .bind(radius_m)
    .bind(limit)
    .fetch_all(&mut *connection)
    .await?;
    for service in &mut services {
        service.distancia_m = decimetre(service.distancia_m);
    }
    Ok(services)
}

/// Rounded to a tenth of a metre.
pub fn decimetre(metres: f64) -> f64 {
    (metres * 10.0).round() / 10.0
}
