//! The pool of database connections.

use serde::{Deserialize, Serialize};

/// The pool of database connections.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pool {
    /// Connections at most.
    pub max: u32,
    /// Seconds that a request waits for a connection before 503.
    pub acquire_timeout_s: u64,
    /// Seconds until the database cancels a statement.
    pub statement_timeout_s: u64,
}

impl Default for Pool {
    fn default() -> Self {
        Pool {
            max: 8,
            acquire_timeout_s: 5,
            statement_timeout_s: 30,
        }
    }
}
