//! `deploy`: a release of the app comes to the host, and serves when it is healthy.

use anyhow::Result;
use time::OffsetDateTime;

use super::converge;
use super::job::Job;
use super::logs;
use super::maintenance;
use super::notify;
use super::outage_watch;
use crate::cli::{Artifact, Log};
use crate::core::error::{Area, Code, Fault, code, exit};
use crate::core::plan::Mode;
use crate::core::value::TextLine;
use crate::core::webhook::NoticeEvent;
use crate::facts::Facts;
use crate::facts::app::{AppFacts, Release, ReleaseState};
use crate::operator::artifact::{self, Build};
use crate::operator::cache::Releases;
use crate::operator::hooks::Hooks;
use crate::operator::preview::Planned;
use crate::operator::remote::{Agent, Blob, Remote};
use crate::planner::release::{self, Data, ReleaseChange};
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, artifact: &Artifact, note: Option<TextLine>) -> Result<u8> {
    let build = build(job, artifact).await?;
    let remote = on_host::connect(job).await?;
    on(job, &remote, &build, note).await?;
    waiting(job, &remote).await;
    remote.close().await;
    Ok(exit::OK)
}

/// A deploy changes the release alone: what else citrino.yml says, and the host is not yet, is named.
async fn waiting(job: &mut Job<'_>, remote: &Remote) {
    // The release serves, whatever cannot be looked at now.
    let planned = converge::look(job, remote).await.map(|seen| seen.planned());
    let planned = planned.unwrap_or_default();
    if let Some(waits) = told_waiting(&job.typed, &planned) {
        job.report.note(waits);
    }
}

/// What `converge` would change; none when it would change nothing.
pub fn told_waiting(typed: &str, planned: &[Planned]) -> Option<String> {
    let names: Vec<&str> = planned.iter().map(|step| step.name.as_str()).collect();
    let changes = match planned.len() {
        0 => return None,
        1 => "1 change waits".to_owned(),
        count => format!("{count} changes wait"),
    };
    let names = names.join(", ");
    Some(format!("{changes} for `{typed} converge`: {names}"))
}

/// The binary to deploy: the operator's, or built from source.
pub async fn build(job: &mut Job<'_>, artifact: &Artifact) -> Result<Build> {
    let Some(path) = &artifact.artifact else {
        job.report.waiting("building the app");
        let source = &job.stack.profile.source;
        return artifact::build(source, &job.stack.folder).await;
    };
    artifact::take(path).await
}

/// The same over a connection that is open.
pub async fn on(
    job: &mut Job<'_>,
    remote: &Remote,
    build: &Build,
    note: Option<TextLine>,
) -> Result<()> {
    let agent = on_host::agent(job, remote).await?;
    let app = &agent.facts().app;
    let mut release = release_of(app, build);
    release.note = note.clone().or(release.note);
    if let Err(error) = build.is_for(&agent.facts().arch) {
        let outcome = Outcome {
            what: release.id,
            serves_meanwhile: release::proved(app).map(str::to_owned),
            same: false,
            unit: release::trial(&job.stack.profile, app),
        };
        return Err(means(job, &outcome, error, NextStep::Nothing));
    }
    let bases = kept(job, build);
    // A release that is on the host already needs no bytes.
    let blob = release::known(app, &build.sha256)
        .is_none()
        .then_some(Blob {
            sha256: &build.sha256,
            bytes: &build.bytes,
            bases: &bases,
        });
    let mut change = forward(job, agent.facts(), &release);
    change.note = note;
    Box::pin(change_over(job, remote, agent, &change, blob.as_slice())).await
}

/// This release is to serve, on a database that it may migrate.
pub fn forward<'r>(job: &Job, facts: &Facts, release: &'r Release) -> ReleaseChange<'r> {
    let binary = job.stack.profile.binary_of(&release.id);
    let now = OffsetDateTime::now_utc();
    let backup = job.backups().before_migrations(facts, now, &binary);
    ReleaseChange {
        release,
        back_from: None,
        data: Data::Migrated {
            backup: Box::new(backup),
        },
        note: None,
    }
}

