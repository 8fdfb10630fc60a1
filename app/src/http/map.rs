//! `GET /api/mapa` and `GET /api/servicios`: what the map draws.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

use crate::catalog::candidates::Candidates;
use crate::catalog::filters::Filters;
use crate::catalog::map::{self, Point, Spot};
use crate::catalog::map_in_memory::{self, Drawn};
use crate::catalog::search::Order;
use crate::catalog::search_in_memory;
use crate::http::body::Query;
use crate::http::document::{PlainFaults, QueryFaults};
use crate::http::error::ApiError;
use crate::http::fields::{self, Fields, Read};
use crate::http::search::{filters, within, within_known};
use crate::http::state::App;

/// Which properties are drawn.
pub struct Wanted {
    zona: Option<String>,
    filters: Filters,
}

impl Read for Wanted {
    fn read(fields: &mut Fields) -> Self {
        Wanted {
            zona: fields.text("zona"),
            filters: filters(fields),
        }
    }
}

impl IntoParams for Wanted {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        fields::parameters::<Self>()
    }
}

/// Properties as points.
#[derive(Serialize, ToSchema)]
#[schema(as = Mapa)]
pub struct Answer {
    success: bool,
    /// Properties that pass every filter.
    total: i64,
    /// Matching properties without coordinates.
    sin_coordenadas: i64,
    /// The rest, the newest first; at most 5000.
    propiedades: Vec<Point>,
}

/// Las propiedades como puntos de un mapa.
///
/// Toma los mismos filtros que `/api/buscar`, sin orden ni páginas.
#[utoipa::path(get, path = "/api/mapa", tag = "catálogo", params(Wanted),
    responses((status = 200, description = "Los puntos.", body = Answer), QueryFaults))]
pub async fn mapa(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let Wanted { zona, mut filters } = wanted;
    if app.from_memory && search_in_memory::can(&filters, Order::Newest) {
        let look = |known: &Candidates, _| {
            within_known(known, zona.as_deref(), &mut filters)?;
            Ok::<_, ApiError>(map_in_memory::draw(known, &filters))
        };
        let drawn = app.ranking_cache.look(look).await??;
        return Ok(Json(Answer::from(drawn)).into_response());
    }
    let mut connection = app.pool.acquire().await?;
    within(&mut connection, zona, &mut filters).await?;
    let (total, sin_coordenadas) = map::count(&mut connection, &filters).await?;
    let answer = Answer {
        success: true,
        total,
        sin_coordenadas,
        propiedades: map::points(&mut connection, &filters).await?,
    };
    Ok(Json(answer).into_response())
}

impl From<Drawn> for Answer {
    fn from(drawn: Drawn) -> Self {
        Answer {
            success: true,
            total: i64::try_from(drawn.total).unwrap_or(i64::MAX),
            sin_coordenadas: i64::try_from(drawn.placeless).unwrap_or(i64::MAX),
            propiedades: drawn.points,
        }
    }
}

/// The services of the city.
#[derive(Serialize, ToSchema)]
#[schema(as = Servicios)]
pub struct ServicesAnswer {
    success: bool,
    /// By category.
    servicios: BTreeMap<String, Vec<Spot>>,
}

/// Los servicios de la ciudad, por categoría.
#[utoipa::path(get, path = "/api/servicios", tag = "catálogo",
    responses((status = 200, description = "Los servicios.", body = ServicesAnswer),
              (status = 304, description = "No han cambiado."), PlainFaults))]
pub async fn servicios(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let made = async {
        let mut connection = app.pool.acquire().await?;
        Ok::<_, ApiError>(ServicesAnswer {
            success: true,
            servicios: map::services(&mut connection).await?,
        })
    };
    app.cache.answer("servicios", &headers, made).await
}
