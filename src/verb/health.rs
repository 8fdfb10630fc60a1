//! `health`: the production checklist as questions, each with its figure and limit.

use anyhow::Result;

use super::job::Job;
use crate::core::error::{Code, Fault, exit};
use crate::core::event::{Event, StepState};
use crate::core::plan::{Mode, Plan};
use crate::core::role::Role;
use crate::hetzner::availability;
use crate::operator::remote::Remote;
use crate::task::Task;
use crate::task::probe::{Ask, Probe};
use crate::verb::domain::{self, Leads};
use crate::verb::on_cloud;
use crate::verb::on_host;

const PLAYBOOK: &str = "health";
/// What `converge` asks last: whether the programs run with what their files say; and for hosts of which role.
const IN_FORCE: [(&str, Option<Role>); 3] = [
    ("in_force", None),
    ("in_force_database", Some(Role::Database)),
    ("in_force_app", Some(Role::App)),
];

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    note_deprecations(job).await?;
    let site = domain::addresses(job).await?;
    let remote = on_host::connect(job).await?;
    on(job, &remote).await?;
    remote.close().await;
    let leads = Leads::now(job, &site).await;
    if !leads.here {
        job.report.note(leads.line());
    }
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

/// The same over a connection that is open. Gives the tables of the app that wait for their first rows.
///
/// # Errors
/// E0701 when an answer is past its limit, or a question could not be put.
pub async fn on(job: &mut Job<'_>, remote: &Remote) -> Result<Vec<String>> {
    let agent = on_host::agent(job, remote).await?;
    job.report.as_checklist();
    let values = job.values_on(agent.facts());
    let mut steps = job.playbooks.steps(PLAYBOOK, &values)?;
    let is_here = |role: Option<Role>| role.is_none_or(|role| job.host.roles.has(role));
    for (playbook, _) in IN_FORCE.iter().filter(|(_, role)| is_here(*role)) {
        steps.extend(job.playbooks.steps(playbook, &values)?);
    }
    let plan = job.plan(Mode::Check, steps, Vec::new());
    let mut awaited = Vec::new();
    let tally = agent
        .run(&plan, &[], &mut |event| {
            awaited.extend(table_without_rows(&plan, &event));
            job.report.tell(event);
        })
        .await?;
    // Told in its row already.
    job.report.take_failure();
    let bad = tally.differs + tally.failed;
    if bad == 0 {
        return Ok(awaited);
    }
    let total = plan.steps.len();
    Err(Fault::new(
        Code::E0701,
        format!("{bad} of {total} checks failed"),
    )
    .hint("look at the rows marked with ✗; `citrino-ops logs` shows the logs, `citrino-ops converge` corrects what was changed")
    .into())
}

/// The table that this answer says is empty, and rightly so.
fn table_without_rows(plan: &Plan<Task>, event: &Event) -> Option<String> {
    let Event::Step {
        n,
        state: StepState::Same,
        figure: Some(figure),
        ..
    } = event
    else {
        return None;
    };
    let step = plan.steps.get(n.checked_sub(1)?)?;
    match &step.task {
        Task::Probe(Probe {
            ask: Ask::Rows(rows),
            ..
        }) if figure.value == 0.0 => Some(rows.table.clone()),
        _ => None,
    }
}
