//! A command's dealings with its host: where it is, a connection, the agent, a run.

use anyhow::Result;

use super::job::{Device, Job};
use super::on_cloud;
use crate::core::error::{Code, Fault};
use crate::core::event::Counts;
use crate::core::plan::{Mode, Plan, Step};
use crate::core::value::ToolVersion;
use crate::facts::Facts;
use crate::hetzner::{Hetzner, ServerView};
use crate::operator::known_host;
use crate::operator::preview::Preview;
use crate::operator::remote::{Agent, Blob, Remote, Target};
use crate::operator::seen::SeenNames;
use crate::operator::stack_key::KnownStackKey;
use crate::planner::cloud;
use crate::task::Task;

/// Where the stack's host is.
///
/// # Errors
/// E0309 when there is none yet.
pub async fn target(job: &mut Job<'_>) -> Result<Target> {
    if let Some(existing) = &job.stack.host {
        return Ok(known_host::existing(&job.stack, &job.host.name, existing));
    }
    let api = on_cloud::api(job)?;
    match api.server_of(&job.host).await? {
        Some(server) => target_of(job, &api, &server).await,
        None => Err(on_cloud::no_server(&job.host).into()),
    }
}

/// The host that the server is; what the cloud knows of it goes into the templates.
pub async fn target_of(job: &mut Job<'_>, api: &Hetzner, server: &ServerView) -> Result<Target> {
    if job.volume != Device::NotWanted
        // Until it is made, only `converge` minds.
        && let Some(device) = cloud::device(api, &job.host).await?
    {
        job.volume = Device::At(device);
    }
    known_host::of_server(&job.stack, &job.host.name, server)
}

/// A connection to the host.
pub async fn connect(job: &mut Job<'_>) -> Result<Remote> {
    let target = target(job).await?;
    connect_to(job, &target).await
}

pub async fn connect_to(job: &mut Job<'_>, target: &Target) -> Result<Remote> {
    job.report
        .waiting(format!("connecting to {}", target.address));
    Remote::open(target).await
}

/// The agent on the host. How the last run ended is told when nobody has heard it yet.
pub async fn agent<'s>(job: &mut Job<'_>, remote: &'s Remote) -> Result<Agent<'s>> {
    let mut agent = remote.agent().await?;
    keep_stack_key(job, &mut agent).await?;
    let facts = agent.facts();
    SeenNames::of(facts).keep(&job.host.name);
    if let Some(last) = facts.last_run.as_ref().filter(|last| !last.heard) {
        job.report.note_first(last.noted(facts.busy));
    }
    for exposed in &facts.exposed {
        job.report.note(format!(
            "{exposed}; `citrino-ops converge` gives it to root"
        ));
    }
    if let Some(newer) = facts.converged_by.filter(|by| *by > ToolVersion::own()) {
        job.report.note(format!(
            "citrino-ops {newer} converged the host; this is {}, which changes nothing there",
            ToolVersion::own()
        ));
    }
    if let Some(armed) = &facts.armed {
        let text = format!(
            "the dead man's switch is armed: nobody has connected yet after {} by {} (started {})",
            armed.verb, armed.who, armed.since
        );
        job.report.note(text);
    }
    Ok(agent)
}

/// Sees to it that this machine has the key of the stack, when the host has one: without it nobody says here which of the backups
/// elsewhere are genuine.
///
/// # Errors
/// Those of a connection.
pub async fn know_stack_key(job: &mut Job<'_>) -> Result<()> {
    if job.stack_key()?.is_some() {
        return Ok(());
    }
    let remote = connect(job).await?;
    drop(agent(job, &remote).await?);
    remote.close().await;
    Ok(())
}

/// The host's key of the stack is here too from the first time that it is seen: who has lost the host knows its backups by it.
async fn keep_stack_key(job: &mut Job<'_>, agent: &mut Agent<'_>) -> Result<()> {
    let Some(there) = agent.facts().backups.key.clone() else {
        return Ok(());
    };
    if let Some(here) = job.stack_key()? {
        if here.id() != there {
            job.report.note(format!(
                "the host signs backups with key {there}, but this machine knows key {} for the stack; see `citrino-ops explain E0437`",
                here.id()
            ));
        }
        return Ok(());
    }
    match agent.stack_key().await? {
        Some(key) if key.id() == there => KnownStackKey::of(&job.host.name).keep(&key),
        _ => Err(Fault::new(
            Code::E0518,
            "the host sent another key of the stack than it has",
        )
        .hint("nothing was changed; find out what answers on the host")
        .into()),
    }
}

/// Refuses to have a shell write where somebody beside root rules; what the agent writes it refuses itself.
///
/// # Errors
/// E0409 when one of the stack's folders is so.
pub fn refuse_exposed(facts: &Facts) -> Result<()> {
    let Some(exposed) = facts.exposed.first() else {
        return Ok(());
    };
    Err(Fault::new(Code::E0409, exposed.clone())
        .hint("nothing was sent; run `citrino-ops converge`: it gives the folder to root")
        .into())
}

/// # Errors
/// E0309 when citrino.yml wishes for a volume that is not there yet.
pub fn need_volume(job: &Job<'_>) -> Result<()> {
    if job.volume != Device::NotMade {
        return Ok(());
    }
    Err(
        Fault::new(Code::E0309, "there is no volume for the database yet")
            .hint("run `citrino-ops provision`: it creates the volume")
            .into(),
    )
}

/// Runs a plan on the host, after sending what it needs.
///
/// # Errors
/// The first step that failed.
pub async fn run(
    job: &mut Job<'_>,
    agent: Agent<'_>,
    plan: &Plan<Task>,
    blobs: &[Blob<'_>],
) -> Result<Counts> {
    let tally = agent
        .run(plan, blobs, &mut |event| job.report.tell(event))
        .await?;
    job.ended(tally)
}

/// Shows what steps would change on the host, before anybody is asked whether they may.
///
/// # Errors
/// The first step that could not be looked at: nothing was changed then.
pub async fn foresee(
    job: &mut Job<'_>,
    agent: Agent<'_>,
    steps: Vec<Step<Task>>,
) -> Result<Preview> {
    let preview = preview(job, agent, steps).await?;
    job.report.forget_preview();
    Ok(preview)
}

/// Shows what steps would change on the host: that is what the command is for.
///
/// # Errors
/// As of `foresee`.
pub async fn preview(
    job: &mut Job<'_>,
    agent: Agent<'_>,
    steps: Vec<Step<Task>>,
) -> Result<Preview> {
    let plan = job.plan(Mode::Check, steps, Vec::new());
    let mut events = Vec::new();
    let tally = agent
        .run(&plan, &[], &mut |event| events.push(event))
        .await?;
    let preview = Preview { events, tally };
    job.show(&preview)?;
    Ok(preview)
}
