//! `deploy`: a release of the app comes to the host, and serves when it is healthy.

use anyhow::Result;
use time::OffsetDateTime;

use super::job::Job;
use crate::artifact::{self, Build};
use crate::cli::Artifact;
use crate::error::{Fault, exit};
use crate::facts::{AppFacts, Facts, Release};
use crate::plan::{Mode, Step};
use crate::release::{self, Deploy};
use crate::remote::{Blob, Remote};
use crate::task::Task;

pub async fn run(job: &mut Job<'_>, artifact: &Artifact) -> Result<u8> {
    let build = build(job, artifact).await?;
    let remote = job.connect().await?;
    on(job, &remote, &build).await?;
    remote.close().await;
    Ok(exit::OK)
}

/// The binary to deploy: the operator's, or built from source.
pub async fn build(job: &mut Job<'_>, artifact: &Artifact) -> Result<Build> {
    let Some(path) = &artifact.artifact else {
        job.report.waiting("building the app");
        return artifact::build(&job.stack.folder).await;
    };
    artifact::take(path).await
}

/// The same over a connection that is open.
pub async fn on(job: &mut Job<'_>, remote: &Remote, build: &Build) -> Result<()> {
    let agent = job.agent(remote).await?;
    let app = &agent.facts().app;
    let release = release_of(app, build);
    // A release that is on the host already needs no bytes.
    let blobs = match release::known(app, &build.sha256) {
        Some(_) => Vec::new(),
        None => vec![Blob::new(build.bytes.clone())],
    };
    let deploy = release::deploy(&job.stack, app, &release, &proxy(job, agent.facts())?)?;
    let plan = job.plan(Mode::Apply, deploy.steps.clone(), deploy.on_failure.clone());
    match job.run_host(agent, &plan, &blobs).await {
        Ok(tally) if tally.changed == 0 => {
            job.report.note(format!("{} serves already", release.id));
        }
        Ok(_) => job.report.note(format!("{} serves", release.id)),
        Err(error) => return Err(failed(job, &deploy, &release, error)),
    }
    Ok(())
}

/// The step of the playbooks by which nginx runs what is on disk.
fn proxy(job: &Job, facts: &Facts) -> Result<Step<Task>> {
    let steps = job.playbooks.steps("nginx", &job.values_on(facts))?;
    let is_nginx =
        |task: &Task| matches!(task, Task::Service(service) if service.unit == "nginx.service");
    steps
        .into_iter()
        .find(|step| is_nginx(&step.task))
        .ok_or_else(|| {
            Fault::new(
                "E0201",
                "playbooks/nginx.yml has no `service` step for nginx.service, which a deploy needs",
            )
            .hint("put it back: a deploy reloads nginx by it")
            .into()
        })
}

fn release_of(app: &AppFacts, build: &Build) -> Release {
    release::known(app, &build.sha256)
        .cloned()
        .unwrap_or_else(|| Release {
            id: release::id(OffsetDateTime::now_utc(), &build.sha256),
            sha256: build.sha256.clone(),
            commit: build.commit.clone(),
            built_at: build.built_at.clone(),
            size_bytes: build.bytes.len() as u64,
            good: false,
        })
}

/// What a failed step means for those who use the app. An error that is no step's (a lost
/// connection, a lock) stays what it is.
fn failed(
    job: &mut Job,
    deploy: &Deploy,
    release: &Release,
    error: anyhow::Error,
) -> anyhow::Error {
    let Some(step) = error
        .downcast_ref::<Fault>()
        .filter(|fault| !fault.code.starts_with("E05"))
    else {
        return error;
    };
    let why = &step.message;
    let id = &release.id;
    let fault = match (&deploy.serves_meanwhile, job.report.take_undo_failure()) {
        (_, Some(undo)) => Fault::new(
            "E0606",
            format!(
                "{id} failed, and it could not be undone: {why}; {}",
                undo.message
            ),
        ),
        (Some(same), None) if same == id => Fault::new(
            "E0602",
            format!("a step failed, and {id} serves as before: {why}"),
        ),
        (Some(old), None) => Fault::new(
            "E0602",
            format!("{id} failed, and {old} serves as before: {why}"),
        ),
        (None, None) => Fault::new(
            "E0604",
            format!("{id} failed, and there was no release before it: {why}"),
        ),
    };
    fault
        .hint("`citrino-ops logs app` shows what the release said")
        .into()
}
