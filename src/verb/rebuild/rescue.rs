//! `rebuild --from-backup`: from a lost server to serving, with a stopwatch.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use time::OffsetDateTime;

use super::{disk, living};
use crate::cli::{Apply, Provision, Rebuild};
use crate::config::source;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::{Code, Fault, exit};
use crate::core::plan::Mode;
use crate::core::secret::Secret;
use crate::facts::backups::{self, Accepts, BackupManifest};
use crate::operator::artifact::Build;
use crate::operator::remote::Remote;
use crate::planner::backup::{SetAside, Swapping};
use crate::planner::cloud;
use crate::storage::archive;
use crate::verb::consent;
use crate::verb::job::Job;
use crate::verb::on_cloud;
use crate::verb::on_host;
use crate::verb::restore::{BackupOrigin, BackupRequest, unverified_without_a_name};
use crate::verb::{backup, converge, deploy, health, provision};

pub async fn run(job: &mut Job<'_>, wish: &Rebuild) -> Result<u8> {
    // All that can be missing is looked for while nothing is lost yet.
    if !wish.over_volume {
        is_lost(job).await?;
    }
    let which = wish
        .from_backup
        .as_deref()
        .filter(|which| *which != "newest");
    let accepts = accepts(which, wish.unverified)?;
    let asked = BackupRequest {
        from: None,
        name: which,
        accepts,
    };
    let origin = living::origin(job, asked).await?;
    let identities = source::identities(&job.stack, wish.key.identity.as_deref())?;
    belongs(job, origin.backup())?;
    can_be_opened(origin.backup(), &identities)?;
    if let BackupOrigin::Here(here) = &origin {
        here.verify()?;
    }
    let build = deploy::build(job, &wish.artifact).await?;
    build.is_for(std::env::consts::ARCH)?;
    let begun = (Instant::now(), OffsetDateTime::now_utc());
    server(job, wish, &origin).await?;
    let target = on_host::target(job).await?;
    let remote = on_host::connect_to(job, &target)
        .await?
        .telling(job.report.progress());
    job.report.heading("converge");
    converge::on(job, &remote, true).await?;
    let rescue = Rescue {
        origin: &origin,
        accepts,
        build: &build,
    };
    Box::pin(serve(job, &remote, rescue, identities)).await?;
    let well = is_well(job, &remote).await;
    remote.close().await;
    // It serves, whatever else is not as it should be.
    stopwatch(job, begun, &origin, well.is_ok());
    well.map(|()| exit::OK)
}

/// # Errors
/// E0428 when the volume with the database is there: `converge` would bring it back, newer than any backup is, and the
/// restore would take its place.
async fn is_lost(job: &mut Job<'_>) -> Result<()> {
    let cloud = job.stack.cloud.as_ref();
    if cloud.and_then(|cloud| cloud.volume_gb).is_none() {
        return Ok(());
    }
    let Some(volume) = cloud::volume_of(&on_cloud::api(job)?, &job.host).await? else {
        return Ok(());
    };
    let message = format!(
        "volume {} exists, with the database of {} on it",
        volume.name, job.stack.name
    );
    let hint = format!(
        "nothing was changed; `{0} up` sets up the server with the database on its volume, `{0} restore` after it returns to a backup; if the volume is empty, add --over-volume",
        job.typed
    );
    Err(Fault::new(Code::E0428, message).hint(hint).into())
}

/// # Errors
/// E0802 when what is not believed is not named.
fn accepts(which: Option<&str>, unverified: bool) -> Result<Accepts, Fault> {
    match (
        unverified,
        which.filter(|which| !which.starts_with("s3://")),
    ) {
        (false, _) => Ok(Accepts::Own),
        (true, Some(_)) => Ok(Accepts::Doubtful),
        (true, None) => Err(unverified_without_a_name()),
    }
}

/// # Errors
/// E0423 when it is of another stack.
fn belongs(job: &Job, backup: &BackupManifest) -> Result<()> {
    let next = "nothing was changed; name another backup, or restore this one on an existing host with `restore --from-other-stack`";
    Ok(backup.is_of(&job.stack.name, next)?)
}

