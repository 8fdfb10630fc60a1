//! `GET /metrics`: figures for Prometheus.

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::http::document::PlainFaults;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::limit;
use crate::http::state::App;

/// Las cifras del proceso, para Prometheus.
///
/// Solo responde a quien pregunta desde el propio servidor.
#[utoipa::path(get, path = "/metrics", tag = "operación",
    responses((status = 200, description = "Texto de OpenMetrics.", body = String,
               content_type = "application/openmetrics-text"),
              (status = 404, description = "Se pregunta desde otra parte.", body = ErrorBody), PlainFaults))]
pub async fn metrics(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    if limit::stranger(&request).is_some() {
        return Err(ApiError::not_found("No existe la ruta /metrics."));
    }
    let mut text = String::new();
    encode(&mut text, &registry(&app)).map_err(|_| ApiError::internal())?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

/// The counts, and figures that are measured now.
fn registry(app: &App) -> Registry {
    let mut registry = Registry::with_prefix("citrino");
    app.metrics.register(&mut registry);
    let idle = i64::try_from(app.pool.num_idle()).unwrap_or(i64::MAX);
    let open = i64::from(app.pool.size());
    gauge(
        &mut registry,
        "db_connections",
        "Open connections to the database",
        open,
    );
    gauge(
        &mut registry,
        "db_connections_idle",
        "Of these, at rest",
        idle,
    );
    if let Some(bytes) = resident_bytes() {
        gauge(
            &mut registry,
            "resident_memory_bytes",
            "Memory of this process",
            bytes,
        );
    }
    registry
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    registry.register(name, help, ConstGauge::new(value));
}

/// As the kernel counts it; none where there is no `/proc`.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
