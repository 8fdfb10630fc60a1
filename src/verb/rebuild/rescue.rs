//! `rebuild --from-backup`: from a lost server to serving, with a stopwatch.

use std::time::Instant;

use anyhow::Result;
use time::OffsetDateTime;

use super::renew;
use crate::archive;
use crate::artifact::Build;
use crate::cli::{Provision, Rebuild};
use crate::error::{Fault, exit};
use crate::event::Figure;
use crate::facts::backups::{self, Backup};
use crate::plan::Mode;
use crate::remote::Remote;
use crate::secret::Secret;
use crate::source;
use crate::verb::job::Job;
use crate::verb::restore::Origin;
use crate::verb::{backup, converge, deploy, health, provision};

pub async fn run(job: &mut Job<'_>, wish: &Rebuild) -> Result<u8> {
    // All that can be missing is looked for while nothing is lost yet.
    let which = wish
        .from_backup
        .as_deref()
        .filter(|which| *which != "newest");
    let origin = Origin::off_the_host(job, which).await?;
    let identities = source::identities(&job.stack, wish.key.identity.as_deref())?;
    belongs(job, origin.backup())?;
    can_be_opened(origin.backup(), &identities)?;
    if let Origin::Here(here) = &origin {
        here.verify()?;
    }
    let build = deploy::build(job, &wish.artifact).await?;
    build.is_for(std::env::consts::ARCH)?;
    let (told, at) = (origin.told(), origin.backup().at.clone());
    let begun = (Instant::now(), OffsetDateTime::now_utc());
    server(
        job,
        wish,
        &format!(
            "All that is on the host is lost; the database comes back as it was in {told}, of {at}."
        ),
    )
    .await?;
    let target = job.target().await?;
    let remote = job
        .connect_to(&target)
        .await?
        .telling(job.report.progress());
    job.report.heading("converge");
    converge::on(job, &remote).await?;
    serve(job, &remote, &origin, &build, identities).await?;
    remote.close().await;
    stopwatch(job, begun, &told, &at);
    Ok(exit::OK)
}

/// # Errors
/// E0423 when it is of another stack.
fn belongs(job: &Job, backup: &Backup) -> Result<()> {
    if backup.stack == job.stack.name {
        return Ok(());
    }
    let message = format!(
        "{} is of the stack {}, and this is {}",
        backup.name, backup.stack, job.stack.name
    );
    Err(Fault::new("E0423", message)
        .hint("nothing was changed; name another backup, or restore this one with `restore --from-other-stack` on a host that is there")
        .into())
}

/// # Errors
/// E0425 when the backup is encrypted, and there is nothing here to open it with.
fn can_be_opened(backup: &Backup, identities: &[Secret]) -> Result<()> {
    let keys = archive::identities(identities)?;
    let mut own = keys.iter().map(|key| key.to_public().to_string());
    if backup.is_sealed() && !own.any(|key| backup.recipients.contains(&key)) {
        let message = format!(
            "{} is encrypted, and no age identity here opens it",
            backup.name
        );
        return Err(Fault::new("E0425", message)
            .hint("nothing was changed; name the private key's file in `backup.identity` of citrino.yml, or with --identity")
            .into());
    }
    Ok(())
}

/// There is a server with nothing on it: the one that is there, or another at the same addresses.
async fn server(job: &mut Job<'_>, wish: &Rebuild, what: &str) -> Result<()> {
    if job.stack.cloud.is_none() {
        // A host that is not ours to make stays as it is; its database is set aside.
        let why = "the database of the host would be another";
        return job.confirm(wish.yes.yes, why, what).await;
    }
    let api = job.api()?;
    let name = job.stack.name.clone();
    job.report.heading("provision");
    if api.server_of(&name).await?.is_some() {
        return renew(job, &api, wish.yes, what).await;
    }
    let options = Provision {
        yes: wish.yes,
        check: false,
        replace: false,
        plan: None,
    };
    provision::run(job, &options).await.map(drop)
}

/// The database first: nobody is ever shown an empty one.
async fn serve(
    job: &mut Job<'_>,
    remote: &Remote,
    origin: &Origin,
    build: &Build,
    identities: Vec<Secret>,
) -> Result<()> {
    job.report.heading("restore");
    origin.bring(job, remote).await?;
    let agent = job.agent(remote).await?;
    let (settings, now) = (job.backups(), OffsetDateTime::now_utc());
    let backup = origin.backup();
    let restore = settings.restored(&job.stack, &agent.facts().app, now, backup, identities);
    let mut steps = restore.steps;
    if job.stack.cloud.is_some() {
        // On a new disk what was set aside is the empty one of the first converge.
        steps.push(settings.pruned(now, true));
    }
    let plan = job.plan(Mode::Apply, steps, restore.on_failure);
    job.run_host(agent, &plan, &[]).await?;
    job.report.heading("deploy");
    deploy::on(job, remote, build).await?;
    backup::first(job, remote).await?;
    job.report.heading("health");
    health::on(job, remote).await
}

fn stopwatch(job: &mut Job, begun: (Instant, OffsetDateTime), told: &str, at: &str) {
    let took = begun.0.elapsed().as_secs_f64();
    let lost = (begun.1 - backups::at(at)).whole_minutes().max(0);
    let text = format!("serves again, its database from {told}");
    let figure = Figure {
        value: (took * 10.0).round() / 10.0,
        unit: "s from the beginning to healthy".to_owned(),
        limit: None,
    };
    job.report.fact("RTO", text, Some(figure));
    #[allow(clippy::cast_precision_loss)] // minutes
    let figure = Figure {
        value: lost as f64,
        unit: "min".to_owned(),
        limit: None,
    };
    job.report.fact(
        "RPO",
        format!("what was written since {at} is lost"),
        Some(figure),
    );
}
