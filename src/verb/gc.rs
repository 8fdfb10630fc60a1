//! `gc`: what carries the stack's label and is not wished; `--yes` deletes it.

use anyhow::Result;

use super::job::Job;
use super::provision::pending;
use crate::core::error::exit;
use crate::planner::cloud;
use crate::verb::cloud_door;
use crate::verb::on_cloud;

pub async fn run(job: &mut Job<'_>, yes: bool) -> Result<u8> {
    let api = on_cloud::api(job)?;
    let steps = cloud::tidy(&job.stack, &job.keys);
    let preview = on_cloud::look(job, &api, steps.clone()).await?;
    if !yes || preview.is_empty() {
        job.show(&preview)?;
        return Ok(pending(preview.is_empty()));
    }
    cloud_door::may_change(job, &api).await?;
    on_cloud::run(job, &api, steps).await?;
    Ok(exit::OK)
}
