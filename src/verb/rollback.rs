//! `rollback`: a release that served before serves again; no byte of it is sent.

use anyhow::Result;
use time::OffsetDateTime;

use super::deploy;
use super::forecast;
use super::job::Job;
use crate::cli::{Rollback, RollbackData};
use crate::config::source;
use crate::core::error::{Code, Fault, exit};
use crate::core::plan::Step;
use crate::facts::Facts;
use crate::facts::app::{AppFacts, Release};
use crate::facts::backups::{self, Accepts, BackupManifest, Backups, not_believed};
use crate::planner::release::{self, Data, Obstacle, ReleaseChange, RollbackWay};
use crate::task::Restored;
use crate::verb::consent;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, wish: &Rollback) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let facts = agent.facts().clone();
    let release = wished(&facts.app, wish.release.as_deref())?;
    let data = data(job, &facts, release, wish.data)?;
    if let Some(note) = not_needed(&data, wish.data) {
        job.report.note(note);
    }
    let agent = match &data {
        Data::Restored(restored) if !wish.check => {
            let step = Step::new("release", restored.wish(), restored.clone());
            on_host::foresee(job, agent, vec![step]).await?;
            let question = "Roll back?";
            let why = "This returns the database to its state in the backup.";
            consent::confirm_loss(job, wish.yes.yes, why, question).await?;
            remote.agent().await?
        }
        _ => agent,
    };
    let change = ReleaseChange {
        release,
        back_from: facts.app.live_release().filter(|live| *live != release.id),
        data,
        note: wish.note.clone(),
    };
    if wish.check {
        let exit = forecast::on(job, &remote, agent, &change).await?;
        remote.close().await;
        return Ok(exit);
    }
    deploy::change_over(job, &remote, agent, &change, &[]).await?;
    remote.close().await;
    Ok(exit::OK)
}

/// The release that is meant.
///
/// # Errors
/// E0608 when the name fits none or several, E0703 when there is nothing to go back to.
fn wished<'a>(app: &'a AppFacts, name: Option<&str>) -> Result<&'a Release> {
    let Some(name) = name else {
        return release::previous(app).ok_or_else(|| {
            Fault::new(Code::E0703, "there is no other working release on the host")
                .hint("`citrino-ops releases` lists the releases; to use a quarantined release again, name it: `citrino-ops rollback RELEASE`; or deploy another one")
                .into()
        });
    };
    let fits = |release: &&Release| release.id.starts_with(name) || release.id.ends_with(name);
    let found: Vec<&Release> = app.releases.iter().filter(fits).collect();
    let message = match found.as_slice() {
        [release] => return Ok(release),
        [] => format!("there is no release {name} on the host"),
        several => format!("{} releases on the host match {name}", several.len()),
    };
    Err(Fault::new(Code::E0608, message)
        .hint("`citrino-ops releases` lists the names")
        .into())
}

/// A newer one that is broken or not believed may be the one that was meant: going back further loses more.
///
/// # Errors
/// E0422 or E0436 with the first of them.
fn none_is_broken_since(backups: &Backups, name: &str) -> Result<(), Fault> {
    let mut newer = backups
        .broken
        .iter()
        .filter(|(broken, _)| broken.as_str() > name);
    let Some((broken, why)) = newer.next() else {
        let mut doubtful = backups.doubtful.iter().rev();
        let newer = doubtful.find(|one| one.backup.name.as_str() > name);
        return newer.map_or(Ok(()), |one| Err(not_believed(&one.backup.name, &one.why)));
    };
    let message = format!("backup {broken} cannot be used: {why}; the next older one is {name}");
    Err(Fault::new(Code::E0422, message).hint(format!(
        "nothing was changed; restore an intact copy of {broken}, or delete its files to use {name}"
    )))
}

/// What becomes of the database, by what was asked for and what there is.
///
/// # Errors
/// E0702 when the schema is past the release and nothing was asked for, or is not to be had; E0703 when
/// the release never served.
fn data(job: &Job, facts: &Facts, release: &Release, asked: RollbackData) -> Result<Data> {
    let Err(obstacle) = release::reach(&facts.app, release) else {
        return Ok(Data::Kept);
    };
    let ways = match &obstacle {
        Obstacle::Failed => {
            return Err(
                Fault::new(Code::E0703, format!("{}: {obstacle}", release.id))
                    .hint("`citrino-ops releases` shows which releases a rollback can use")
                    .into(),
            );
        }
        Obstacle::SchemaPast(_) => release::ways(&facts.app, &facts.backups, release),
        Obstacle::Silent | Obstacle::SchemaUnknown(_) => Vec::new(),
    };
    for way in &ways {
        match way {
            RollbackWay::Down { by, to } if asked.down => {
                let binary = job.stack.profile.binary_of(&by.id);
                return Ok(Data::TakenBack { binary, to: *to });
            }
            RollbackWay::Restore(backup) if asked.restore_db => {
                none_is_broken_since(&facts.backups, &backup.name)?;
                let database = &job.stack.database.name;
                return Ok(Data::Restored(Restored {
                    backup: backup.name.clone(),
                    previous: backups::previous(database, OffsetDateTime::now_utc()),
                    database: database.to_string(),
                    owner: None,
                    accepts: Accepts::Own,
                    identities: source::identities(&job.stack, None)?,
                }));
            }
            _ => {}
        }
    }
    let message = format!("{} cannot run: {obstacle}", release.id);
    Err(Fault::new(Code::E0702, message)
        .hint(told(&ways, release))
        .into())
}

/// What was asked to be done with the database, and need not be.
fn not_needed(data: &Data, asked: RollbackData) -> Option<&'static str> {
    match (data, asked) {
        (
            Data::Kept,
            RollbackData {
                restore_db: true, ..
            },
        ) => Some("The release can use the current schema, so the database is not restored."),
        (Data::Kept, RollbackData { down: true, .. }) => {
            Some("The release can use the current schema, so no migration is reverted.")
        }
        _ => None,
    }
}

fn told(ways: &[RollbackWay], release: &Release) -> String {
    let id = &release.id;
    let mut lines: Vec<String> = ways
        .iter()
        .map(|way| match way {
            RollbackWay::Other(other) => format!("`citrino-ops rollback {}`: it runs on the current schema", other.id),
            RollbackWay::Down { to, .. } => {
                format!("`citrino-ops rollback {id} --down`: the schema is reverted to {to:04}, no data is lost")
            }
            RollbackWay::Restore(BackupManifest { name, at, .. }) => format!(
                "`citrino-ops rollback {id} --restore-db`: the database returns to its state in {name}, of {at}"
            ),
        })
        .collect();
    lines.push("`citrino-ops deploy` of a corrected build".to_owned());
    format!(
        "nothing was changed; choose one of:\n  - {}",
        lines.join("\n  - ")
    )
}
