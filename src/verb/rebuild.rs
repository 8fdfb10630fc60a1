//! `rebuild`: gives the host a new disk from its image. The addresses stay, so that names and
//! firewalls of others stay right; what the disk held is lost, but for the snapshot before it.
//! `--from-backup` goes on until it serves again, from wherever a backup is.

use anyhow::Result;

use super::job::Job;
use super::on_cloud;
use crate::cli::Rebuild;
use crate::core::error::exit;

mod disk;
mod living;
mod rescue;

pub async fn run(job: &mut Job<'_>, wish: &Rebuild) -> Result<u8> {
    if wish.from_backup.is_some() {
        return Box::pin(rescue::run(job, wish)).await;
    }
    let api = on_cloud::api(job)?;
    disk::renew(job, &api, wish.yes, "Everything on the host will be lost.").await?;
    let next = format!(
        "the host has an empty disk now; `{} up` sets it up again",
        job.typed
    );
    job.report.note(next);
    Ok(exit::OK)
}
