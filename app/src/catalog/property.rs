//! A property as a row, and as the API shows it.

use serde::Serialize;
use sqlx::{PgConnection, QueryBuilder};
use utoipa::ToSchema;

use crate::catalog::services::decimetre;

/// The columns of [`Property`], of the table under the alias `p`.
pub const COLUMNS: &str = "p.id, p.titulo, p.descripcion, p.tipo_propiedad, p.operacion, p.estado_propiedad, \
     p.precio_usd::float8 AS precio_usd, p.moneda, p.precio_original::float8 AS precio_original, p.direccion, p.zona, \
     p.uv, p.manzana, p.superficie_total::float8 AS superficie_total, \
     p.superficie_construida::float8 AS superficie_construida, p.num_dormitorios, p.num_banos, p.num_garajes, \
     ST_Y(p.coordenadas::geometry) AS lat, ST_X(p.coordenadas::geometry) AS lng, \
     p.fecha_publicacion::text AS fecha_publicacion, p.fuente, p.codigo, p.url_origen";

/// A row of `propiedades`. `None` means unknown.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Property {
    pub id: i64,
    pub titulo: String,
    pub descripcion: Option<String>,
    pub tipo_propiedad: String,
    pub operacion: String,
    pub estado_propiedad: String,
    pub precio_usd: Option<f64>,
    pub moneda: String,
    pub precio_original: Option<f64>,
    pub direccion: Option<String>,
    pub zona: Option<String>,
    pub uv: Option<String>,
    pub manzana: Option<String>,
    pub superficie_total: Option<f64>,
    pub superficie_construida: Option<f64>,
    pub num_dormitorios: Option<i32>,
    pub num_banos: Option<i32>,
    pub num_garajes: Option<i32>,
    pub lat: Option<f64>,
    pub lng: Option<f64>,
    pub fecha_publicacion: Option<String>,
    pub fuente: String,
    pub codigo: String,
    pub url_origen: Option<String>,
    /// Metres from the place in the request, if there is one.
    #[sqlx(default)]
    pub distancia_m: Option<f64>,
}

/// A place in degrees.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Place {
    pub lat: f64,
    pub lng: f64,
}

/// A property in an answer, under the original's names. Prices are US dollars, surfaces square metres.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Propiedad)]
pub struct PropertyView {
    pub id: i64,
    pub nombre: String,
    pub tipo_propiedad: String,
    pub operacion: String,
    pub estado: String,
    pub precio: Option<f64>,
    pub moneda: String,
    pub precio_original: Option<f64>,
    pub superficie_m2: Option<f64>,
    pub superficie_total: Option<f64>,
    pub superficie_construida: Option<f64>,
    pub habitaciones: Option<i32>,
    pub banos: Option<i32>,
    pub garajes: Option<i32>,
    pub zona: Option<String>,
    pub direccion: Option<String>,
    pub unidad_vecinal: Option<String>,
    pub manzana: Option<String>,
    pub fecha_relevamiento: Option<String>,
    pub fuente: String,
    pub codigo: String,
    pub url: Option<String>,
    pub descripcion: Option<String>,
    pub coordenadas: Option<Place>,
    /// Metres from the place in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distancia_m: Option<f64>,
}

impl Property {
    /// Square metres built, or else of the ground.
    pub fn surface(&self) -> Option<f64> {
        self.superficie_construida.or(self.superficie_total)
    }

    /// Its coordinates, if they are known.
    pub fn place(&self) -> Option<Place> {
        Some(Place {
            lat: self.lat?,
            lng: self.lng?,
        })
    }
}

impl From<Property> for PropertyView {
    fn from(row: Property) -> Self {
        PropertyView {
            id: row.id,
            precio: row.precio_usd,
            superficie_m2: row.surface(),
            coordenadas: row.place(),
            nombre: row.titulo,
            tipo_propiedad: row.tipo_propiedad,
            operacion: row.operacion,
            estado: row.estado_propiedad,
            moneda: row.moneda,
            precio_original: row.precio_original,
            superficie_total: row.superficie_total,
            superficie_construida: row.superficie_construida,
            habitaciones: row.num_dormitorios,
            banos: row.num_banos,
            garajes: row.num_garajes,
            zona: row.zona,
            direccion: row.direccion,
            unidad_vecinal: row.uv,
            manzana: row.manzana,
            fecha_relevamiento: row.fecha_publicacion,
            fuente: row.fuente,
            codigo: row.codigo,
            url: row.url_origen,
            descripcion: row.descripcion,
            distancia_m: row.distancia_m.map(decimetre),
        }
    }
}

/// The property with this id.
pub async fn find(connection: &mut PgConnection, id: i64) -> sqlx::Result<Option<Property>> {
    let mut query = QueryBuilder::new("SELECT ");
    query
        .push(COLUMNS)
        .push(" FROM propiedades p WHERE p.id = ")
        .push_bind(id);
    query
        .build_query_as()
        .fetch_optional(&mut *connection)
        .await
}
