//! `converge`: makes the host as citrino.yml, playbooks and templates wish.

use anyhow::Result;

use super::job::Job;
use crate::error::exit;
use crate::event::Tally;
use crate::facts::Facts;
use crate::plan::{Mode, Step};
use crate::release;
use crate::remote::Remote;
use crate::task::Task;

pub async fn run(job: &mut Job<'_>, check: bool) -> Result<u8> {
    let mode = if check { Mode::Check } else { Mode::Apply };
    let remote = job.connect().await?;
    let tally = on(job, &remote, mode).await?;
    remote.close().await;
    Ok(if tally.differs == 0 {
        exit::OK
    } else {
        exit::PENDING
    })
}

/// The same over a connection that is open.
pub async fn on(job: &mut Job<'_>, remote: &Remote, mode: Mode) -> Result<Tally> {
    let agent = job.agent(remote).await?;
    let steps = steps(job, agent.facts())?;
    let plan = job.plan(mode, steps, Vec::new());
    job.run_host(agent, &plan, &[]).await
}

fn steps(job: &Job, facts: &Facts) -> Result<Vec<Step<Task>>> {
    let mut steps = job.playbooks.site(&job.values_on(facts))?;
    steps.extend(release::keep_live(&facts.app));
    Ok(steps)
}
