//! `rebuild`: gives the host a new disk from its image. The addresses stay, so that names and
//! firewalls of others stay right; what the disk held is lost, but for the snapshot before it.
//! `--from-backup` goes on until it serves again, from wherever a backup is.

use anyhow::Result;

use super::job::{Job, no_server};
use super::provision;
use crate::cli::{Rebuild, Yes};
use crate::core::error::exit;
use crate::hetzner::Hetzner;
use crate::planner::cloud::DiskPolicy;

mod rescue;

pub async fn run(job: &mut Job<'_>, wish: &Rebuild) -> Result<u8> {
    if wish.from_backup.is_some() {
        return Box::pin(rescue::run(job, wish)).await;
    }
    let api = job.api()?;
    renew(job, &api, wish.yes, "Everything on the host will be lost.").await?;
    let next = format!(
        "the host has an empty disk now; `{} up` sets it up again",
        job.typed
    );
    job.report.note(next);
    Ok(exit::OK)
}

/// Gives the server that is there a new disk, after a yes.
async fn renew(job: &mut Job<'_>, api: &Hetzner, yes: Yes, what: &str) -> Result<()> {
    let name = job.stack.name.clone();
    let server = api
        .server_of(&name)
        .await?
        .ok_or_else(|| no_server(&name))?;
    provision::offer(job, api, Some(&server)).await?;
    let steps = provision::steps(job, DiskPolicy::Wished)?;
    let preview = job.look_at_cloud(api, steps.clone()).await?;
    api.check_writable().await?;
    if !yes.yes {
        job.show(&preview)?;
        job.report.forget_preview();
    }
    let why = format!("this gives the host of stack {name} a new disk");
    job.confirm_by_name(yes.yes, &why, what).await?;
    job.run_cloud(api, steps).await?;
    provision::host(job, api).await
}
