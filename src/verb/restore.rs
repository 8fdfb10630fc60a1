//! `restore`: the database as it was in a backup, or at a point in time. It is made beside the live one and swapped in by name.

use anyhow::Result;
use time::OffsetDateTime;

mod origin;

pub use origin::{BackupOrigin, BackupRequest};

use super::job::Job;
use super::outage_watch;
use crate::cli::RestoreCommand;
use crate::config::source;
use crate::core::error::{Code, Fault, exit};
use crate::core::plan::Mode;
use crate::facts::app::AppFacts;
use crate::facts::backups::{Accepts, BackupManifest};
use crate::planner::backup::{SAFETY, Swapping, wished};
use crate::task::backup_downloaded::LATEST;
use crate::verb::consent;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, wish: &RestoreCommand) -> Result<u8> {
    if wish.backup.is_none() && wish.from.is_none() && wish.to.is_none() {
        return Err(nothing_named().into());
    }
    let mut name = wish.backup.clone();
    let accepts = accepts(wish)?;
    let asked = BackupRequest {
        from: wish.from.as_deref(),
        name: Some(wish.backup.as_deref().unwrap_or(LATEST)),
        accepts,
    };
    if asked.is_elsewhere(job)? {
        on_host::know_stack_key(job).await?;
    }
    let origin = BackupOrigin::of(job, asked).await?;
    if let Some(origin) = &origin {
        belongs(job, origin.backup(), wish.from_other_stack)?;
    }
    let remote = on_host::connect(job).await?.telling(job.report.progress());
    if let Some(origin) = origin {
        origin.bring(job, &remote, accepts).await?;
        name = Some(origin.backup().name.clone());
    }
    let identities = source::identities(&job.stack, wish.key.identity.as_deref())?;
    let agent = on_host::agent(job, &remote).await?;
    let facts = agent.facts().clone();
    if wish.to.is_none() {
        // One that was brought here is named.
        let name = name.as_deref();
        origin::tell_of_doubt(job, &facts.backups, BackupRequest { name, ..asked });
    }
    let settings = job.backups();
    let swapping = Swapping {
        settings: &settings,
        stack: &job.stack,
        app: &facts.app,
        at: OffsetDateTime::now_utc(),
    };
    let restore = if let Some(to) = wish.to {
        swapping.to_moment(to)
    } else {
        let backup = wished(&facts.backups, name.as_deref(), accepts)?;
        belongs(job, backup, wish.from_other_stack)?;
        fits(&facts.app, backup)?;
        swapping.to_backup(backup, identities, accepts)
    };
    let from = restore.from.clone();
    on_host::foresee(job, agent, vec![restore.swap]).await?;
    let why = "This returns the database to an earlier state.";
    consent::confirm_loss(job, wish.yes.yes, why, "Restore?").await?;
    let agent = remote.agent().await?;
    let mut steps = restore.steps;
    if wish.without_safety_backup {
        steps.retain(|step| step.id != SAFETY);
    }
    let mut plan = job.plan(Mode::Apply, steps, restore.on_failure);
    plan.watch = outage_watch::on_host(&job.stack);
    let restored = on_host::run(job, agent, &plan, &[]).await;
    restored.map_err(with_way_out)?;
    remote.close().await;
    job.report.note(format!(
        "Restored the database {from}. The previous database is kept; `{} backup prune --previous-databases` deletes it.",
        job.typed
    ));
    Ok(exit::OK)
}

/// What may be restored beside the stack's own.
///
/// # Errors
/// E0802 when what is not believed is not named: the newest of that kind is whatever somebody put there last.
fn accepts(wish: &RestoreCommand) -> Result<Accepts, Fault> {
    let is_named = wish.backup.as_deref().is_some_and(|name| name != LATEST);
    match (wish.unverified, wish.from_other_stack) {
        (true, _) if !is_named => Err(unverified_without_a_name()),
        (true, _) => Ok(Accepts::Doubtful),
        (false, true) => Ok(Accepts::Foreign),
        (false, false) => Ok(Accepts::Own),
    }
}

/// That it must be said which backup nobody can vouch for.
pub fn unverified_without_a_name() -> Fault {
    Fault::new(Code::E0802, "--unverified needs the name of a backup")
        .hint("nothing was changed; `citrino-ops backup list` shows the names on the host, and what is not verified")
}

fn nothing_named() -> Fault {
    Fault::new(Code::E0802, "it is not clear what to restore")
        .hint("name a backup of `citrino-ops backup list`, or `latest`; or a time with `--to`, or a bucket with `--from`")
}

/// What is set aside may be too damaged to be dumped.
fn with_way_out(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Fault>() {
        Ok(fault) if fault.step == SAFETY => {
            let first = fault.hint.as_deref().unwrap_or("nothing was changed");
            let hint = format!(
                "{first}; if the current database is too damaged for a backup, add --without-safety-backup: it is still kept under another name"
            );
            fault.hint(hint).into()
        }
        Ok(fault) => fault.into(),
        Err(error) => error,
    }
}

/// # Errors
/// E0423 when it is of another stack, and that was not meant.
fn belongs(job: &Job, backup: &BackupManifest, from_other_stack: bool) -> Result<()> {
    if from_other_stack {
        return Ok(());
    }
    let next = "nothing was changed; if you want this backup, add --from-other-stack";
    Ok(backup.is_of(&job.stack.name, next)?)
}

/// # Errors
/// E0423 when it is of a schema that the release that serves does not know.
fn fits(app: &AppFacts, backup: &BackupManifest) -> Result<()> {
    let live = app.live_release();
    let serves = app
        .releases
        .iter()
        .find(|one| Some(one.id.as_str()) == live);
    let known = serves.and_then(|release| release.migrations.as_ref());
    // One that nobody knows is for the release to say: when it does not answer on it, all goes back.
    let schema = backup.schema.as_ref();
    let newest = schema
        .and_then(|schema| schema.applied.last().copied())
        .unwrap_or_default();
    match known {
        Some(known) if newest > known.newest => {
            let message = format!(
                "{} has schema {newest:04}, but the live release knows {:04}",
                backup.name, known.newest
            );
            Err(Fault::new(Code::E0423, message)
                .hint("nothing was changed; deploy a release that knows this schema first, or name an older backup")
                .into())
        }
        _ => Ok(()),
    }
}
