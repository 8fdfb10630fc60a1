//! `deploy --check`, `rollback --check`: what would happen. Nothing is changed, neither on the host nor here.

use anyhow::Result;
use serde_json::json;

use super::job::Job;
use super::provision::pending;
use super::{converge, deploy, maintenance};
use crate::cli::Artifact;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::Fault;
use crate::core::plain;
use crate::facts::Facts;
use crate::facts::app::Migrations;
use crate::operator::artifact::Build;
use crate::operator::cache::Releases;
use crate::operator::preview::Planned;
use crate::operator::remote::{Agent, Blob, Remote};
use crate::planner::release::{self, Data, ReleaseChange, ReleaseForecast};
use crate::verb::on_host;

pub async fn deploy(job: &mut Job<'_>, artifact: &Artifact) -> Result<u8> {
    let build = deploy::build(job, artifact).await?;
    let remote = on_host::connect(job).await?;
    let mut agent = on_host::agent(job, &remote).await?;
    refuse_while_frozen(agent.facts())?;
    build.is_for(&agent.facts().arch)?;
    let mut release = deploy::release_of(&agent.facts().app, &build);
    let is_new = release::known(&agent.facts().app, &build.sha256).is_none();
    if is_new && agent.facts().app.prepared {
        match described(job, &mut agent, &build).await? {
            Ok(migrations) => release.migrations = Some(migrations),
            Err(why) => job
                .report
                .note(format!("the release does not describe itself: {why}")),
        }
    }
    let change = deploy::forward(job, agent.facts(), &release);
    let exit = on(job, &remote, agent, &change).await?;
    remote.close().await;
    Ok(exit)
}

/// Before anything is sent.
fn refuse_while_frozen(facts: &Facts) -> Result<(), Fault> {
    match &facts.freeze {
        None => Ok(()),
        Some(freeze) => Err(freeze.refusal()),
    }
}

/// What the build says of its migrations.
async fn described(
    job: &mut Job<'_>,
    agent: &mut Agent<'_>,
    build: &Build,
) -> Result<Result<Migrations, String>> {
    let blob = Blob {
        sha256: &build.sha256,
        bytes: &build.bytes,
        bases: &Releases::of(&job.stack.name),
    };
    agent
        .describe(blob, &mut |event| job.report.tell(event))
        .await
}

/// Shows what a change would do, over a connection that is open, and gives the exit code.
///
/// # Errors
/// Whatever the change would be refused for before it begins.
pub async fn on(
    job: &mut Job<'_>,
    remote: &Remote,
    agent: Agent<'_>,
    change: &ReleaseChange<'_>,
) -> Result<u8> {
    refuse_while_frozen(agent.facts())?;
    release::check_memory(&job.stack.profile, agent.facts())?;
    maintenance::note(job, agent.facts());
    let app = &agent.facts().app;
    let cutover = release::cutover(&job.stack, app, change, |_| Ok(Vec::new()))?;
    let forecast = ReleaseForecast::of(app, change, &cutover);
    let hooks = deploy::hooks_of(job, change).names();
    tell(job, &forecast, &change.data, &hooks);
    let steps = forecast.to_look_at(cutover.steps);
    let preview = on_host::preview(job, agent, steps).await?;
    let waiting = converge::look(job, remote).await?.planned();
    tell_waiting(job, &waiting);
    Ok(pending(preview.is_empty()))
}

fn tell(job: &mut Job<'_>, forecast: &ReleaseForecast, data: &Data, hooks: &[String]) {
    let (migrations, unknown) = match &forecast.migrations {
        Ok(all) => (Some(all), None),
        Err(why) => (None, Some(why)),
    };
    let told = json!({
        "release": forecast.release,
        "on_host": forecast.is_on_host,
        "serves": forecast.serves,
        "slot": forecast.slot,
        "instead_of": forecast.instead_of,
        "migrations": migrations,
        "migrations_unknown": unknown,
        "database": database(data),
        "out_of_reach": forecast.out_of_reach,
        "hooks": hooks,
    });
    let mut lines = lines(forecast, data);
    if !hooks.is_empty() {
        lines.push(format!("hooks       {}", hooks.join(", ")));
    }
    let lines = lines.iter().map(|line| plain::line(line));
    let text: Vec<_> = lines.collect();
    let datum = Datum::new(DatumKind::ReleaseForecast, told);
    job.report.datum(datum, &text.join("\n"));
}

/// What becomes of the database, in one word.
fn database(data: &Data) -> &'static str {
    match data {
        Data::Migrated { .. } => "migrated",
        Data::Kept => "kept",
        Data::TakenBack { .. } => "reverted",
        Data::Restored(_) => "restored",
    }
}

fn lines(forecast: &ReleaseForecast, data: &Data) -> Vec<String> {
    let id = &forecast.release;
    let release = match (&forecast.instead_of, forecast.serves) {
        (_, true) => format!("{id} serves already"),
        (Some(old), _) => format!(
            "{id} would serve in slot {}, instead of {old}",
            forecast.slot
        ),
        (None, _) => format!(
            "{id} would serve in slot {}; nothing serves now",
            forecast.slot
        ),
    };
    let mut lines = vec![format!("release     {release}")];
    lines.push(format!("database    {}", told_of_data(forecast, data)));
    if !forecast.out_of_reach.is_empty() {
        let lost = forecast.out_of_reach.join(", ");
        lines.push(format!(
            "rollback    no longer to {lost} without going back with the data"
        ));
    }
    lines
}

fn told_of_data(forecast: &ReleaseForecast, data: &Data) -> String {
    match (data, &forecast.migrations) {
        (Data::Restored(restored), _) => format!("returns to its state in {}", restored.backup),
        (Data::TakenBack { to, .. }, _) => format!("its schema is reverted to {to:04}"),
        (Data::Kept, _) => "stays as it is".to_owned(),
        (_, Err(why)) => format!("migrations are not known: {why}"),
        (_, Ok(all)) => match all.as_slice() {
            [] => "no migration is pending".to_owned(),
            [one] => format!("1 migration, after a backup and a rehearsal: {one}"),
            all => format!(
                "{} migrations, after a backup and a rehearsal: {}",
                all.len(),
                all.join(", ")
            ),
        },
    }
}

fn tell_waiting(job: &mut Job<'_>, planned: &[Planned]) {
    let Some(waits) = deploy::told_waiting(&job.typed, planned) else {
        return;
    };
    let steps = planned.iter();
    let steps: Vec<_> = steps
        .map(|step| json!({"part": step.part, "name": step.name}))
        .collect();
    let datum = Datum::new(DatumKind::Waiting, json!({ "steps": steps }));
    let waits = plain::line(&waits).into_owned();
    job.report.datum(datum, &format!("waiting     {waits}"));
}
