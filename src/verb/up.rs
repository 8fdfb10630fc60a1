//! `up`: from nothing to serving.

use anyhow::Result;

use super::job::Job;
use super::{backup, converge, deploy, health, provision};
use crate::cli::{Artifact, Provision, Yes};
use crate::core::error::exit;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, yes: Yes, artifact: &Artifact) -> Result<u8> {
    // Built first: what does not compile needs no server.
    let build = deploy::build(job, artifact).await?;
    // A host's agent is this very binary.
    build.is_for(std::env::consts::ARCH)?;
    if job.stack.cloud.is_some() {
        job.report.heading("provision");
        let options = Provision {
            yes,
            check: false,
            replace: false,
            plan: None,
        };
        provision::run(job, &options).await?;
    }
    let target = on_host::target(job).await?;
    let remote = on_host::connect_to(job, &target).await?;
    job.report.heading("converge");
    converge::on(job, &remote).await?;
    job.report.heading("deploy");
    deploy::on(job, &remote, &build).await?;
    backup::first(job, &remote).await?;
    job.report.heading("health");
    health::on(job, &remote).await?;
    remote.close().await;
    let typed = &job.typed;
    let scheme = job.stack.tls.https().map_or("http", |_| "https");
    let text = format!(
        "\n{} serves at {scheme}://{}/\nNext:\n  {typed} health    runs the checklist again\n  {typed} plan      shows what differs from citrino.yml\n  {typed} logs -f   follows the app's log",
        job.stack.name, target.address
    );
    job.report.note(text);
    Ok(exit::OK)
}
