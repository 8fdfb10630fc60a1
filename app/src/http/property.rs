//! `GET /api/propiedades/{id}`.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::catalog::property::{self, PropertyView};
use crate::catalog::services::{self, NearService, RADII};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::recommend::radius;

/// Services in an answer at most.
const LIMIT: i64 = 200;

/// A property and what is around it.
#[derive(Serialize)]
pub struct Answer {
    #[serde(flatten)]
    propiedad: PropertyView,
    radio_m: i64,
    /// Nearest first, at most 200; null without coordinates.
    servicios: Option<Vec<NearService>>,
}

/// One property with the services within `radio_m`.
pub async fn propiedad(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Answer>, ApiError> {
    let radio_m = read(query.as_deref().unwrap_or(""))?;
    let missing = || ApiError::not_found(format!("No existe la propiedad {id}."));
    let number: i64 = id.parse().map_err(|_| missing())?;
    let row = property::find(&app.pool, number)
        .await?
        .ok_or_else(missing)?;
    let servicios = match row.place() {
        Some(_) => Some(services::around(&app.pool, row.id, radio_m, LIMIT).await?),
        None => None,
    };
    Ok(Json(Answer {
        propiedad: row.into(),
        radio_m,
        servicios,
    }))
}

fn read(query: &str) -> Result<i64, ApiError> {
    let mut object = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = value
            .parse::<i64>()
            .map_or_else(|_| Value::from(value), Value::from);
        object.insert(name.to_owned(), value);
    }
    let mut fields = Fields::new(object);
    let wanted = radius(&mut fields);
    fields.finish()?;
    Ok(wanted.unwrap_or(RADII[1]))
}
