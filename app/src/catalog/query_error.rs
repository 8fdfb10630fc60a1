//! Why the database gave no answer. One failure may end many requests, so it can be cloned.

use std::fmt;
use std::sync::Arc;

/// A failure of the database.
#[derive(Debug, Clone)]
pub struct QueryError(Arc<sqlx::Error>);

impl QueryError {
    /// What sqlx says.
    pub fn cause(&self) -> &sqlx::Error {
        &self.0
    }
}

impl From<sqlx::Error> for QueryError {
    fn from(error: sqlx::Error) -> Self {
        QueryError(Arc::new(error))
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

impl std::error::Error for QueryError {}