/// Another release becomes live, or the current one stays so.
pub async fn change_over(
    job: &mut Job<'_>,
    remote: &Remote,
    agent: Agent<'_>,
    change: &ReleaseChange<'_>,
    blobs: &[Blob<'_>],
) -> Result<()> {
    let release = change.release;
    release::check_programs(agent.facts())?;
    release::check_memory(&job.stack.profile, agent.facts())?;
    maintenance::note(job, agent.facts());
    let app = &agent.facts().app;
    let cutover = release::cutover(&job.stack, app, change, |socket| {
        let values = job.values_on(agent.facts()).with("socket", &socket);
        job.playbooks.steps("smoke", &values)
    })?;
    let mut plan = job.plan(Mode::Apply, cutover.steps, cutover.on_failure);
    plan.no_return = cutover.no_return;
    plan.note.clone_from(&change.note);
    if release::proved(app).is_some() {
        plan.watch = outage_watch::on_host(&job.stack);
    }
    let outside = outage_watch::from_outside(job, remote, &plan.watch);
    let outcome = Outcome {
        what: release.id.clone(),
        same: cutover.serves_meanwhile.as_ref() == Some(&release.id),
        serves_meanwhile: cutover.serves_meanwhile,
        unit: cutover.unit,
    };
    let event = match change.back_from {
        Some(_) => NoticeEvent::Rollback,
        None => NoticeEvent::Deploy,
    };
    let agent = agent.with_hooks(hooks(job, remote, &outcome, change));
    let ran = on_host::run(job, agent, &plan, blobs).await;
    let seen = outage_watch::seen(job, &plan, outside);
    let (ran, hook) = match ran {
        // The release serves all the same.
        Err(error) if code(&error) == Code::E0529 => (Ok(None), Some(error)),
        ran => (ran.map(Some), None),
    };
    match ran {
        Ok(Some(tally)) if tally.changed == 0 => {
            job.report.note(format!("{} is live already", release.id));
        }
        Ok(_) => {
            job.report.note(format!("{} is live", release.id));
            notify::tell(job, notify::change(event, &release.id, Ok(()))).await;
        }
        Err(error) => {
            let error = failed(job, remote, &outcome, error).await;
            notify::tell(job, notify::change(event, &release.id, Err(&error))).await;
            return Err(error);
        }
    }
    if let Some(hook) = hook {
        return Err(hook);
    }
    seen?;
    match &change.data {
        // It was said before that the site would be away while its database is changed.
        Data::Restored(_) => Ok(()),
        _ => outage_watch::noticed_nothing(job),
    }
}

/// The operator's own programs around this change, with what they are told of it.
fn hooks(job: &Job, remote: &Remote, outcome: &Outcome, change: &ReleaseChange) -> Hooks {
    let note = change.note.as_deref().unwrap_or_default();
    let claim = job.claim();
    hooks_of(job, change)
        .told("HOOK_STACK", &job.stack.name)
        .told("HOOK_DOMAIN", &job.stack.domain)
        .told("HOOK_URL", &job.stack.public_url())
        .told("HOOK_HOST", remote.address())
        .told("HOOK_RUN", &claim.run)
        .told("HOOK_WHO", &claim.who)
        .told("HOOK_RELEASE", &change.release.id)
        .told("HOOK_COMMIT", &change.release.commit)
        .told(
            "HOOK_PREVIOUS",
            outcome.serves_meanwhile.as_deref().unwrap_or_default(),
        )
        .told("HOOK_NOTE", note)
}

/// Those that the change has.
pub fn hooks_of(job: &Job, change: &ReleaseChange) -> Hooks {
    let verb = match change.back_from {
        Some(_) => "rollback",
        None => "deploy",
    };
    Hooks::of(&job.stack, verb)
}

/// The releases that later ones can be patches against, with this one.
fn kept(job: &mut Job, build: &Build) -> Releases {
    let releases = Releases::of(&job.stack.name);
    if let Err(error) = releases.keep(&build.sha256, &build.bytes) {
        job.report.note(format!(
            "the next deploy will send more than needed: {error:#}"
        ));
    }
    releases
}

/// The release that the build is on this host, or will be.
pub fn release_of(app: &AppFacts, build: &Build) -> Release {
    release::known(app, &build.sha256)
        .cloned()
        .unwrap_or_else(|| Release {
            id: release::id(OffsetDateTime::now_utc(), &build.sha256),
            sha256: build.sha256.to_string(),
            commit: build.commit.clone(),
            built_at: build.built_at.clone(),
            size_bytes: build.bytes.len() as u64,
            note: None,
            state: ReleaseState::default(),
            migrations: None,
        })
}

/// What a deploy is about when it fails.
pub struct Outcome {
    pub what: String,
    /// The release that serves when it fails, before and after.
    pub serves_meanwhile: Option<String>,
    /// Whether that is the very one that was deployed.
    pub same: bool,
    /// The systemd unit that the release runs in.
    pub unit: String,
}

/// How many lines of its log a failed release is shown with.
const LOG_LINES: &str = "15";

/// A run on the host that failed: what its release said, and what [`means`] says.
pub async fn failed(
    job: &mut Job<'_>,
    remote: &Remote,
    outcome: &Outcome,
    error: anyhow::Error,
) -> anyhow::Error {
    let mut next = NextStep::Nothing;
    if is_about_the_release(&error) {
        next = show_log(job, remote, &outcome.unit).await;
    }
    means(job, outcome, error, next)
}

/// Where more is to be found on a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NextStep {
    Nothing,
    /// The release was started, and said something.
    Log,
}

