//! `health`: the production checklist as questions, each with its figure and limit.

use anyhow::Result;

use super::job::Job;
use crate::core::error::{Code, Fault, exit};
use crate::core::event::{Counts, Event, StepState};
use crate::core::plan::{Mode, Plan};
use crate::core::role::Role;
use crate::hetzner::{ServerView, availability};
use crate::operator::remote::Remote;
use crate::task::Task;
use crate::task::probe::{Ask, Probe};
use crate::verb::domain::{self, Leads};
use crate::verb::lock;
use crate::verb::maintenance;
use crate::verb::on_cloud;
use crate::verb::on_host;

mod outside;

use outside::KnownHostFacts;

const PLAYBOOK: &str = "health";
/// What `converge` asks last: whether the programs run with what their files say; and for hosts of which role.
const IN_FORCE: [(&str, Option<Role>); 3] = [
    ("in_force", None),
    ("in_force_database", Some(Role::Database)),
    ("in_force_app", Some(Role::App)),
];

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    let server = server(job).await?;
    let own = domain::addresses(job).await?;
    let remote = match on_host::connect(job).await {
        Ok(remote) => remote,
        Err(error) => {
            // What users see is known all the same.
            let target = on_host::target(job).await?;
            outside::ask(job, server.as_ref(), &KnownHostFacts::of(&target)).await?;
            return Err(error);
        }
    };
    let seen = KnownHostFacts::on(job, &remote).await?;
    let outside = outside::ask(job, server.as_ref(), &seen).await?;
    let inside = ask(job, &remote).await?;
    remote.close().await;
    let leads = Leads::now(job, &own).await;
    if !leads.here {
        job.report.note(leads.line());
    }
    judged(outside, inside.counts)?;
    Ok(exit::OK)
}

/// The server as the API has it. One whose type or image can no longer be had runs on: that is worth a note, and no fault.
async fn server(job: &mut Job<'_>) -> Result<Option<ServerView>> {
    let Some(cloud) = job.stack.cloud.clone() else {
        return Ok(None);
    };
    let api = on_cloud::api(job)?;
    let Some(server) = api.server_of(&job.host).await? else {
        return Ok(None);
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
    Ok(Some(server))
}

/// The checklist of the host over a connection that is open. Gives the tables of the app that wait for their first rows.
///
/// # Errors
/// E0701 when an answer is past its limit, or a question could not be put.
pub async fn on(job: &mut Job<'_>, remote: &Remote) -> Result<Vec<String>> {
    let inside = ask(job, remote).await?;
    judged(Counts::default(), inside.counts)?;
    Ok(inside.awaited)
}

/// What the host answered.
struct Inside {
    counts: Counts,
    awaited: Vec<String>,
}

async fn ask(job: &mut Job<'_>, remote: &Remote) -> Result<Inside> {
    let agent = on_host::agent(job, remote).await?;
    maintenance::note(job, agent.facts());
    lock::note(job, agent.facts());
    job.report.as_checklist();
    let values = job.values_on(agent.facts());
    let mut steps = job.playbooks.steps(PLAYBOOK, &values)?;
    let is_here = |role: Option<Role>| role.is_none_or(|role| job.host.roles.has(role));
    for (playbook, _) in IN_FORCE.iter().filter(|(_, role)| is_here(*role)) {
        steps.extend(job.playbooks.steps(playbook, &values)?);
    }
    let plan = job.plan(Mode::Check, steps, Vec::new());
    let mut awaited = Vec::new();
    let counts = agent
        .run(&plan, &[], &mut |event| {
            awaited.extend(table_without_rows(&plan, &event));
            job.report.tell(event);
        })
        .await?;
    Ok(Inside { counts, awaited })
}

/// # Errors
/// E0701 when an answer was not good. Each was told in its row.
fn judged(outside: Counts, inside: Counts) -> Result<()> {
    let mut all = outside;
    all.add(inside);
    let bad = all.differs + all.failed;
    if bad == 0 {
        return Ok(());
    }
    let total = bad + all.same + all.changed;
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
