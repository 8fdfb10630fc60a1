//! `POST /api/buscar` and `GET /api/propiedades`: the same search with a body or with parameters.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::catalog::candidates::Candidates;
use crate::catalog::filters::{Filters, Near};
use crate::catalog::fold::fold;
use crate::catalog::property::PropertyView;
use crate::catalog::search::{self, ORDERS, Order, Page};
use crate::catalog::zone::{self, Found, Zone};
use crate::catalog::{KINDS, OPERATIONS, search_in_memory};
use crate::http::body::{Body, Query};
use crate::http::document::{BodyFaults, QueryFaults};
use crate::http::error::{ApiError, FieldError};
use crate::http::fields::{self, Fields, Read};
use crate::http::spliced::spliced;
use crate::http::state::App;

/// Rows of a page at most.
const LIMIT: i64 = 100;
/// Rows before a page at most.
const OFFSET: i64 = 1_000_000;
/// Metres of `radio` at most, and without one.
const RADIUS: (i64, i64) = (50_000, 1000);

/// A page of properties, and how many there are in all.
#[derive(Serialize, ToSchema)]
#[schema(as = Resultados)]
pub struct Answer {
    success: bool,
    /// Properties that pass every filter.
    total_resultados: i64,
    /// Properties in this answer.
    cantidad: usize,
    limite: i64,
    offset: i64,
    orden: &'static str,
    /// The zones that `zona` was resolved to.
    zonas: Vec<String>,
    propiedades: Vec<PropertyView>,
}

/// The request.
pub struct Search {
    zona: Option<String>,
    filters: Filters,
    order: (&'static str, Order),
    page: Page,
}

/// Busca en el catálogo.
///
/// Los filtros son estrictos, y un dato desconocido no pasa ninguno.
#[utoipa::path(post, path = "/api/buscar", tag = "catálogo", request_body = Search,
    responses((status = 200, description = "Una página de propiedades.", body = Answer), BodyFaults))]
pub async fn buscar(
    State(app): State<App>,
    Body(search): Body<Search>,
) -> Result<Response, ApiError> {
    found(&app, search).await
}

/// Lista el catálogo, o lo que hay cerca de un lugar.
///
/// Toma los mismos filtros que `/api/buscar`; `cerca` es `latitud,longitud` y `radio` son metros.
#[utoipa::path(get, path = "/api/propiedades", tag = "catálogo", params(Search),
    responses((status = 200, description = "Una página de propiedades.", body = Answer), QueryFaults))]
pub async fn propiedades(
    State(app): State<App>,
    Query(search): Query<Search>,
) -> Result<Response, ApiError> {
    found(&app, search).await
}

async fn found(app: &App, search: Search) -> Result<Response, ApiError> {
    if app.from_memory && search_in_memory::can(&search.filters, search.order.1) {
        return found_in_memory(app, &search).await;
    }
    let connection = &mut *app.pool.acquire().await?;
    let (page, order) = (search.page, search.order);
    let mut filters = search.filters;
    let zonas = within(connection, search.zona, &mut filters).await?;
    let (total, rows) = search::find(connection, &filters, order.1, page).await?;
    let answer = Answer {
        total_resultados: total,
        cantidad: rows.len(),
        propiedades: rows.into_iter().map(PropertyView::from).collect(),
        ..Answer::new(zonas, order.0, page)
    };
    Ok(Json(answer).into_response())
}

/// The same answer, from rows that are written already.
async fn found_in_memory(app: &App, search: &Search) -> Result<Response, ApiError> {
    let Search { order, page, .. } = *search;
    let choose = |known: &Candidates| {
        let mut filters = search.filters.clone();
        match within_known(known, search.zona.as_deref(), &mut filters) {
            Ok(zonas) => {
                let (total, ids) = search_in_memory::find(known, &filters, order.1, page);
                (Ok((zonas, total)), ids)
            }
            Err(no) => (Err(no), Vec::new()),
        }
    };
    let (found, rows) = app.ranking_cache.fragments(&app.pool, choose).await?;
    let (zonas, total) = found?;
    let answer = Answer {
        total_resultados: i64::try_from(total).unwrap_or(i64::MAX),
        cantidad: rows.len(),
        ..Answer::new(zonas, order.0, page)
    };
    spliced(&answer, rows.iter(), |to, row| {
        to.extend_from_slice(&row.view);
    })
}

impl Answer {
    /// Still without rows.
    fn new(zonas: Vec<String>, orden: &'static str, page: Page) -> Self {
        Answer {
            success: true,
            total_resultados: 0,
            cantidad: 0,
            limite: page.limite,
            offset: page.offset,
            orden,
            zonas,
            propiedades: Vec::new(),
        }
    }
}

/// Narrows the filters to the zones that a text names, among those in memory. Returns their names.
pub fn within_known(
    known: &Candidates,
    zona: Option<&str>,
    filters: &mut Filters,
) -> Result<Vec<String>, ApiError> {
    let Some(zona) = zona else {
        return Ok(Vec::new());
    };
    let found = zone::among(known.zones(), &fold(zona));
    Ok(narrow(clear(found, "zona", zona)?, filters))
}

