//! `health`: the production checklist as questions, each with its figure and limit.

use anyhow::Result;

use super::job::Job;
use crate::core::error::{Code, Fault, exit};
use crate::core::plan::Mode;
use crate::hetzner::availability;
use crate::operator::remote::Remote;
use crate::verb::on_cloud;
use crate::verb::on_host;

const PLAYBOOK: &str = "health";

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    note_deprecations(job).await?;
    let remote = on_host::connect(job).await?;
    on(job, &remote).await?;
    remote.close().await;
    Ok(exit::OK)
}

/// A server whose type or image can no longer be had runs on: that is worth a note, and no fault.
async fn note_deprecations(job: &mut Job<'_>) -> Result<()> {
    let Some(cloud) = job.stack.cloud.clone() else {
        return Ok(());
    };
    let api = on_cloud::api(job)?;
    let Some(server) = api.server_of(&job.host).await? else {
        return Ok(());
    };
    match availability(&api, &job.stack.name, &cloud, Some(&server)).await {
        Ok(offer) => {
            for note in offer.notes {
                job.report.note(format!("note: {note}"));
            }
        }
        // What citrino.yml wishes and cannot have is for `plan` to refuse; the host is asked all the same.
        Err(error) => job.report.note(format!("note: {error:#}")),
    }
    Ok(())
}

/// The same over a connection that is open.
///
/// # Errors
/// E0701 when an answer is past its limit, or a question could not be put.
pub async fn on(job: &mut Job<'_>, remote: &Remote) -> Result<()> {
    let agent = on_host::agent(job, remote).await?;
    job.report.as_checklist();
    let steps = job
        .playbooks
        .steps(PLAYBOOK, &job.values_on(agent.facts()))?;
    let plan = job.plan(Mode::Check, steps, Vec::new());
    let tally = agent
        .run(&plan, &[], &mut |event| job.report.tell(event))
        .await?;
    // Told in its row already.
    job.report.take_failure();
    let bad = tally.differs + tally.failed;
    if bad == 0 {
        return Ok(());
    }
    let total = plan.steps.len();
    Err(Fault::new(
        Code::E0701,
        format!("{bad} of {total} checks failed"),
    )
    .hint("look at the rows marked with ✗; `citrino-ops logs` shows the logs, `citrino-ops converge` corrects what was changed")
    .into())
}
