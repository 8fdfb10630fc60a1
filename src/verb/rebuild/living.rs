//! `rebuild --from-backup` of a host that still answers: what it has is newer than anything elsewhere, and goes with its disk.

use anyhow::Result;

use crate::facts::backups::{self, BackupManifest, Backups};
use crate::operator::known_host;
use crate::operator::remote::{Remote, Target};
use crate::verb::backup::pull;
use crate::verb::job::Job;
use crate::verb::restore::{BackupOrigin, BackupRequest};
use crate::verb::{on_cloud, on_host};

/// The backup to rebuild from. Where none is named and the host answers, its newest one is copied to this machine first, when it
/// is newer than all elsewhere; where one is named, a newer one of the host is told.
///
/// # Errors
/// Those of the places where backups are, and of the copy: with the disk the newest would be lost for good.
pub async fn origin(job: &mut Job<'_>, asked: BackupRequest<'_>) -> Result<BackupOrigin> {
    let there = backups_there(job).await;
    let latest = there.as_ref().and_then(Backups::latest);
    let elsewhere = BackupOrigin::off_the_host(job, asked).await;
    let known = match &elsewhere {
        Ok(origin) => Some(origin.backup()),
        // Whatever is wrong elsewhere, the host may have one.
        Err(_) if asked.name.is_none() => None,
        Err(_) => return elsewhere,
    };
    let Some(newer) = newer(latest, known) else {
        return elsewhere;
    };
    if asked.name.is_some() {
        job.report.note(format!(
            "The host has a newer backup, {} of {}, which will be lost; without a name it is copied here and used.",
            newer.name, newer.at
        ));
        return elsewhere;
    }
    job.report.note(format!(
        "The host still answers: its newest backup, {} of {}, is copied to this machine first.",
        newer.name, newer.at
    ));
    pull::run(job, Some(&newer.name), None).await?;
    BackupOrigin::off_the_host(job, asked).await
}

/// The host's newest, when it is newer than the one that is known.
fn newer<'b>(
    there: Option<&'b BackupManifest>,
    known: Option<&BackupManifest>,
) -> Option<&'b BackupManifest> {
    there.filter(|there| known.is_none_or(|known| backups::at(&there.at) > backups::at(&known.at)))
}

/// What the host says of its backups; none of a host that is lost. Why it could not be asked is told, and keeps nobody from a
/// rebuild: that is what a rebuild is for.
async fn backups_there(job: &mut Job<'_>) -> Option<Backups> {
    match asked_there(job).await {
        Ok(backups) => backups,
        Err(error) => {
            job.report.note(format!(
                "The host could not be asked for a newer backup: {error:#}"
            ));
            None
        }
    }
}

async fn asked_there(job: &mut Job<'_>) -> Result<Option<Backups>> {
    let Some(target) = target(job).await? else {
        return Ok(None);
    };
    job.report
        .waiting(format!("looking whether {} still answers", target.address));
    let remote = Remote::open(&target).await?;
    let backups = match remote.agent().await {
        Ok(agent) => Ok(Some(agent.facts().backups.clone())),
        Err(error) => Err(error),
    };
    remote.close().await;
    backups
}

async fn target(job: &mut Job<'_>) -> Result<Option<Target>> {
    if let Some(existing) = &job.stack.host {
        let target = known_host::existing(&job.stack, &job.host.name, existing);
        return Ok(Some(target));
    }
    let api = on_cloud::api(job)?;
    match api.server_of(&job.host).await? {
        Some(server) if on_cloud::runs(Some(&server)) => {
            Ok(Some(on_host::target_of(job, &api, &server).await?))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_newer_is_copied() {
        let of = |at: &str| BackupManifest {
            at: at.to_owned(),
            ..BackupManifest::default()
        };
        let (old, new) = (of("2026-11-29T21:14:15Z"), of("2026-11-29T21:16:00Z"));
        assert_eq!(newer(Some(&new), Some(&old)), Some(&new));
        assert_eq!(newer(Some(&new), None), Some(&new));
        assert_eq!(newer(Some(&old), Some(&new)), None);
        assert_eq!(newer(Some(&new), Some(&new)), None);
        assert_eq!(newer(None, Some(&old)), None);
    }
}
