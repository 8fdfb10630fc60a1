//! What every command asks before it changes anything at Hetzner.

use anyhow::Result;

use super::job::Job;
use crate::hetzner::{Hetzner, labels};
use crate::verb::on_cloud;
use crate::verb::on_host;

/// The token may, and nobody has locked the stack.
///
/// # Errors
/// E0527 when it is locked, and those of the API.
pub async fn may_change(job: &mut Job<'_>, api: &Hetzner) -> Result<()> {
    api.check_writable().await?;
    Box::pin(refuse_while_frozen(job, api)).await
}

/// The host knows whether somebody has locked the stack. A host that does not answer says nothing,
/// and must not keep anybody from helping it.
///
/// # Errors
/// E0527 when it is locked.
pub async fn refuse_while_frozen(job: &mut Job<'_>, api: &Hetzner) -> Result<()> {
    let Some(server) = api.server_of(&job.host).await? else {
        return Ok(());
    };
    // One that was never reached with a key of its own was never locked.
    let born = [labels::BOOTSTRAP_KEY, labels::REBIRTH_KEY];
    let is_new = born.iter().any(|key| server.labels.contains_key(*key));
    if is_new || !on_cloud::runs(Some(&server)) {
        return Ok(());
    }
    let target = on_host::target_of(job, api, &server).await?;
    let facts = match on_host::connect_to(job, &target).await {
        Err(error) => Err(error),
        Ok(remote) => {
            let facts = remote.agent().await.map(|agent| agent.facts().clone());
            remote.close().await;
            facts
        }
    };
    match facts.map(|facts| facts.freeze) {
        Ok(None) => {}
        Ok(Some(freeze)) => return Err(freeze.refusal().into()),
        Err(_) => job.report.note(
            "the host does not answer, so it is not known whether somebody has locked the stack",
        ),
    }
    Ok(())
}