/// Narrows the filters to zones. Returns their names.
fn narrow(zones: Vec<Zone>, filters: &mut Filters) -> Vec<String> {
    let pairs = zones.into_iter();
    let (names, folded) = pairs.map(|zone| (zone.zona, zone.zona_normalizada)).unzip();
    filters.zonas = Some(folded);
    names
}

/// Narrows the filters to the zones that a text names. Returns their names.
pub async fn within(
    connection: &mut PgConnection,
    zona: Option<String>,
    filters: &mut Filters,
) -> Result<Vec<String>, ApiError> {
    let Some(zona) = zona else {
        return Ok(Vec::new());
    };
    Ok(narrow(zones(connection, "zona", &zona).await?, filters))
}

impl Read for Search {
    fn read(fields: &mut Fields) -> Self {
        let zona = fields.text("zona");
        let filters = filters(fields);
        let names: Vec<&'static str> = ORDERS.iter().map(|(name, _)| *name).collect();
        let nearest = filters.cerca.map(|_| "distancia");
        let wanted = fields.one_of("orden", &names).or(nearest).unwrap_or("id");
        if wanted == "distancia" && filters.cerca.is_none() {
            fields.fault::<()>("orden", "Para ordenar por distancia hace falta cerca.");
        }
        let order = ORDERS.iter().find(|(name, _)| *name == wanted);
        Search {
            zona,
            filters,
            order: order.copied().unwrap_or(ORDERS[0]),
            page: page(fields, 20),
        }
    }
}

/// The filters of a search.
pub fn filters(fields: &mut Fields) -> Filters {
    let filters = Filters {
        precio_min: fields.number("precio_min", 0.0),
        precio_max: fields.number("precio_max", 0.0),
        tipos: fields.one_of("tipo_propiedad", KINDS).into_iter().collect(),
        operacion: fields.one_of("operacion", OPERATIONS),
        unidad_vecinal: fields.text("unidad_vecinal"),
        manzana: fields.text("manzana"),
        superficie_min: fields.number("superficie_min", 0.0),
        superficie_max: fields.number("superficie_max", 0.0),
        habitaciones_min: fields.whole("habitaciones_min", 0, 100),
        habitaciones_max: fields.whole("habitaciones_max", 0, 100),
        banos_min: fields.whole("banos_min", 0, 100),
        banos_max: fields.whole("banos_max", 0, 100),
        tiene_garaje: fields.boolean("tiene_garaje"),
        cerca: near(fields),
        ..Filters::default()
    };
    fields.ordered(
        ("precio_min", filters.precio_min),
        ("precio_max", filters.precio_max),
    );
    fields.ordered(
        ("superficie_min", filters.superficie_min),
        ("superficie_max", filters.superficie_max),
    );
    for (low, high) in [
        (
            ("habitaciones_min", filters.habitaciones_min),
            ("habitaciones_max", filters.habitaciones_max),
        ),
        (
            ("banos_min", filters.banos_min),
            ("banos_max", filters.banos_max),
        ),
    ] {
        fields.ordered(low, high);
    }
    filters
}

/// `cerca` (`latitud,longitud`) and `radio`, in metres.
fn near(fields: &mut Fields) -> Option<Near> {
    let cerca = fields.text("cerca");
    let radio = fields.whole("radio", 1, RADIUS.0);
    let Some(text) = cerca else {
        if radio.is_some() {
            fields.fault::<()>("radio", "Un radio sin cerca no dice nada.");
        }
        return None;
    };
    let degrees = |text: &str, most: f64| {
        let degrees: f64 = text.trim().parse().ok()?;
        (-most..=most).contains(&degrees).then_some(degrees)
    };
    let place = text
        .split_once(',')
        .and_then(|(lat, lng)| Some((degrees(lat, 90.0)?, degrees(lng, 180.0)?)));
    let Some((lat, lng)) = place else {
        return fields.fault(
            "cerca",
            "Debe ser latitud,longitud en grados: -17.78,-63.18.",
        );
    };
    Some(Near {
        lat,
        lng,
        radio_m: radio.unwrap_or(RADIUS.1),
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
pub async fn zones(
    connection: &mut PgConnection,
    field: &str,
    text: &str,
) -> Result<Vec<Zone>, ApiError> {
    clear(zone::find(connection, &fold(text)).await?, field, text)
}

/// The zones that were found for a text, or 422.
pub fn clear(found: Found, field: &str, text: &str) -> Result<Vec<Zone>, ApiError> {
    match found {
        Found::Zones(zones) => Ok(zones),
        Found::Similar(names) => Err(unclear(
            field,
            format!("No hay propiedades en una zona \"{text}\"."),
            names,
        )),
    }
}

/// 422: the zone is ambiguous or unknown; these are suggestions.
pub fn unclear(field: &str, mensaje: String, sugerencias: Vec<String>) -> ApiError {
    ApiError::fields(vec![FieldError {
        campo: field.to_owned(),
        mensaje,
        sugerencias,
    }])
}

impl PartialSchema for Search {
    fn schema() -> RefOr<Schema> {
        fields::body_schema::<Self>().into()
    }
}

impl ToSchema for Search {
    fn name() -> std::borrow::Cow<'static, str> {
        "Busqueda".into()
    }
}

impl IntoParams for Search {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        fields::parameters::<Self>()
    }
}
