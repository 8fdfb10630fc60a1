//! `converge`: makes the host as citrino.yml, playbooks and templates wish.

use anyhow::Result;

use super::consent;
use super::guarded::{self, Before};
use super::job::Job;
use super::lock;
use super::maintenance;
use super::provision::pending;
use super::tls;
use crate::cli::Apply;
use crate::core::error::exit;
use crate::core::event::Counts;
use crate::core::plan::{Mode, Step};
use crate::core::role::Role;
use crate::facts::Facts;
use crate::operator::known_host;
use crate::operator::preview::{Preview, Saved};
use crate::operator::remote::{Agent, Remote};
use crate::operator::stack_key::KnownStackKey;
use crate::planner::{before, release};
use crate::task::Task;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, options: &Apply) -> Result<u8> {
    let saved = match &options.plan {
        Some(path) => Some(Saved::read(path, &job.host)?),
        None => None,
    };
    let remote = on_host::connect(job).await?;
    let exit = if options.check {
        let preview = look(job, &remote).await?;
        job.show(&preview)?;
        if !preview.is_empty() {
            job.report.note("Apply with `citrino-ops converge`.");
        }
        pending(preview.is_empty())
    } else {
        if let Some(saved) = &saved {
            still_holds(job, &remote, saved).await?;
        }
        // A saved plan was agreed on with all that it names.
        let yes = options.yes.yes || saved.is_some();
        on(job, &remote, yes).await?;
        exit::OK
    };
    remote.close().await;
    Ok(exit)
}

/// Makes it so, over a connection that is open.
pub async fn on(job: &mut Job<'_>, remote: &Remote, yes: bool) -> Result<Counts> {
    on_host::need_volume(job)?;
    if !yes && job.report.can_ask() {
        agree(job, remote).await?;
    }
    known_host::need_login(&job.stack, job.keys.iter().map(|key| key.line.as_str()))?;
    let before = Before::ask(job, remote.target());
    let mut agent = on_host::agent(job, remote).await?;
    // A run that is still at work comes back for itself.
    if agent.facts().armed.is_some() && !agent.facts().busy {
        guarded::settle(job, remote, agent.facts()).await?;
        agent = on_host::agent(job, remote).await?;
    }
    if job.stack.host.is_some() && !agent.facts().was_looked_at {
        agent = first_look(job, remote, agent).await?;
    }
    maintenance::note(job, agent.facts());
    let steps = steps(job, agent.facts())?;
    let mut plan = job.plan(Mode::Apply, steps, Vec::new());
    plan.guard_s = Some(guarded::within_s()?);
    plan.converges = true;
    let is_first = agent.facts().backups.key.is_none();
    let certificate = agent.facts().certificate.clone();
    let tally = guarded::run(job, remote, agent, &plan, before).await?;
    if is_first && job.stack_key()?.is_none() {
        // The key that the host has made is to be here before the host can be lost.
        on_host::agent(job, remote).await?;
    }
    if job.stack.tls.directory().is_some() {
        let certificate = match tally.changed {
            0 => certificate,
            _ => on_host::agent(job, remote)
                .await?
                .facts()
                .certificate
                .clone(),
        };
        if let Some(note) = tls::note(&certificate) {
            job.report.note(note);
        }
    }
    Ok(tally)
}

/// What the host had before decides what goes into its files, so it is known before they are made.
async fn first_look<'s>(
    job: &mut Job<'_>,
    remote: &'s Remote,
    agent: Agent<'s>,
) -> Result<Agent<'s>> {
    let plan = job.plan(Mode::Apply, before::steps(&job.stack)?, Vec::new());
    on_host::run(job, agent, &plan, &[]).await?;
    on_host::agent(job, remote).await
}

/// Where a person is there, nothing takes the site away that was not told before.
async fn agree(job: &mut Job<'_>, remote: &Remote) -> Result<()> {
    let preview = look(job, remote).await?;
    let units = preview.interruptions();
    if units.is_empty() {
        return Ok(());
    }
    job.show(&preview)?;
    job.report.forget_preview();
    let units = units.join(" and ");
    let question = format!("The site does not answer while {units} restarts. Continue?");
    consent::confirm(job, false, "This interrupts the site.", &question).await
}

/// Looks what would change, and tells nothing yet.
pub async fn look(job: &mut Job<'_>, remote: &Remote) -> Result<Preview> {
    let agent = on_host::agent(job, remote).await?;
    lock::note(job, agent.facts());
    let steps = steps(job, agent.facts())?;
    let plan = job.plan(Mode::Check, steps, Vec::new());
    let mut preview = Preview::default();
    preview.tally = agent
        .run(&plan, &[], &mut |event| preview.events.push(event))
        .await?;
    Ok(preview)
}

/// Refuses a saved plan when the host is no longer what it was made for.
async fn still_holds(job: &mut Job<'_>, remote: &Remote, saved: &Saved) -> Result<()> {
    let now = look(job, remote).await?.planned();
    let then = saved.host.clone().unwrap_or_default();
    saved.still_holds(&job.wishes, &then, &now)
}

fn steps(job: &Job, facts: &Facts) -> Result<Vec<Step<Task>>> {
    job.stack.must_fit(facts.memory_mb)?;
    let mut steps = before::steps(&job.stack)?;
    steps.extend(job.playbooks.site(&job.host.roles, &job.values_on(facts))?);
    // A unit that was put back must run again as it was.
    let live = release::keep_live(&job.stack.profile, facts).into_iter();
    steps.extend(live.map(|step| Step {
        guard: step.task.can_be_guarded(),
        ..step
    }));
    if job.host.roles.has(Role::Database) {
        // After the program that signs: one of an earlier version would go on without it.
        let is_first = KnownStackKey::of(&job.host.name).read()?.is_none();
        steps.push(job.backups().signed(job.stack_key()?, is_first));
    }
    Ok(steps)
}
