//! `POST /api/recomendar`.

mod answer;
mod needs;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::catalog::candidates::Candidates;
use crate::catalog::filters::Filters;
use crate::catalog::fold::fold;
use crate::catalog::preferences::{Family, Preferences};
use crate::catalog::ranking::Ranking;
use crate::catalog::recommend::{self, Found, Resolved};
use crate::catalog::scored_property::{Judgement, ScoredProperty};
use crate::catalog::search::Page;
use crate::catalog::services::{KEPT_M, RADII};
use crate::catalog::zone::{self, Zone};
use crate::catalog::{KINDS, OPERATIONS, ranking};
use crate::http::body::Body;
use crate::http::document::BodyFaults;
use crate::http::error::ApiError;
use crate::http::fields::{self, Fields, Read};
use crate::http::search::{clear, page, unclear};
use crate::http::spliced::spliced;
use crate::http::state::App;

use answer::Answer;

/// Recomienda propiedades y explica por qué.
///
/// Los filtros son estrictos; con `relajar`, si nada los pasa, ceden los menos posibles y `relajado` los nombra.
#[utoipa::path(post, path = "/api/recomendar", tag = "recomendación", request_body = Request,
    responses((status = 200, description = "Una página de la clasificación.", body = Answer), BodyFaults))]
pub async fn recomendar(
    State(app): State<App>,
    Body(request): Body<Request>,
) -> Result<Response, ApiError> {
    let page = request.page;
    if app.from_memory && request.wanted.radio_m == KEPT_M {
        return in_memory(&app, request).await;
    }
    let mut connection = app.pool.acquire().await?;
    let found = recommend::find(
        &app.ranking_cache,
        &mut connection,
        request.wanted.radio_m,
        page,
        |known| request.resolve(known),
    )
    .await??;
    drop(connection);
    let Found {
        resolved,
        total,
        rows,
    } = found;
    let scored = |row| ScoredProperty::new(row, &resolved.wanted);
    let recomendaciones: Vec<ScoredProperty> = rows.into_iter().map(scored).collect();
    let head = Answer::new(request.perfil, &resolved, total, page);
    let answer = Answer {
        cantidad: recomendaciones.len(),
        recomendaciones,
        ..head
    };
    Ok(Json(answer).into_response())
}

/// The same answer, from rows that are written already.
async fn in_memory(app: &App, request: Request) -> Result<Response, ApiError> {
    let page = request.page;
    let choose =
        |known: &Candidates| recommend::chosen(known, page, |known| request.resolve(known));
    let (found, rows) = app.ranking_cache.fragments(&app.pool, choose).await?;
    let (resolved, Ranking { total, chosen }) = found?;
    let answer = Answer {
        cantidad: chosen.len(),
        ..Answer::new(request.perfil, &resolved, total, page)
    };
    spliced(&answer, rows.iter().zip(&chosen), |to, (row, chosen)| {
        let judgement = Judgement::new(chosen, &resolved.wanted);
        ScoredProperty::write(to, row, &judgement);
    })
}

impl Request {
    /// The preferences with the zone's own name, and the filters that were dropped.
    fn resolve(&self, known: &Candidates) -> Result<Resolved, ApiError> {
        let mut wanted = self.wanted.clone();
        let zone = self
            .zona
            .as_ref()
            .map(|text| one_zone(known, text))
            .transpose()?;
        wanted.zona = zone.as_ref().map(|zone| zone.zona_normalizada.clone());
        let relaxed = if self.relajar {
            ranking::relax(known, &mut wanted)
        } else {
            Vec::new()
        };
        Ok(Resolved {
            wanted,
            relaxed,
            zone: zone.map(|zone| zone.zona),
        })
    }
}

/// The one zone that a text names; 422 with the names when there are more, or none.
fn one_zone(known: &Candidates, text: &str) -> Result<Zone, ApiError> {
    let found = zone::among(known.zones(), &fold(text));
    let mut zones = clear(found, "zona_preferida", text)?;
    if zones.len() == 1 {
        return Ok(zones.remove(0));
    }
    let suggestions = zones.into_iter().map(|zone| zone.zona).collect();
    let message = format!("\"{text}\" puede ser más de una zona.");
    Err(unclear("zona_preferida", message, suggestions))
}

/// The request of `/api/recomendar`.
pub struct Request {
    perfil: Option<String>,
    zona: Option<String>,
    wanted: Preferences,
    relajar: bool,
    page: Page,
}

impl Read for Request {
    fn read(fields: &mut Fields) -> Self {
        let default = Preferences::default();
        let wanted = Preferences {
            operacion: fields
                .one_of("operacion", OPERATIONS)
                .unwrap_or(default.operacion),
            tipo_propiedad: fields.one_of("tipo_propiedad", KINDS),
            presupuesto_min: fields.number("presupuesto_min", 0.0),
            presupuesto_max: fields.number("presupuesto_max", 1.0),
            categorias: needs::read(fields),
            familia: family(fields),
            radio_m: fields.whole_of("radio_m", RADII).unwrap_or(default.radio_m),
            // Scores run to 100; the original's threshold runs to 1.
            umbral: 100.0
                * fields
                    .number_up_to("umbral_minimo", 0.0, 1.0)
                    .unwrap_or(0.0),
            ademas: further(fields),
            ..default
        };
        fields.ordered(
            ("presupuesto_min", wanted.presupuesto_min),
            ("presupuesto_max", wanted.presupuesto_max),
        );
        Request {
            perfil: fields.text("id"),
            zona: fields.text("zona_preferida"),
            wanted,
            relajar: fields.boolean("relajar").unwrap_or(false),
            page: page(fields, 10),
        }
    }
}

/// Further fields that the original's forms send.
fn further(fields: &mut Fields) -> Filters {
    // Amounts are dollars; another currency is refused. Notes do not change the ranking.
    let _ = (
        fields.one_of("moneda", &["usd"]),
        fields.text("informacion_llm"),
    );
    let filters = Filters {
        unidad_vecinal: fields.text("unidad_vecinal"),
        manzana: fields.text("manzana"),
        dias: fields.whole("disponibilidad_dias", 0, 36_500),
        habitaciones_min: fields.whole("habitaciones_min", 0, 100),
        habitaciones_max: fields.whole("habitaciones_max", 0, 100),
        ..Filters::default()
    };
    fields.ordered(
        ("habitaciones_min", filters.habitaciones_min),
        ("habitaciones_max", filters.habitaciones_max),
    );
    filters
}

impl PartialSchema for Request {
    fn schema() -> RefOr<Schema> {
        fields::body_schema::<Self>().into()
    }
}

impl ToSchema for Request {
    fn name() -> std::borrow::Cow<'static, str> {
        "Deseo".into()
    }
}

fn family(fields: &mut Fields) -> Option<Family> {
    let told = fields.has_any(&["adultos", "ninos", "adultos_mayores"]);
    let adults = fields.whole("adultos", 0, 50).unwrap_or(1);
    let children = fields.wholes("ninos", 0, 25);
    let seniors = fields.whole("adultos_mayores", 0, 50).unwrap_or(0);
    let heads = adults + seniors + i64::try_from(children.len()).unwrap_or(0);
    let personas = i32::try_from(heads).unwrap_or(1).max(1);
    told.then_some(Family {
        personas,
        ninos: !children.is_empty(),
    })
}
