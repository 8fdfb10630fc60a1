//! What a change of release would do, as far as it can be known before it is made.

use super::cutover::Cutover;
use super::{Data, ReleaseChange, known};
use crate::core::plan::Step;
use crate::facts::app::{AppFacts, DescribedMigration, Release};
use crate::task::Task;

/// What would become of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseForecast {
    pub release: String,
    /// Whether its files are on the host.
    pub is_on_host: bool,
    /// Whether it serves now.
    pub serves: bool,
    /// The slot that it would serve in.
    pub slot: &'static str,
    /// The release that serves now.
    pub instead_of: Option<String>,
    /// The migrations that would be applied, or why they are not known.
    pub migrations: Result<Vec<String>, String>,
    /// Releases that could be gone back to now, and not with that schema.
    pub out_of_reach: Vec<String>,
}

impl ReleaseForecast {
    pub fn of(app: &AppFacts, change: &ReleaseChange, cutover: &Cutover) -> Self {
        let release = change.release;
        let live = app.live_release();
        let pending = pending(app, release);
        let out_of_reach = out_of_reach(app, release, pending.as_deref().unwrap_or_default());
        let migrations = match &change.data {
            Data::Migrated { .. } => pending.map(|all| {
                let files = all.iter().map(|one| one.file());
                files.collect()
            }),
            Data::Kept | Data::TakenBack { .. } | Data::Restored(_) => Ok(Vec::new()),
        };
        Self {
            release: release.id.clone(),
            is_on_host: known(app, &release.sha256).is_some(),
            serves: live == Some(&release.id),
            slot: cutover.slot,
            instead_of: live.filter(|live| *live != release.id).map(str::to_owned),
            migrations,
            out_of_reach,
        }
    }

    /// Those of the steps that can be looked at before the others are done. What only asks would wait for a release that does not run,
    /// and what the release's binary would be asked cannot be while that is not there.
    pub fn to_look_at(&self, steps: Vec<Step<Task>>) -> Vec<Step<Task>> {
        let steps = steps.into_iter();
        steps.filter_map(|step| self.looked_at(step)).collect()
    }

    fn looked_at(&self, mut step: Step<Task>) -> Option<Step<Task>> {
        let migrates = matches!(&self.migrations, Ok(all) if !all.is_empty());
        match &mut step.task {
            Task::Probe(_) => return None,
            _ if self.is_on_host => {}
            Task::Backup(_) | Task::Rehearsal(_) | Task::Command(_) if !migrates => return None,
            // It is known already that there is something to migrate.
            Task::Backup(backup) => backup.before = None,
            _ => {}
        }
        Some(step)
    }
}

/// The migrations of a release that the live database has not seen; the reason when that is not known.
fn pending<'r>(
    app: &AppFacts,
    release: &'r Release,
) -> Result<Vec<&'r DescribedMigration>, String> {
    let known = release.migrations.as_ref();
    let known = known.ok_or("the release has not said which migrations it knows")?;
    let schema = match &app.schema {
        None => {
            return Err(
                "no release serves, so nothing tells the schema of the database".to_owned(),
            );
        }
        Some(Err(why)) => return Err(format!("the schema of the database is not known: {why}")),
        Some(Ok(schema)) => schema,
    };
    let is_new = |one: &&DescribedMigration| !schema.applied.contains(&one.version);
    Ok(known.migrations.iter().filter(is_new).collect())
}

fn out_of_reach(app: &AppFacts, release: &Release, pending: &[&DescribedMigration]) -> Vec<String> {
    let floor = pending.iter().filter_map(|one| one.floor).max();
    let Some(floor) = floor else {
        return Vec::new();
    };
    let is_lost = |other: &&Release| {
        let newest = other.migrations.as_ref().map(|known| known.newest);
        other.id != release.id
            && super::reach(app, other).is_ok()
            && newest.is_none_or(|newest| newest < floor)
    };
    let lost = app.releases.iter().filter(is_lost);
    lost.map(|other| other.id.clone()).collect()
}

#[cfg(test)]
mod tests;
