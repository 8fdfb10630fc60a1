//! `plan`: what `provision` and `converge` would change, and what a month costs.

use anyhow::Result;

use super::job::{Job, runs};
use super::{converge, provision};
use crate::error::exit;
use crate::hetzner::labels;
use crate::host;
use crate::plan::Mode;

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    let mut pending = 0;
    let target = if let Some(existing) = &job.stack.host {
        Some(host::existing(&job.stack, existing))
    } else {
        let api = job.api()?;
        let server = api.server_of(&job.stack.name).await?;
        provision::offer(job, &api, server.as_ref()).await?;
        let steps = provision::steps(job)?;
        pending += job.run_cloud(&api, Mode::Check, steps).await?.differs;
        if server
            .as_ref()
            .is_some_and(|server| server.labels.contains_key(labels::BOOTSTRAP_KEY))
        {
            job.report.note("the host still has the key that it was born with: `provision` gives it one of its own");
            pending += 1;
        }
        match server {
            Some(server) if runs(Some(&server)) => Some(host::of_server(&job.stack, &server)?),
            _ => None,
        }
    };
    match target {
        Some(target) => {
            let remote = job.connect_to(&target).await?;
            pending += converge::on(job, &remote, Mode::Check).await?.differs;
            remote.close().await;
        }
        None => job
            .report
            .note("there is no host yet, so what `converge` would change there is not known"),
    }
    Ok(if pending == 0 {
        exit::OK
    } else {
        exit::PENDING
    })
}
