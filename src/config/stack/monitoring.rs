//! What is measured on the host, and who may read it: the section `monitoring` of citrino.yml.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretSource;
use crate::core::value::Cidr;

/// The user that Prometheus logs in as.
pub const METRICS_USER: &str = "prometheus";

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Monitoring {
    /// Install exporters for Prometheus: of the system, of PostgreSQL and of the checks of `health`, beside the app's own figures. They need TLS, `allow_from` and `password`.
    #[schemars(extend("x-applied" = "nginx"))]
    pub exporters: bool,
    /// The addresses of Prometheus. Nobody else can read the figures.
    #[schemars(extend("x-applied" = "nginx"))]
    pub allow_from: Vec<Cidr>,
    /// The password of Prometheus; its user is `prometheus`.
    #[schemars(extend("x-applied" = "host"))]
    pub password: Option<SecretSource>,
}