/// # Errors
/// E0425 when the backup is encrypted, and there is nothing here to open it with.
fn can_be_opened(backup: &BackupManifest, identities: &[Secret]) -> Result<()> {
    let keys = archive::identities(identities)?;
    let mut own = keys.iter().map(|key| key.to_public().to_string());
    if backup.is_sealed() && !own.any(|key| backup.recipients.contains(&key)) {
        let message = format!(
            "{} is encrypted, and no age identity on this machine can decrypt it",
            backup.name
        );
        return Err(Fault::new(Code::E0425, message)
            .hint("nothing was changed; name the private key's file in `backup.identity` of citrino.yml, or with --identity")
            .into());
    }
    Ok(())
}

/// There is a server with nothing on it: the one that is there, or another at the same addresses.
async fn server(job: &mut Job<'_>, wish: &Rebuild, origin: &BackupOrigin) -> Result<()> {
    let what = format!(
        "Everything on the host will be lost; the database is restored from {}, of {at}: what was written since then is lost too.",
        origin.told(),
        at = origin.backup().at
    );
    if job.stack.cloud.is_none() {
        // A host that is not ours to make stays as it is; its database is set aside.
        let why = "this replaces the database of the host";
        return consent::confirm_loss(job, wish.yes.yes, why, &what).await;
    }
    let api = on_cloud::api(job)?;
    job.report.heading("provision");
    if api.server_of(&job.host).await?.is_some() {
        // One of this machine was read already; where the disk is lost, to read one of a bucket twice would cost time
        // and save nothing.
        if let BackupOrigin::Bucket(..) = origin {
            origin.verify(job).await?;
        }
        return disk::renew(job, &api, wish.yes, &what).await;
    }
    let options = Provision {
        apply: Apply {
            yes: wish.yes,
            check: false,
            plan: None,
        },
        replace: false,
    };
    provision::run(job, &options).await.map(drop)
}

/// What makes the host serve again.
#[derive(Clone, Copy)]
struct Rescue<'a> {
    origin: &'a BackupOrigin,
    accepts: Accepts,
    build: &'a Build,
}

/// The database first: nobody is ever shown an empty one.
async fn serve(
    job: &mut Job<'_>,
    remote: &Remote,
    rescue: Rescue<'_>,
    identities: Vec<Secret>,
) -> Result<()> {
    job.report.heading("restore");
    let origin = rescue.origin;
    origin.bring(job, remote, rescue.accepts).await?;
    let agent = on_host::agent(job, remote).await?;
    let (settings, now) = (job.backups(), OffsetDateTime::now_utc());
    let backup = origin.backup();
    let swapping = Swapping {
        settings: &settings,
        stack: &job.stack,
        app: &agent.facts().app,
        at: now,
    };
    let restore = swapping.to_backup(backup, identities, rescue.accepts);
    let mut steps = restore.steps;
    if job.stack.cloud.is_some() {
        // On a new disk what was set aside is the empty one of the first converge. Should it not be empty after all, it stays.
        steps.push(settings.pruned(now, SetAside::DroppedIfEmpty));
    }
    let plan = job.plan(Mode::Apply, steps, restore.on_failure);
    on_host::run(job, agent, &plan, &[]).await?;
    job.report.heading("deploy");
    deploy::on(job, remote, rescue.build, None).await
}

/// A backup of its own first, proven and sent: the one that it came from may be too old for `health`, and nothing of what
/// the old disk knew of the bucket is on this one.
async fn is_well(job: &mut Job<'_>, remote: &Remote) -> Result<()> {
    backup::proven(job, remote).await?;
    job.report.heading("health");
    health::on(job, remote).await.map(drop)
}

fn stopwatch(job: &mut Job, begun: (Instant, OffsetDateTime), origin: &BackupOrigin, well: bool) {
    let took = begun.0.elapsed().as_secs_f64();
    let at = &origin.backup().at;
    let lost = (begun.1 - backups::at(at)).whole_minutes().max(0);
    let took = (took * 10.0).round() / 10.0;
    let until = if well {
        "healthy"
    } else {
        "live, not yet healthy"
    };
    let data = json!({
        "backup": origin.backup().name,
        "backup_at": at,
        "took_s": took,
        "lost_min": lost,
        "healthy": well,
    });
    let text = format!(
        "RTO  {took:.1} s from the start to {until}: live again, with the database from {}\nRPO  {lost} min: everything written since {at} is lost",
        origin.told()
    );
    job.report
        .datum(Datum::new(DatumKind::Recovery, data), &text);
}
