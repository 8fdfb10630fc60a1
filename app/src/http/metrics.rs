//! `GET /metrics`: what was asked and how long it took, for Prometheus.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::http::App;
use crate::http::document::PlainFaults;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::limit;

/// Seconds: upper ends of the histogram's buckets.
const BUCKETS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 5.0];

/// The counts of this process. Cloning shares them.
#[derive(Clone)]
pub struct Metrics {
    requests: Family<Labels, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Metrics {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }

    /// Counts an answered request. The route is the pattern and not the path, so that the number of series is bounded.
    pub fn count(&self, method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
        // A client may invent methods; series must not grow with them.
        let method = match *method {
            Method::GET | Method::POST | Method::HEAD | Method::OPTIONS => method.as_str(),
            _ => "other",
        };
        let labels = Labels {
            method: method.to_owned(),
            route: route.to_owned(),
            status: status.as_u16(),
        };
        let route = Route {
            route: route.to_owned(),
        };
        self.requests.get_or_create(&labels).inc();
        self.durations
            .get_or_create(&route)
            .observe(elapsed.as_secs_f64());
    }
}

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

/// The counts, and what is measured when it is asked for.
fn registry(app: &App) -> Registry {
    let mut registry = Registry::with_prefix("citrino");
    registry.register(
        "requests",
        "Answered requests",
        app.metrics.requests.clone(),
    );
    registry.register_with_unit(
        "request_duration",
        "How long requests took",
        Unit::Seconds,
        app.metrics.durations.clone(),
    );
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
