//! The app server and its database: the sections `app` and `database` of citrino.yml.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::app_profile::AppProfile;
use crate::core::value::{DatabaseName, Port, RoleName, Variable, WholeNumber};

/// The app server's own settings: what Gunicorn's were. The app refuses numbers that are out of these ranges.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct App {
    /// A file that says which app this is, relative to citrino.yml. Without it, the app is Citrino.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-applied" = "app"))]
    #[schemars(extend("x-takes" = "a path on this machine; a relative one starts at citrino.yml"))]
    pub profile: Option<PathBuf>,
    /// The port on loopback on which the live slot answers.
    #[schemars(extend("x-applied" = "nginx app"))]
    pub port: Port,
    /// Threads that serve requests.
    #[schemars(extend("x-applied" = "app"))]
    pub workers: WholeNumber<1, 256>,
    /// How many seconds a request may take.
    #[schemars(extend("x-applied" = "nginx app"))]
    pub request_timeout_s: WholeNumber<1, 3600>,
    /// How many seconds a connection may rest between two requests.
    #[schemars(extend("x-applied" = "app"))]
    pub keep_alive_s: WholeNumber<1, 3600>,
    /// How many connections a slot takes at the same time.
    #[schemars(extend("x-applied" = "app"))]
    pub max_connections: WholeNumber<1, 100_000>,
    /// Database connections of one slot. Two slots run during a deploy.
    #[schemars(extend("x-applied" = "app"))]
    pub pool: WholeNumber<1, 1000>,
    /// How many MB of the host's memory a slot may take.
    #[schemars(extend("x-applied" = "app"))]
    pub memory_max_mb: WholeNumber<1, 1_048_576>,
    /// How many seconds a new release must keep answering before it takes over. 0 is not at all.
    #[schemars(extend("x-applied" = "deploy"))]
    pub min_healthy_s: WholeNumber<0, 86_400>,
    /// How many seconds a new release may take until it answers for the first time.
    #[schemars(extend("x-applied" = "deploy"))]
    pub ready_within_s: WholeNumber<1, 86_400>,
    /// How many seconds the migrations of a release may take, all of them. Then they are stopped.
    #[schemars(extend("x-applied" = "deploy"))]
    pub migrate_within_s: WholeNumber<1, 604_800>,
    /// Loads invented example data with each deploy, beside whatever else is there. For rehearsals.
    #[schemars(extend("x-applied" = "deploy"))]
    pub demo_data: bool,
    /// Plain settings for the app's environment, by name. Secrets belong below `secrets`.
    #[schemars(extend("x-applied" = "app"))]
    pub env: BTreeMap<Variable, String>,
}

/// The ranges are `PostgreSQL`'s own.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseSettings {
    /// The name of the database. The default is the application profile's.
    #[schemars(extend("x-applied" = "app"))]
    pub name: DatabaseName,
    /// The role that owns it, which the app logs in as. The default is the application profile's.
    #[schemars(extend("x-applied" = "app"))]
    pub user: RoleName,
    /// How many may be connected at the same time. Two slots with `app.pool` each must fit.
    #[schemars(extend("x-applied" = "postgresql"))]
    pub max_connections: WholeNumber<5, 262_143>,
    /// MB of memory for pages of the database that all connections share.
    #[schemars(extend("x-applied" = "postgresql"))]
    pub shared_buffers_mb: WholeNumber<1, 8_388_607>,
    /// MB of memory that the planner of queries may count on, the cache of the system included.
    #[schemars(extend("x-applied" = "postgresql"))]
    pub effective_cache_size_mb: WholeNumber<1, 16_777_215>,
    /// MB of memory for each sort or hash of a query.
    #[schemars(extend("x-applied" = "postgresql"))]
    pub work_mem_mb: WholeNumber<1, 2_097_151>,
    /// MB of memory for building an index, and for vacuum.
    #[schemars(extend("x-applied" = "postgresql"))]
    pub maintenance_work_mem_mb: WholeNumber<1, 2_097_151>,
}

impl Default for App {
    fn default() -> Self {
        Self {
            profile: None,
            port: Port::APP,
            workers: WholeNumber::near(2),
            request_timeout_s: WholeNumber::near(30),
            keep_alive_s: WholeNumber::near(75),
            max_connections: WholeNumber::near(1000),
            pool: WholeNumber::near(10),
            memory_max_mb: WholeNumber::near(300),
            min_healthy_s: WholeNumber::near(5),
            ready_within_s: WholeNumber::near(30),
            migrate_within_s: WholeNumber::near(900),
            demo_data: false,
            env: BTreeMap::new(),
        }
    }
}

impl Default for DatabaseSettings {
    /// The sizes of the production plan for a host of 2 GB.
    fn default() -> Self {
        let shipped = AppProfile::default().database;
        Self {
            name: shipped.name,
            user: shipped.role,
            max_connections: WholeNumber::near(50),
            shared_buffers_mb: WholeNumber::near(256),
            effective_cache_size_mb: WholeNumber::near(1024),
            work_mem_mb: WholeNumber::near(4),
            maintenance_work_mem_mb: WholeNumber::near(64),
        }
    }
}
