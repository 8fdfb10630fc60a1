//! `POST /api/buscar`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use sqlx::PgPool;

use crate::catalog::property::PropertyView;
use crate::catalog::search::{self, Filters, ORDERS, Page};
use crate::catalog::zone::{self, Found, Zone};
use crate::catalog::{KINDS, OPERATIONS};
use crate::http::App;
use crate::http::body::JsonObject;
use crate::http::error::{ApiError, FieldError};
use crate::http::fields::{Fields, fold};

/// Rows of a page at most.
const LIMIT: i64 = 100;
/// Rows before a page at most.
const OFFSET: i64 = 1_000_000;

/// The answer: a page of properties, and how many there are in all.
#[derive(Serialize)]
pub struct Answer {
    success: bool,
    total_resultados: i64,
    cantidad: usize,
    limite: i64,
    offset: i64,
    orden: &'static str,
    /// The zones that `zona` was taken for.
    zonas: Vec<String>,
    propiedades: Vec<PropertyView>,
}

/// Filters the catalogue.
pub async fn buscar(
    State(app): State<App>,
    JsonObject(fields): JsonObject,
) -> Result<Json<Answer>, ApiError> {
    let Request {
        zona,
        mut filters,
        order,
        page,
    } = read(fields)?;
    let mut zonas = Vec::new();
    if let Some(zona) = zona {
        let found = zones(&app.pool, "zona", &zona).await?;
        filters.zonas = Some(
            found
                .iter()
                .map(|zone| zone.zona_normalizada.clone())
                .collect(),
        );
        zonas = found.into_iter().map(|zone| zone.zona).collect();
    }
    let (total_resultados, rows) = search::find(&app.pool, &filters, order.1, page).await?;
    Ok(Json(Answer {
        success: true,
        total_resultados,
        cantidad: rows.len(),
        limite: page.limite,
        offset: page.offset,
        orden: order.0,
        zonas,
        propiedades: rows.into_iter().map(PropertyView::from).collect(),
    }))
}

struct Request {
    zona: Option<String>,
    filters: Filters,
    order: (&'static str, &'static str),
    page: Page,
}

fn read(mut fields: Fields) -> Result<Request, ApiError> {
    let zona = fields.text("zona");
    let filters = Filters {
        zonas: None,
        precio_min: fields.number("precio_min", 0.0),
        precio_max: fields.number("precio_max", 0.0),
        tipo_propiedad: fields.one_of("tipo_propiedad", KINDS),
        operacion: fields.one_of("operacion", OPERATIONS),
        unidad_vecinal: fields.text("unidad_vecinal"),
        manzana: fields.text("manzana"),
        superficie_min: fields.number("superficie_min", 0.0),
        superficie_max: fields.number("superficie_max", 0.0),
        habitaciones_min: fields.whole("habitaciones_min", 0, 100),
        banos_min: fields.whole("banos_min", 0, 100),
        tiene_garaje: fields.boolean("tiene_garaje"),
    };
    fields.ordered(
        ("precio_min", filters.precio_min),
        ("precio_max", filters.precio_max),
    );
    fields.ordered(
        ("superficie_min", filters.superficie_min),
        ("superficie_max", filters.superficie_max),
    );
    let names: Vec<&'static str> = ORDERS.iter().map(|(name, _)| *name).collect();
    let wanted = fields.one_of("orden", &names).unwrap_or("id");
    let order = ORDERS
        .iter()
        .find(|(name, _)| *name == wanted)
        .copied()
        .unwrap_or(ORDERS[0]);
    let page = page(&mut fields, 20);
    fields.finish()?;
    Ok(Request {
        zona,
        filters,
        order,
        page,
    })
}

/// `limite` (1 to 100) and `offset`.
pub fn page(fields: &mut Fields, default: i64) -> Page {
    Page {
        limite: fields.whole("limite", 1, LIMIT).unwrap_or(default),
        offset: fields.whole("offset", 0, OFFSET).unwrap_or(0),
    }
}

/// The zones that a text names, at least one; 422 with similar names otherwise.
pub async fn zones(pool: &PgPool, field: &str, text: &str) -> Result<Vec<Zone>, ApiError> {
    match zone::find(pool, &fold(text)).await? {
        Found::Zones(zones) => Ok(zones),
        Found::Similar(names) => Err(unclear(
            field,
            format!("No hay propiedades en una zona \"{text}\"."),
            names,
        )),
    }
}

/// 422: the zone is not clear, but one of these may be meant.
pub fn unclear(field: &str, mensaje: String, sugerencias: Vec<String>) -> ApiError {
    ApiError::fields(vec![FieldError {
        campo: field.to_owned(),
        mensaje,
        sugerencias,
    }])
}
