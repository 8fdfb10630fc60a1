//! `rebuild`: gives the host a new disk from its image. The addresses stay, so that names and
//! firewalls of others stay right; what the disk held is lost, but for the snapshot before it.

use anyhow::Result;

use super::job::{Job, no_server};
use super::provision;
use crate::cli::Yes;
use crate::cloud::Renewal;
use crate::error::exit;

pub async fn run(job: &mut Job<'_>, yes: Yes) -> Result<u8> {
    let api = job.api()?;
    let name = job.stack.name.clone();
    let server = api
        .server_of(&name)
        .await?
        .ok_or_else(|| no_server(&name))?;
    provision::offer(job, &api, Some(&server)).await?;
    let steps = provision::steps(job, Renewal::Wished)?;
    let preview = job.look_at_cloud(&api, steps.clone()).await?;
    api.check_writable().await?;
    if !yes.yes {
        job.show(&preview)?;
        job.report.forget_preview();
    }
    job.confirm_by_name(
        yes.yes,
        &format!("this gives the host of {name} a new disk"),
        "All that is on the host is lost.",
    )
    .await?;
    job.run_cloud(&api, steps).await?;
    provision::host(job, &api).await?;
    let next = format!(
        "the host is as on its first day; `{} up` makes it serve again",
        job.typed
    );
    job.report.note(next);
    Ok(exit::OK)
}
