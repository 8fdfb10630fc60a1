//! How many requests were answered, and how long that took.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Seconds: upper ends of the histogram's buckets.
const BUCKETS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 5.0];

/// The counts of this process. Clones share them.
#[derive(Clone)]
pub struct RequestCounts {
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

impl RequestCounts {
    /// Empty counts.
    pub fn new() -> Self {
        RequestCounts {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }

    /// Counts an answered request. The route is the pattern and not the path, so that the number of series is bounded.
    pub fn count(&self, method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
        // A client may invent methods; the number of series must not grow with them.
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

    /// Shows the counts to Prometheus.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("requests", "Answered requests", self.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "How long requests took",
            Unit::Seconds,
            self.durations.clone(),
        );
    }
}
