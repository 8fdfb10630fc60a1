//! Reach: the site as everybody asks it, from the operator's machine.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

const WITHIN: Duration = Duration::from_secs(5);

/// What the app says of itself, as far as it is asked for here.
#[derive(Deserialize)]
struct Health {
    release: String,
}

/// The release that answers for the domain at the address, whatever the name service says of it.
///
/// # Errors
/// When nothing answers, or something that is not the app.
pub async fn release(domain: &str, address: &str) -> Result<String> {
    let mut found = tokio::net::lookup_host((address, 0))
        .await
        .with_context(|| format!("{address} cannot be resolved"))?;
    let place = found.next().context("the address cannot be resolved")?;
    let client = reqwest::Client::builder()
        .timeout(WITHIN)
        .no_proxy()
        .resolve(domain, place)
        // Nothing secret is sent or believed: which release answers is all that is asked, and a
        // certificate that is not there yet must not cost the change that is to bring it.
        .danger_accept_invalid_certs(true)
        .build()?;
    let answer = client
        .get(format!("http://{domain}/api/health"))
        .send()
        .await?;
    let status = answer.status();
    ensure!(
        status.is_success(),
        "http://{domain}/api/health answers {status}"
    );
    let health: Health = answer
        .json()
        .await
        .context("something else than the app answers")?;
    Ok(health.release)
}
