//! What every handler may use.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::PgPool;

use crate::catalog::contact::ContactPart;
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
    /// The catalogue in memory.
    pub ranking_cache: Arc<RankingCache>,
    /// What of a seller's contact is shown.
    pub contact: Arc<[ContactPart]>,
    /// Whether answers come from there.
    pub from_memory: bool,
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
    pub fn new(
        pool: PgPool,
        ranking_cache: RankingCache,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        Ok(App {
            pool,
            ranking_cache: Arc::new(ranking_cache),
            contact: settings.contact.as_slice().into(),
            from_memory: settings.from_memory,
            release: crate::settings::release().into(),
            started: Instant::now(),
            metrics: RequestCounts::new(),
            cache: Cache::new(Duration::from_secs(settings.cache_s)),
            chat: Arc::new(Chat::new(&settings.chat)?),
        })
    }

    /// Reads the catalogue before anybody asks. Without a database, the first request does it.
    pub async fn load(&self) {
        let began = Instant::now();
        match self.ranking_cache.look(|_, _| ()).await {
            Ok(()) => {
                let ms = began.elapsed().as_millis();
                tracing::info!(ms, "the catalogue is in memory");
            }
            Err(error) => tracing::warn!(%error, "the catalogue cannot be read yet"),
        }
    }
}
