//! Providers of a model, asked in order until one answers, all within one deadline.

mod breaker;
mod client;

use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use utoipa::ToSchema;

pub use client::{Fault, Message, Prompt, Reply};

use crate::settings::Chat;
use breaker::Breaker;
use client::{Endpoint, Failed};

/// How long to wait before the second try if the provider does not say.
const PAUSE: Duration = Duration::from_millis(500);
/// If the wait is longer than this, the next provider is asked at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a provider did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Tropiezo)]
pub struct Miss {
    #[serde(rename = "proveedor")]
    pub provider: String,
    #[serde(rename = "clase")]
    pub fault: Fault,
}

/// The providers that have their keys.
#[derive(Debug)]
pub struct Chain {
    links: Vec<(Endpoint, Breaker)>,
    deadline: Duration,
    room: Semaphore,
}

/// The reply and its provider, if any answered, and the failures before it.
#[derive(Debug, Default)]
pub struct Outcome {
    pub reply: Option<(String, Reply)>,
    pub misses: Vec<Miss>,
}

impl Chain {
    /// The chain of the settings. An unreadable key file is an error; a missing key is not.
    pub fn new(settings: &Chat) -> anyhow::Result<Self> {
        // A redirect would send the key to another address.
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .user_agent(concat!("citrino-app/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("could not create the HTTP client for the chat's providers")?;
        let mut links = Vec::new();
        for provider in &settings.providers {
            if let Some(endpoint) = Endpoint::new(provider, http.clone())? {
                links.push((endpoint, Breaker::default()));
            } else {
                tracing::info!(
                    provider = provider.name,
                    "a chat provider is left out: it has no key"
                );
            }
        }
        Ok(Chain {
            links,
            deadline: Duration::from_secs(settings.deadline_s),
            room: Semaphore::new(settings.max_concurrent),
        })
    }

    /// Whether there is no provider.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Asks the providers one after the other.
    pub async fn ask(&self, prompt: &Prompt) -> Outcome {
        let mut outcome = Outcome::default();
        let Ok(_place) = self.room.try_acquire() else {
            outcome.misses.extend(
                self.links
                    .first()
                    .map(|(endpoint, _)| miss(endpoint, Fault::Busy)),
            );
            return outcome;
        };
        let deadline = Instant::now() + self.deadline;
        for (endpoint, breaker) in &self.links {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(permit) = breaker.permit(Instant::now()) else {
                outcome.misses.push(miss(endpoint, Fault::CircuitOpen));
                continue;
            };
            let asked = timeout(left, twice(endpoint, prompt, deadline)).await;
            match asked.unwrap_or_else(|_| Err(Fault::Timeout.into())) {
                Ok(reply) => {
                    permit.succeeded();
                    outcome.reply = Some((endpoint.name.clone(), reply));
                    return outcome;
                }
                Err(failed) => {
                    permit.failed(Instant::now(), failed.retry_after);
                    outcome.misses.push(miss(endpoint, failed.fault));
                }
            }
        }
        outcome
    }
}

/// Asks, and once more after a 429 or 5xx if the wait is short and leaves time.
async fn twice(endpoint: &Endpoint, prompt: &Prompt, deadline: Instant) -> Result<Reply, Failed> {
    let failed = match endpoint.ask(prompt).await {
        Ok(reply) => return Ok(reply),
        Err(failed) => failed,
    };
    let wait = failed.retry_after.unwrap_or(PAUSE);
    let left = deadline.saturating_duration_since(Instant::now());
    let worth_it = matches!(failed.fault, Fault::RateLimit | Fault::ServerError)
        && wait <= PATIENCE
        && wait < left;
    if !worth_it {
        return Err(failed);
    }
    tokio::time::sleep(wait).await;
    endpoint.ask(prompt).await
}

fn miss(endpoint: &Endpoint, fault: Fault) -> Miss {
    tracing::warn!(
        provider = endpoint.name,
        ?fault,
        "a chat provider did not serve"
    );
    Miss {
        provider: endpoint.name.clone(),
        fault,
    }
}
