//! The new disk of a host.

use anyhow::Result;

use crate::cli::Yes;
use crate::hetzner::Hetzner;
use crate::planner::cloud::DiskPolicy;
use crate::verb::job::Job;
use crate::verb::{cloud_door, consent, on_cloud, provision};

/// Gives the server that is there a new disk, after a yes.
pub async fn renew(job: &mut Job<'_>, api: &Hetzner, yes: Yes, what: &str) -> Result<()> {
    let name = job.stack.name.clone();
    let server = api
        .server_of(&job.host)
        .await?
        .ok_or_else(|| on_cloud::no_server(&job.host))?;
    provision::offer(job, api, Some(&server)).await?;
    let steps = provision::steps(job, DiskPolicy::Wished)?;
    let preview = on_cloud::look(job, api, steps.clone()).await?;
    cloud_door::may_change(job, api).await?;
    if !yes.yes {
        job.show(&preview)?;
        job.report.forget_preview();
    }
    let why = format!("this gives the host of stack {name} a new disk");
    let what = format!("{what} The server stays, with its addresses and its price.");
    consent::confirm_by_name(job, yes.yes, &why, &what).await?;
    on_cloud::provision(job, api, steps).await?;
    provision::host(job, api).await
}
