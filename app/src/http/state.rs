//! What every handler may use.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::PgPool;

use crate::catalog::ranking_cache::RankingCache;
use crate::chat::Chat;
use crate::http::cache::Cache;
use crate::http::request_counts::RequestCounts;
use crate::settings::Settings;

/// What every handler may use.
#[derive(Clone)]
pub struct App {
    /// Connections to the database.
    pub pool: PgPool,
    /// What properties are ranked by.
    pub ranking_cache: Arc<RankingCache>,
    /// The release that runs.
    pub release: Arc<str>,
    /// When the server started.
    pub started: Instant,
    /// How many requests were answered.
    pub metrics: RequestCounts,
    /// Answers that change slowly.
    pub cache: Cache,
    /// The chat.
    pub chat: Arc<Chat>,
}

impl App {
    /// The state of a server that starts now.
    pub fn new(pool: PgPool, settings: &Settings) -> anyhow::Result<Self> {
        Ok(App {
            pool,
            ranking_cache: Arc::default(),
            release: crate::settings::release().into(),
            started: Instant::now(),
            metrics: RequestCounts::new(),
            cache: Cache::new(Duration::from_secs(settings.cache_s)),
            chat: Arc::new(Chat::new(&settings.chat)?),
        })
    }
}
