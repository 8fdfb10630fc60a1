//! The lab's own routes under `/_lab`: tests order faults here and read which calls were made. Nothing
//! of it survives a restart.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::controls::{Limits, Token};
use super::error::{Answer, ApiError};
use super::faults::Fault;
use super::request::Body;
use crate::pace::Failure;

/// The routes under `/_lab`; `listed` are those of the API.
pub fn routes(listed: &[(&'static str, String)]) -> Router<Account> {
    let list: Vec<Value> = listed
        .iter()
        .map(|(method, path)| json!({ "method": method, "path": path }))
        .collect();
    let list = json!({ "routes": list });
    Router::new()
        .route(
            "/faults",
            get(faults).post(order_fault).delete(forget_faults),
        )
        .route("/calls", get(calls).delete(forget_calls))
        .route("/actions", post(pace).delete(forget_pace))
        .route("/limits", post(limits))
        .route("/offers", post(offer).delete(forget_offers))
        .route("/budget", post(budget))
        .route("/tokens", post(token))
        .route("/routes", get(move || async move { Json(list) }))
}

async fn faults(State(account): State<Account>) -> Response {
    Json(&account.controls().faults).into_response()
}

async fn order_fault(State(account): State<Account>, Body(body): Body<Value>) -> Answer {
    let fault = Fault::read(body)?;
    let shown = Json(&fault).into_response();
    account.controls().faults.order(fault);
    Ok((StatusCode::CREATED, shown).into_response())
}

async fn forget_faults(State(account): State<Account>) -> StatusCode {
    account.controls().faults.forget();
    StatusCode::NO_CONTENT
}

async fn calls(State(account): State<Account>) -> Response {
    Json(&account.controls().calls).into_response()
}

async fn forget_calls(State(account): State<Account>) -> StatusCode {
    account.controls().calls.forget();
    StatusCode::NO_CONTENT
}

/// How long actions take, where they are held, or which one fails.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pacing {
    ms: Option<u64>,
    hold: Option<u64>,
    command: Option<String>,
    nth: Option<u64>,
    code: Option<String>,
    message: Option<String>,
}

async fn pace(State(account): State<Account>, Body(body): Body<Pacing>) -> Answer<StatusCode> {
    if body.ms.is_none() && body.hold.is_none() && body.command.is_none() {
        return Err(ApiError::invalid(
            "command",
            "neither ms nor hold nor command is given",
        ));
    }
    if body.hold.is_some_and(|percent| percent > 100) {
        return Err(ApiError::invalid("hold", "must be 0 to 100"));
    }
    let nth = body.nth.unwrap_or(1);
    if nth == 0 {
        return Err(ApiError::invalid("nth", "counts from 1"));
    }
    let mut store = account.lock();
    if let Some(ms) = body.ms {
        store.pace.set_least(Duration::from_millis(ms));
    }
    if let Some(percent) = body.hold {
        store.pace.hold(percent);
    }
    if let Some(command) = body.command {
        let failure = Failure {
            code: body.code.unwrap_or_else(|| "action_failed".to_owned()),
            message: body.message.unwrap_or_else(|| "action failed".to_owned()),
        };
        store.pace.doom(command, nth, failure);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// No action is held or fails any more because of an order.
async fn forget_pace(State(account): State<Account>) -> StatusCode {
    account.lock().pace.forget();
    StatusCode::NO_CONTENT
}

async fn limits(State(account): State<Account>, Body(limits): Body<Limits>) -> StatusCode {
    account.controls().limits = limits;
    StatusCode::NO_CONTENT
}

async fn offer(
    State(account): State<Account>,
    Body(body): Body<Map<String, Value>>,
) -> Answer<StatusCode> {
    account.controls().offers.change(&body)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn forget_offers(State(account): State<Account>) -> StatusCode {
    account.controls().offers.forget();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Remaining {
    remaining: u32,
}

async fn budget(State(account): State<Account>, Body(body): Body<Remaining>) -> Answer<StatusCode> {
    account.controls().budget.leave(body.remaining)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn token(State(account): State<Account>, Body(token): Body<Token>) -> Answer<StatusCode> {
    account.controls().tokens.push(token);
    Ok(StatusCode::NO_CONTENT)
}
