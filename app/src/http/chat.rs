//! `POST /api/chat/process`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::chat::{Conversation, Known, Options, Origin, Role, Turn};
use crate::http::body::Body;
use crate::http::document::BodyFaults;
use crate::http::error::ApiError;
use crate::http::fields::{self, Fields, Read};
use crate::http::state::App;

/// Characters of a message at most.
const MESSAGE: usize = 2000;
/// Characters of an earlier turn at most; answers are longer than questions.
const EARLIER: usize = 10_000;

/// The request.
pub struct Request {
    turns: Vec<Turn>,
}

impl Read for Request {
    fn read(fields: &mut Fields) -> Self {
        let message = fields.prose("mensaje", MESSAGE);
        let earlier: Vec<Said> = fields.objects("historial");
        let mut turns: Vec<Turn> = earlier.into_iter().map(|said| said.0).collect();
        match message {
            Some(text) => turns.push(Turn {
                role: Role::User,
                text,
            }),
            None => fields.missing("mensaje"),
        }
        Request { turns }
    }
}

impl PartialSchema for Request {
    fn schema() -> RefOr<Schema> {
        fields::body_schema::<Self>().into()
    }
}

impl ToSchema for Request {
    fn name() -> std::borrow::Cow<'static, str> {
        "Mensaje".into()
    }
}

/// An earlier turn.
struct Said(Turn);

impl Read for Said {
    fn read(fields: &mut Fields) -> Self {
        let role = match fields.one_of("rol", &["usuario", "asistente"]) {
            Some("asistente") => Role::Assistant,
            _ => Role::User,
        };
        Said(Turn {
            role,
            text: fields.prose("texto", EARLIER).unwrap_or_default(),
        })
    }
}

/// The text, the data behind it, and who worded it.
#[derive(Serialize, ToSchema)]
#[schema(as = RespuestaChat)]
struct Answer<'a> {
    success: bool,
    /// Markdown; properties are cited as `#id`.
    respuesta: String,
    #[serde(flatten)]
    known: Known<'a>,
    #[serde(flatten)]
    origin: Origin,
}

/// Responde una pregunta en español sobre el catálogo.
///
/// La pregunta se lee junto con el historial, se consulta en la base de datos y se cuenta solo lo encontrado.
#[utoipa::path(post, path = "/api/chat/process", tag = "chat", request_body = Request,
    responses((status = 200, description = "La respuesta y en qué se apoya.", body = Answer), BodyFaults))]
pub async fn process(
    State(app): State<App>,
    Body(request): Body<Request>,
) -> Result<axum::response::Response, ApiError> {
    let conversation = Conversation::read(
        &app.ranking_cache,
        &mut *app.pool.acquire().await?,
        request.turns,
        app.chat.bob_per_usd,
    )
    .await?;
    let worded = app.chat.word(&conversation, &Options::default()).await;
    let answer = Answer {
        success: true,
        respuesta: worded.text,
        known: conversation.known(),
        origin: worded.origin,
    };
    Ok(axum::response::IntoResponse::into_response(Json(answer)))
}
