//! Reach: the site as everybody asks it, from the operator's machine.

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use crate::core::app_profile::RELEASE;
use crate::core::http::{self, HttpRequest, Manner};
use crate::core::value::Route;

/// The release that answers for the domain at the address, whatever the name service says of it.
///
/// # Errors
/// When nothing answers, or something that is not the app.
pub async fn release(domain: &str, route: &Route, address: &str) -> Result<String> {
    let mut found = tokio::net::lookup_host((address, 0))
        .await
        .with_context(|| format!("{address} cannot be resolved"))?;
    let place = found.next().context("the address cannot be resolved")?;
    let request = HttpRequest {
        address: Some(place.ip()),
        ..HttpRequest::get(format!("http://{domain}{route}"))
    };
    let answer = request.asker(Manner::Visitor)?.ask().await;
    let answer = answer.map_err(|error| anyhow!(http::reason(&error)))?;
    ensure!(
        answer.status.is_success(),
        "{} answers {}",
        request.url,
        answer.status
    );
    let said: Value =
        serde_json::from_slice(&answer.body).context("something else than the app answers")?;
    let release = said.pointer(RELEASE).and_then(Value::as_str);
    Ok(release
        .context("something else than the app answers")?
        .to_owned())
}
