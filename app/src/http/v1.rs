//! `OpenAI`'s protocol: `/v1/models` and `/v1/chat/completions`.

mod completion;
mod request;

use std::convert::Infallible;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt, StreamExt, stream};
use serde::Serialize;
use utoipa::ToSchema;

use crate::chat::Conversation;
use crate::http::body::Object;
use crate::http::document::{CompletionFaults, ModelFaults, ModelsFaults};
use crate::http::error::ApiError;
use crate::http::state::App;
use completion::{Completion, Whole};
use request::{Ask, read};

/// The one model.
const MODEL: &str = "citrino-v1";
/// Its creation time, in Unix seconds.
const CREATED: u64 = 1_760_572_800;

/// A model in the shape of the protocol.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelV1)]
struct Model {
    id: &'static str,
    object: &'static str,
    /// Unix seconds.
    created: u64,
    owned_by: &'static str,
}

const THE_ONE: Model = Model {
    id: MODEL,
    object: "model",
    created: CREATED,
    owned_by: "citrino",
};

#[derive(Serialize, ToSchema)]
#[schema(as = ModelsV1)]
struct Models {
    object: &'static str,
    data: Vec<Model>,
}

/// Los modelos: el catálogo, contado.
#[utoipa::path(get, path = "/v1/models", tag = "OpenAI",
    responses((status = 200, description = "Los modelos.", body = Models), ModelsFaults))]
pub async fn models() -> Response {
    let list = Models {
        object: "list",
        data: vec![THE_ONE],
    };
    Json(list).into_response()
}

/// Un modelo por su nombre.
#[utoipa::path(get, path = "/v1/models/{id}", tag = "OpenAI", params(("id" = String, Path)),
    responses((status = 200, description = "El modelo.", body = Model), ModelFaults))]
pub async fn model(Path(id): Path<String>) -> Result<Response, ApiError> {
    known(&id)?;
    Ok(Json(THE_ONE).into_response())
}

fn known(id: &str) -> Result<(), ApiError> {
    if id == MODEL {
        Ok(())
    } else {
        Err(ApiError::no_such_model(id, MODEL))
    }
}

/// Responde la última pregunta de una conversación, con el protocolo de `OpenAI`.
///
/// Con `stream` llegan eventos `data: {…}` (`chat.completion.chunk`), el último es `data: [DONE]`. El primero trae en `citrino` lo
/// que sabe la base de datos; el último con una opción, quién lo redactó.
#[utoipa::path(post, path = "/v1/chat/completions", tag = "OpenAI", request_body = Ask,
    responses((status = 200, description = "La respuesta; con stream, sus partes.",
               content((Whole = "application/json"), (String = "text/event-stream"))), CompletionFaults))]
// Errors of the database are returned before the first event of a stream.
pub async fn complete(State(app): State<App>, Object(body): Object) -> Result<Response, ApiError> {
    let ask = read(body)?;
    known(&ask.model)?;
    let conversation = Conversation::read(
        &app.ranking_cache,
        &mut *app.pool.acquire().await?,
        ask.turns.clone(),
        app.chat.bob_per_usd,
    )
    .await?;
    let completion = Completion::new(MODEL);
    if ask.stream {
        return Ok(streamed(app, ask, conversation, completion));
    }
    let worded = app.chat.word(&conversation, &ask.options).await;
    Ok(Json(completion.whole(&conversation, &worded)).into_response())
}

/// Sends the cards at once, and the text after it is worded and checked.
fn streamed(app: App, ask: Ask, conversation: Conversation, completion: Completion) -> Response {
    let first = completion.first(&conversation);
    let text = async move {
        let worded = app.chat.word(&conversation, &ask.options).await;
        let mut events = completion.pieces(&worded);
        if ask.include_usage {
            events.push(completion.usage_event(&worded));
        }
        stream::iter(events)
    };
    let events = stream::iter([first])
        .chain(text.into_stream().flatten())
        .map(|event| event.to_string())
        .chain(stream::iter(["[DONE]".to_owned()]))
        .map(|data| Ok::<_, Infallible>(Event::default().data(data)));
    // A proxy must not buffer the events.
    let headers = [("cache-control", "no-store"), ("x-accel-buffering", "no")];
    (headers, Sse::new(events)).into_response()
}
