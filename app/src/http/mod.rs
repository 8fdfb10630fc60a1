//! The HTTP interface: routes, and the layers around them.

mod analysis;
mod body;
mod cache;
mod chat;
mod document;
mod error;
mod fields;
mod health;
mod limit;
mod map;
mod metrics;
mod page;
mod property;
mod recommend;
mod request_counts;
pub mod request_id;
mod search;
mod spliced;
mod state;
mod statistics;
mod token;
mod trace;
mod v1;
mod v1_error;

use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, ORIGIN, RETRY_AFTER, VARY,
};
use axum::http::{HeaderValue, Method};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tower::{Layer, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::settings::{Origin, Settings};
use error::ApiError;
pub use limit::Peer;
pub use state::App;

/// Old names of `/api/recomendar`, which the original's front end uses.
const OLD_NAMES: [&str; 2] = ["/api/recomendar-mejorado", "/api/recomendar-mejorado-llm"];

/// The routes that the document describes, each next to its description.
fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document::Head::openapi())
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
        .routes(routes!(search::buscar))
        .routes(routes!(search::propiedades))
        .routes(routes!(property::propiedad))
        .routes(routes!(property::parecidas))
        .routes(routes!(recommend::recomendar))
        .routes(routes!(statistics::estadisticas))
        .routes(routes!(statistics::zonas))
        .routes(routes!(analysis::analisis))
        .routes(routes!(chat::process))
        .routes(routes!(map::mapa))
        .routes(routes!(map::servicios))
        .routes(routes!(v1::models))
        .routes(routes!(v1::model))
        .routes(routes!(v1::complete))
}

/// All routes. Every error, also of unknown paths, is JSON of one shape.
pub fn router(app: App, settings: &Settings) -> Router {
    let (api, mut document) = api().split_for_parts();
    document::alias(&mut document, "/api/recomendar", &OLD_NAMES);
    if settings.token.is_some() {
        document::guard(&mut document);
    }
    let routes = OLD_NAMES
        .iter()
        .fold(api, |routes, name| {
            routes.route(name, post(recommend::recomendar))
        })
        .route("/api/openapi.json", get(|| async { Json(document) }));
    around(routes, &app, settings).with_state(app)
}

/// The page. A first visit loads many small files that cost nothing, so they are not rate-limited.
fn page() -> Router<App> {
    Router::new()
        .route("/", get(page::document))
        .route("/favicon.ico", get(page::icon))
        .route("/ui/{version}/{*path}", get(page::file))
        .method_not_allowed_fallback(no_such_method)
}

/// The layers around every route; the last is the outermost.
fn around(routes: Router<App>, app: &App, settings: &Settings) -> Router<App> {
    routes
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(settings.body_limit_bytes))
        .layer(from_fn_with_state(
            settings.request_timeout(),
            trace::time_limit,
        ))
        .layer(from_fn_with_state(token::Lock::new(settings), token::guard))
        .layer(from_fn_with_state(
            limit::buckets(&settings.rate_limit),
            limit::limit,
        ))
        .merge(page())
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::internal().into_response()
        }))
        .layer(from_fn(v1_error::shape))
        .layer(from_fn(compressed))
        .layer(from_fn_with_state(cors(&settings.cors), shared))
        .layer(from_fn_with_state(app.clone(), trace::request))
}

/// Pages of these origins may send requests; without any, only our own.
fn cors(origins: &[Origin]) -> CorsLayer {
    let origins = origins.iter().map(|origin| origin.header().clone());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([CONTENT_TYPE, AUTHORIZATION, IF_NONE_MATCH])
        .expose_headers([ETAG, RETRY_AFTER, request_id::HEADER])
        .max_age(Duration::from_hours(1))
}

/// Compresses the answer for whoever reads compressed ones. Most requests come through nginx, which does not ask for it; they are
/// spared the layer.
async fn compressed(request: Request, next: Next) -> Response {
    if !request.headers().contains_key(ACCEPT_ENCODING) {
        return varied(next.run(request).await, "accept-encoding");
    }
    let layered = CompressionLayer::new().layer(next);
    let Ok(answer) = layered.oneshot(request).await;
    answer.map(Body::new)
}

/// Says which other sites may read the answer, to a browser that names the site it asks for.
async fn shared(State(cors): State<CorsLayer>, request: Request, next: Next) -> Response {
    if !request.headers().contains_key(ORIGIN) {
        return varied(next.run(request).await, "origin");
    }
    let Ok(answer) = cors.layer(next).oneshot(request).await;
    answer
}

/// Says to caches that the answer depends on a header, which this request did not have.
fn varied(mut answer: Response, by: &'static str) -> Response {
    answer
        .headers_mut()
        .append(VARY, HeaderValue::from_static(by));
    answer
}

async fn no_such_path(request: Request) -> ApiError {
    ApiError::not_found(format!("No existe la ruta {}.", request.uri().path()))
}

async fn no_such_method(method: Method, path: MatchedPath) -> ApiError {
    ApiError::method_not_allowed(&method, path.as_str())
}
