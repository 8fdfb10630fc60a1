//! `OpenAI`'s protocol: `/v1/models` and `/v1/chat/completions`.

mod completion;
mod request;
mod shape;

use std::convert::Infallible;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::{Value, json};

pub use shape::shape;

use crate::chat::Conversation;
use crate::http::App;
use crate::http::body::Object;
use crate::http::error::ApiError;
use completion::Completion;
use request::{Ask, read};

/// The one model: the catalogue, told.
const MODEL: &str = "citrino-v1";
/// When it came to be, in Unix seconds.
const CREATED: u64 = 1_760_572_800;

/// `GET /v1/models`.
pub async fn models() -> Json<Value> {
    Json(json!({"object": "list", "data": [description()]}))
}

/// `GET /v1/models/{id}`.
pub async fn model(Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    known(&id)?;
    Ok(Json(description()))
}

fn description() -> Value {
    json!({"id": MODEL, "object": "model", "created": CREATED, "owned_by": "citrino"})
}

fn known(id: &str) -> Result<(), ApiError> {
    if id == MODEL {
        Ok(())
    } else {
        Err(ApiError::no_such_model(id, MODEL))
    }
}

/// `POST /v1/chat/completions`. What the database can refuse is refused before the first event of a stream.
pub async fn complete(State(app): State<App>, Object(body): Object) -> Result<Response, ApiError> {
    let ask = read(body)?;
    known(&ask.model)?;
    let conversation = Conversation::look(&app.pool, ask.turns.clone()).await?;
    let completion = Completion::new(MODEL);
    if ask.stream {
        return Ok(streamed(app, ask, conversation, completion));
    }
    let worded = app.chat.word(&conversation, &ask.options).await;
    Ok(Json(completion.whole(&conversation, &worded)).into_response())
}

/// The cards at once, then the text when it is worded and checked.
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
    // A proxy must not keep events back.
    let headers = [("cache-control", "no-store"), ("x-accel-buffering", "no")];
    (headers, Sse::new(events)).into_response()
}
