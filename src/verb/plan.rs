//! `plan`: what `provision` and `converge` would change, and what a month costs.

use std::path::Path;

use anyhow::Result;

use super::job::Job;
use super::{converge, provision};
use crate::hetzner::labels;
use crate::operator::hooks::Hooks;
use crate::operator::known_host;
use crate::operator::preview::{Planned, Saved};
use crate::operator::remote::Target;
use crate::planner::cloud::{self, DiskPolicy};
use crate::verb::on_cloud;
use crate::verb::on_host;
use crate::verb::own_address;

pub async fn run(job: &mut Job<'_>, out: Option<&Path>) -> Result<u8> {
    let mut pending = 0;
    let mut planned = Vec::new();
    let target = if let Some(existing) = &job.stack.host {
        Some(known_host::existing(&job.stack, &job.host.name, existing))
    } else {
        cloud(job, &mut pending, &mut planned).await?
    };
    let cloud_pending = pending;
    let mut on_host = None;
    match target {
        Some(target) => {
            let remote = on_host::connect_to(job, &target).await?;
            let preview = converge::look(job, &remote).await?;
            remote.close().await;
            job.show(&preview)?;
            pending += preview.tally.differs;
            on_host = Some(preview.planned());
        }
        None => job
            .report
            .note("there is no running host yet, so the changes of `converge` are not known"),
    }
    if let Some(path) = out {
        Saved::new(&job.host, job.wishes.clone(), planned, on_host).write(path)?;
        let (typed, file) = (job.typed.clone(), path.display());
        job.report.note(format!(
            "the plan is saved in {file}; `{typed} provision --plan {file}` and `{typed} converge --plan {file}` apply it"
        ));
    }
    let hooks = ["deploy", "rollback"].map(|verb| Hooks::of(&job.stack, verb).names());
    let hooks = hooks.concat();
    if !hooks.is_empty() {
        let hooks = hooks.join(", ");
        job.report
            .note(format!("`deploy` and `rollback` run your hooks: {hooks}"));
    }
    if pending > 0 && out.is_none() {
        job.report
            .note(next(cloud_pending, pending - cloud_pending));
    }
    Ok(provision::pending(pending == 0))
}

/// What applies a plan with differences in the cloud, on the host, or both.
fn next(cloud: usize, host: usize) -> &'static str {
    match (cloud, host) {
        (0, _) => "Apply with `citrino-ops converge`.",
        (_, 0) => "Apply with `citrino-ops provision`.",
        _ => "Apply with `citrino-ops provision`, then `citrino-ops converge`.",
    }
}

/// What would change in the cloud, and where its host is.
async fn cloud(
    job: &mut Job<'_>,
    pending: &mut usize,
    planned: &mut Vec<Planned>,
) -> Result<Option<Target>> {
    let api = on_cloud::api(job)?;
    let remembering = api.remembering();
    let server = api.server_of(&job.host).await?;
    provision::offer(job, &api, server.as_ref()).await?;
    let steps = provision::steps(job, DiskPolicy::Refused)?;
    let preview = on_cloud::look(job, &api, steps).await?;
    drop(remembering);
    job.show(&preview)?;
    if preview.touches(&cloud::FIREWALL) {
        own_address::must_stay_in(job, &api, server.as_ref()).await?;
    }
    *pending += preview.tally.differs;
    planned.extend(preview.planned());
    let born = [labels::BOOTSTRAP_KEY, labels::REBIRTH_KEY];
    if server
        .as_ref()
        .is_some_and(|server| born.iter().any(|key| server.labels.contains_key(*key)))
    {
        job.report
            .note("the host still uses the host key of its bootstrap: `provision` replaces it");
        *pending += 1;
    }
    match server.filter(|server| on_cloud::runs(Some(server))) {
        Some(server) => Ok(Some(on_host::target_of(job, &api, &server).await?)),
        None => Ok(None),
    }
}
