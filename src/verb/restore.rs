//! `restore`: the database as it was in a backup, or at a point in time. It is made beside the live one and swapped in by name.

use anyhow::Result;
use time::OffsetDateTime;

use super::job::Job;
use super::users;
use crate::backup::{Settings, wished};
use crate::bucket::Bucket;
use crate::bucket::backups::gather;
use crate::cli::Restore;
use crate::error::{Fault, exit};
use crate::facts::app::AppFacts;
use crate::facts::backups::{Backup, Backups};
use crate::plan::Mode;
use crate::remote::Agent;
use crate::source;

pub async fn run(job: &mut Job<'_>, wish: &Restore) -> Result<u8> {
    let identities = source::identities(&job.stack, wish.key.identity.as_deref())?;
    let from = wish.from.as_deref().map(|url| place(job, url));
    let from = from.transpose()?;
    let remote = job.connect().await?;
    let agent = job.agent(&remote).await?;
    let (agent, name) = match &from {
        Some(bucket) => {
            let name = wish.backup.as_deref().unwrap_or("latest");
            let name = fetch(job, agent, bucket, name).await?;
            (remote.agent().await?, Some(name))
        }
        None => (agent, wish.backup.clone()),
    };
    let facts = agent.facts().clone();
    let settings = job.backups();
    let now = OffsetDateTime::now_utc();
    let restore = if let Some(to) = wish.to {
        settings.recovered(&job.stack, &facts.app, now, to)
    } else {
        let backup = wished(&facts.backups, name.as_deref())?;
        fits(job, &facts.app, backup, wish.from_other_stack)?;
        settings.restored(&job.stack, &facts.app, now, &backup.name, identities)
    };
    let done = restore.swap.name.clone();
    job.foresee(agent, vec![restore.swap]).await?;
    let why = "what was written since then would be given up";
    job.confirm(wish.yes.yes, why, "Give that up, and restore?")
        .await?;
    let agent = remote.agent().await?;
    let mut plan = job.plan(Mode::Apply, restore.steps, restore.on_failure);
    plan.watch = users::on_host(&job.stack);
    job.run_host(agent, &plan, &[]).await?;
    remote.close().await;
    job.report.note(format!(
        "{done}; the one of before stays until `{} backup prune --aside`",
        job.typed
    ));
    Ok(exit::OK)
}

/// The bucket that is meant, with the key of citrino.yml.
///
/// # Errors
/// E0802 without such a key.
fn place(job: &Job, url: &str) -> Result<Bucket> {
    let Some(own) = job.backups().s3 else {
        let message =
            "`--from` asks a bucket, and citrino.yml has no `backup.s3` with a key for it";
        return Err(Fault::new("E0802", message)
            .hint("add `backup.s3`; examples/citrino.yml shows how")
            .into());
    };
    own.at(url)
}

/// Brings a backup from a bucket to the host; gives its whole name.
///
/// # Errors
/// E0433 when it is not there.
async fn fetch(job: &mut Job<'_>, agent: Agent<'_>, bucket: &Bucket, name: &str) -> Result<String> {
    job.report.waiting(format!("looking at {}", bucket.url()));
    let there = gather(&bucket.open()?).await?;
    if there.backups == Backups::default() {
        let message = format!("there is no backup in {}", bucket.url());
        return Err(Fault::new("E0433", message)
            .hint("nothing was changed; look at bucket and prefix of `backup.s3`")
            .into());
    }
    let name = wished(&there.backups, Some(name))?.name.clone();
    let plan = job.plan(
        Mode::Apply,
        vec![Settings::fetched(bucket, &name)],
        Vec::new(),
    );
    job.run_host(agent, &plan, &[]).await?;
    Ok(name)
}

/// Whether it belongs here.
///
/// # Errors
/// E0423 when it is of another stack, or of a schema that the release that serves does not know.
fn fits(job: &Job, app: &AppFacts, backup: &Backup, from_other_stack: bool) -> Result<()> {
    if backup.stack != job.stack.name && !from_other_stack {
        let message = format!(
            "{} is of the stack {}, and this is {}",
            backup.name, backup.stack, job.stack.name
        );
        return Err(Fault::new("E0423", message)
            .hint("nothing was changed; add --from-other-stack when that is meant")
            .into());
    }
    let live = app.live_release();
    let serves = app
        .releases
        .iter()
        .find(|one| Some(one.id.as_str()) == live);
    let known = serves.and_then(|release| release.migrations.as_ref());
    let newest = backup.schema.applied.last().copied().unwrap_or_default();
    match known {
        Some(known) if newest > known.newest => {
            let message = format!(
                "{} has the schema {newest:04}, and the release that serves knows {:04}",
                backup.name, known.newest
            );
            Err(Fault::new("E0423", message)
                .hint("nothing was changed; deploy the release first that knows it, or name an older backup")
                .into())
        }
        _ => Ok(()),
    }
}
