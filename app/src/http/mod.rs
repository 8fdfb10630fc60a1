//! The HTTP face: routes, and what surrounds each of them.

mod body;
mod error;
mod fields;
mod health;
mod home;
mod property;
mod recommend;
mod search;
mod trace;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use axum::{Router, http::Method};
use sqlx::PgPool;

pub use error::ApiError;
pub use fields::fold;
pub use recommend::preferences;

use crate::settings::Settings;

/// What every handler may use.
#[derive(Clone)]
pub struct App {
    /// Connections to the database.
    pub pool: PgPool,
    release: Arc<str>,
    started: Instant,
}

impl App {
    /// The state of a server that starts now.
    pub fn new(pool: PgPool) -> Self {
        App {
            pool,
            release: crate::settings::release().into(),
            started: Instant::now(),
        }
    }
}

/// All routes. Every error of theirs, and of the paths that are none, is JSON of one shape.
pub fn router(app: App, settings: &Settings) -> Router {
    Router::new()
        .route("/", get(home::page))
        .route("/api/health", get(health::live))
        .route("/api/ready", get(health::ready))
        .route("/api/buscar", post(search::buscar))
        .route("/api/recomendar", post(recommend::recomendar))
        .route("/api/propiedades/{id}", get(property::propiedad))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(settings.body_limit_bytes))
        .layer(from_fn_with_state(
            settings.request_timeout(),
            trace::time_limit,
        ))
        .layer(from_fn(trace::request))
        .with_state(app)
}

async fn no_such_path(request: Request) -> ApiError {
    ApiError::not_found(format!("No existe la ruta {}.", request.uri().path()))
}

async fn no_such_method(method: Method, path: MatchedPath) -> ApiError {
    ApiError::method_not_allowed(&method, path.as_str())
}
