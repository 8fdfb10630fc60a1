//! `GET /api/propiedades/{id}`, and the homes like it.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

use crate::catalog::candidates::Candidates;
use crate::catalog::contact::{self, Contact};
use crate::catalog::property::{self, PropertyView};
use crate::catalog::services::{self, NearService, RADII};
use crate::catalog::similar;
use crate::http::body::Query;
use crate::http::document::ItemFaults;
use crate::http::error::ApiError;
use crate::http::fields::{self, Fields, Read};
use crate::http::spliced::spliced;
use crate::http::state::App;

/// Services in an answer at most.
const LIMIT: i64 = 200;

/// A property and what is around it.
#[derive(Serialize, ToSchema)]
#[schema(as = PropiedadConServicios)]
pub struct Answer {
    #[serde(flatten)]
    propiedad: PropertyView,
    /// Whom to ask; null if nobody is known, or may be shown.
    contacto: Option<Contact>,
    radio_m: i64,
    /// Nearest first, at most 200; null without coordinates.
    servicios: Option<Vec<NearService>>,
}

/// How far to look around.
pub struct Around {
    radio_m: i64,
}

impl Read for Around {
    fn read(fields: &mut Fields) -> Self {
        Around {
            radio_m: fields.whole_of("radio_m", RADII).unwrap_or(RADII[1]),
        }
    }
}

impl IntoParams for Around {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        fields::parameters::<Self>()
    }
}

/// Una propiedad, con los servicios que tiene cerca.
#[utoipa::path(get, path = "/api/propiedades/{id}", tag = "catálogo",
    params(("id" = i64, Path, minimum = 1), Around),
    responses((status = 200, description = "La propiedad.", body = Answer), ItemFaults))]
pub async fn propiedad(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(around): Query<Around>,
) -> Result<Json<Answer>, ApiError> {
    let missing = || ApiError::not_found(format!("No existe la propiedad {id}."));
    let number: i64 = id.parse().map_err(|_| missing())?;
    let mut connection = app.pool.acquire().await?;
    let row = property::find(&mut connection, number)
        .await?
        .ok_or_else(missing)?;
    let servicios = match row.place() {
        Some(_) => Some(services::around(&mut connection, row.id, around.radio_m, LIMIT).await?),
        None => None,
    };
    Ok(Json(Answer {
        contacto: contact::of(&mut connection, row.id, &app.contact).await?,
        propiedad: row.into(),
        radio_m: around.radio_m,
        servicios,
    }))
}

/// Homes like another one.
#[derive(Serialize, ToSchema)]
#[schema(as = PropiedadesParecidas)]
pub struct SimilarAnswer {
    success: bool,
    /// Of the same operation and kind, and on offer; the most alike first.
    propiedades: Vec<PropertyView>,
}

/// Homes in an answer.
const ALIKE: usize = 4;

/// Las propiedades que más se parecen a una: de la misma operación y tipo, por precio, tamaño, dormitorios y lugar.
#[utoipa::path(get, path = "/api/propiedades/{id}/parecidas", tag = "catálogo",
    params(("id" = i64, Path, minimum = 1)),
    responses((status = 200, description = "Hasta cuatro propiedades.", body = SimilarAnswer), ItemFaults))]
pub async fn parecidas(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let number: Option<i64> = id.parse().ok();
    let choose = |known: &Candidates| {
        let ids = number.and_then(|number| similar::to(known, number, ALIKE));
        (ids.is_some(), ids.unwrap_or_default())
    };
    let (exists, rows) = app.ranking_cache.fragments(&app.pool, choose).await?;
    if !exists {
        return Err(ApiError::not_found(format!("No existe la propiedad {id}.")));
    }
    let answer = SimilarAnswer {
        success: true,
        propiedades: Vec::new(),
    };
    spliced(&answer, rows.iter(), |to, row| {
        to.extend_from_slice(&row.view);
    })
}
