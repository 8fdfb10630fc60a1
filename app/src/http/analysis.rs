//! `POST /api/analisis`: a question about the catalogue, answered from the database alone.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::chat::{Conversation, Known, Role, Turn};
use crate::http::body::Body;
use crate::http::document::BodyFaults;
use crate::http::error::ApiError;
use crate::http::fields::{self, Fields, Read};
use crate::http::state::App;

/// The request.
pub struct Request {
    text: String,
}

impl Read for Request {
    fn read(fields: &mut Fields) -> Self {
        let text = fields.text("consulta");
        if text.is_none() {
            fields.missing("consulta");
        }
        Request {
            text: text.unwrap_or_default(),
        }
    }
}

impl PartialSchema for Request {
    fn schema() -> RefOr<Schema> {
        fields::body_schema::<Self>().into()
    }
}

impl ToSchema for Request {
    fn name() -> std::borrow::Cow<'static, str> {
        "Consulta".into()
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Analisis)]
struct Answer<'a> {
    success: bool,
    consulta: &'a str,
    /// Markdown; properties are cited as `#id`.
    respuesta: String,
    #[serde(flatten)]
    known: Known<'a>,
}

/// Responde una pregunta sobre el catálogo, solo con la base de datos.
///
/// Es la misma lectura que la del chat, sin historial y sin modelo.
#[utoipa::path(post, path = "/api/analisis", tag = "catálogo", request_body = Request,
    responses((status = 200, description = "La respuesta y en qué se apoya.", body = Answer), BodyFaults))]
pub async fn analisis(
    State(app): State<App>,
    Body(request): Body<Request>,
) -> Result<Response, ApiError> {
    let turn = Turn {
        role: Role::User,
        text: request.text,
    };
    let conversation = Conversation::read(
        &app.ranking_cache,
        &mut *app.pool.acquire().await?,
        vec![turn],
        app.chat.bob_per_usd,
    )
    .await?;
    let answer = Answer {
        success: true,
        consulta: conversation.asked(),
        respuesta: conversation.template_text(),
        known: conversation.known(),
    };
    Ok(Json(answer).into_response())
}
