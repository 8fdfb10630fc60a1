//! What is asked of the app, and of its database, to know that it works.

use serde::{Deserialize, Serialize};

use crate::core::value::{Route, TextLine};

/// Where the app says which release it is, as a JSON pointer (RFC 6901).
pub const RELEASE: &str = "/release";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Routes {
    /// Answers while the app runs, and says at [`RELEASE`] of its JSON which release it is.
    pub live: Route,
    /// Answers 200 once the app can serve, its database included.
    pub ready: Route,
    /// What is below this is always the app's: nginx looks for no file there, and robots are kept off it.
    pub api: Route,
    /// Its figures for Prometheus, told to the host alone; none where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Route>,
}

/// A request to the app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub name: TextLine,
    #[serde(default)]
    pub method: Method,
    pub path: Route,
    /// Sent as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default = "ok")]
    pub status: u16,
    /// In `health`: how long the answer may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    #[default]
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

fn ok() -> u16 {
    200
}

/// What `health` asks beside the app's routes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    pub requests: Vec<Request>,
    pub queries: Vec<QueryProbe>,
    pub indexes: Vec<IndexProbe>,
}

/// A query of the database that must be quick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryProbe {
    pub name: TextLine,
    pub query: String,
    pub max_ms: u32,
}

/// A query that must use an index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexProbe {
    pub name: TextLine,
    pub query: String,
    pub index: String,
}