/// Not that of a lost connection or a lock.
fn is_about_the_release(error: &anyhow::Error) -> bool {
    let fault = error.downcast_ref::<Fault>();
    fault.is_some_and(|fault| fault.code.area() != Area::Connection)
}

/// What a failed step means for those who use the app. An error that is not about the release stays what
/// it is.
fn means(job: &mut Job, outcome: &Outcome, error: anyhow::Error, next: NextStep) -> anyhow::Error {
    let Some(step) = error
        .downcast_ref::<Fault>()
        .filter(|_| is_about_the_release(&error))
    else {
        return error;
    };
    let (why, what) = (&step.message, &outcome.what);
    let fault = match (&outcome.serves_meanwhile, job.report.take_undo_failure()) {
        (_, Some(undo)) => Fault::new(
            Code::E0606,
            format!(
                "{what} failed, and so did the undo: {why}; {}",
                undo.message
            ),
        ),
        (_, None) if step.code == Code::E0606 => Fault::new(
            Code::E0606,
            format!("{what} failed, and so did the undo: {why}"),
        ),
        (_, None) if step.code == Code::E0804 => {
            let message = format!("{what} was {why}");
            return Fault::new(Code::E0804, message)
                .hint("run the command again")
                .into();
        }
        (Some(_), None) if outcome.same => Fault::new(
            Code::E0602,
            format!("a step failed, {what} is live as before: {why}"),
        ),
        (Some(old), None) => Fault::new(
            Code::E0602,
            format!("{what} failed, {old} is live as before: {why}"),
        ),
        (None, None) => Fault::new(
            Code::E0604,
            format!("{what} failed, and there is no earlier release to return to: {why}"),
        ),
    };
    let hint = match next {
        NextStep::Log => "`citrino-ops logs app` shows more of the release's log",
        NextStep::Nothing => "correct what the message names, then run the command again",
    };
    fault.hint(hint).into()
}

/// The last lines of the unit since the run began; none when the release was never started in it.
async fn show_log(job: &mut Job<'_>, remote: &Remote, unit: &str) -> NextStep {
    // By the host's clock.
    let begun = job.report.begun();
    if begun.is_empty() {
        return NextStep::Nothing;
    }
    // As systemd reads it.
    let since = begun.replace('T', " ").replace('Z', " UTC");
    let argv = [
        "journalctl",
        "--no-pager",
        "--quiet",
        "-o",
        "short-iso",
        "-n",
        LOG_LINES,
        "-u",
        unit,
        "--since",
        &since,
    ];
    match remote.output(&argv).await {
        Ok(lines) if lines.is_empty() => return NextStep::Nothing,
        Ok(lines) => {
            job.report.heading("the end of the app's log");
            for line in lines.lines() {
                job.report.datum(logs::datum(Log::App, line), line);
            }
        }
        // The failure itself is told in any case.
        Err(error) => job
            .report
            .note(format!("the app's log could not be read: {error:#}")),
    }
    NextStep::Log
}
