//! `GET /api/estadisticas` and `GET /api/zonas`: figures of the catalogue.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

use crate::catalog::candidates::Candidates;
use crate::catalog::statistics::{self, Count, Figures, KindMedian, PriceClass};
use crate::catalog::zone::{self, ZoneFigures};
use crate::catalog::{OPERATIONS, statistics_in_memory};
use crate::http::body::Query;
use crate::http::document::{PlainFaults, QueryFaults};
use crate::http::error::ApiError;
use crate::http::fields::{self, Fields, Read};
use crate::http::state::App;

/// Which operation's figures.
pub struct Which {
    operacion: &'static str,
}

impl Read for Which {
    fn read(fields: &mut Fields) -> Self {
        let operacion = fields.one_of("operacion", OPERATIONS).unwrap_or("venta");
        Which { operacion }
    }
}

impl IntoParams for Which {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        fields::parameters::<Self>()
    }
}

/// The figures of the catalogue.
#[derive(Serialize, ToSchema)]
#[schema(as = RespuestaEstadisticas)]
pub struct Answer {
    success: bool,
    estadisticas: Statistics,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Estadisticas)]
struct Statistics {
    /// Properties of every operation.
    total_propiedades: i64,
    por_operacion: Vec<Count>,
    /// The operation of all other figures: sale prices and monthly rents must not be mixed.
    operacion: &'static str,
    #[serde(flatten)]
    cifras: Figures,
    total_zonas: usize,
    total_tipos: usize,
    por_tipo: Vec<Count>,
    /// What each kind costs, by its name.
    medianas_por_tipo: Vec<KindMedian>,
    /// The ten zones with the most properties.
    distribucion_zonas: Vec<Count>,
    distribucion_precios: Vec<PriceClass>,
}

/// Las cifras del catálogo, por operación.
#[utoipa::path(get, path = "/api/estadisticas", tag = "catálogo", params(Which),
    responses((status = 200, description = "Las cifras.", body = Answer),
              (status = 304, description = "No han cambiado."), QueryFaults))]
pub async fn estadisticas(
    State(app): State<App>,
    headers: HeaderMap,
    Query(which): Query<Which>,
) -> Result<Response, ApiError> {
    let operacion = which.operacion;
    if !app.from_memory {
        let answer = figures(&mut *app.pool.acquire().await?, operacion).await?;
        return Ok(Json(answer).into_response());
    }
    let look = |known: &Candidates, state| {
        let name = (operacion, state);
        let make = || figures_in_memory(known, operacion);
        app.cache.of_state(name, &headers, make)
    };
    app.ranking_cache.look(look).await?
}

fn figures_in_memory(known: &Candidates, operacion: &'static str) -> Answer {
    let por_operacion = statistics_in_memory::operations(known);
    let por_tipo = statistics_in_memory::kinds(known, operacion);
    Answer {
        success: true,
        estadisticas: Statistics {
            total_propiedades: por_operacion.iter().map(|count| count.cantidad).sum(),
            por_operacion,
            operacion,
            cifras: statistics_in_memory::figures(known, operacion),
            total_zonas: known.zones().len(),
            total_tipos: por_tipo.len(),
            por_tipo,
            medianas_por_tipo: statistics_in_memory::kind_medians(known, operacion),
            distribucion_zonas: statistics_in_memory::top_zones(known, operacion),
            distribucion_precios: statistics_in_memory::price_classes(known, operacion),
        },
    }
}

async fn figures(
    connection: &mut PgConnection,
    operacion: &'static str,
) -> Result<Answer, ApiError> {
    let por_operacion = statistics::operations(connection).await?;
    let por_tipo = statistics::kinds(connection, operacion).await?;
    Ok(Answer {
        success: true,
        estadisticas: Statistics {
            total_propiedades: por_operacion.iter().map(|count| count.cantidad).sum(),
            por_operacion,
            operacion,
            cifras: statistics::figures(connection, operacion).await?,
            total_zonas: zone::all(connection).await?.len(),
            total_tipos: por_tipo.len(),
            por_tipo,
            medianas_por_tipo: statistics::kind_medians(connection, operacion).await?,
            distribucion_zonas: statistics::top_zones(connection, operacion).await?,
            distribucion_precios: statistics::price_classes(connection, operacion).await?,
        },
    })
}

/// The zones of the catalogue.
#[derive(Serialize, ToSchema)]
#[schema(as = RespuestaZonas)]
pub struct ZonesAnswer {
    success: bool,
    total_zonas: usize,
    /// Their names, in order.
    zonas: Vec<String>,
    /// The same zones with their figures.
    detalle: Vec<ZoneFigures>,
    /// Properties whose zone is unknown.
    sin_zona: i64,
}

/// Las zonas, con sus cantidades y centros.
#[utoipa::path(get, path = "/api/zonas", tag = "catálogo",
    responses((status = 200, description = "Las zonas.", body = ZonesAnswer),
              (status = 304, description = "No han cambiado."), PlainFaults))]
pub async fn zonas(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    if !app.from_memory {
        let mut connection = app.pool.acquire().await?;
        let detalle = zone::figures(&mut connection).await?;
        let sin_zona = zone::unknown(&mut connection).await?;
        return Ok(Json(ZonesAnswer::new(detalle, sin_zona)).into_response());
    }
    let look = |known: &Candidates, state| {
        let make = || {
            let (detalle, sin_zona) = statistics_in_memory::zones(known);
            ZonesAnswer::new(detalle, sin_zona)
        };
        app.cache.of_state(("zonas", state), &headers, make)
    };
    app.ranking_cache.look(look).await?
}

impl ZonesAnswer {
    fn new(detalle: Vec<ZoneFigures>, sin_zona: i64) -> Self {
        ZonesAnswer {
            success: true,
            total_zonas: detalle.len(),
            zonas: detalle.iter().map(|zone| zone.zona.clone()).collect(),
            detalle,
            sin_zona,
        }
    }
}
