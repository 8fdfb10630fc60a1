//! A command's dealings with the cloud: the API, a look, a run.

use anyhow::Result;

use super::job::Job;
use crate::config::source;
use crate::config::stack::Host;
use crate::core::engine;
use crate::core::error::{Code, Fault};
use crate::core::event::Counts;
use crate::core::plan::{Mode, Step};
use crate::hetzner::{
    ApiSources, DEFAULT_ENDPOINT, Hetzner, Holdings, ServerStatus, ServerView, SettingSource,
};
use crate::operator::preview::Preview;
use crate::planner::cloud::Resource;

/// Names the API's address, before what citrino.yml says.
pub const ENDPOINT: &str = "HCLOUD_ENDPOINT";

/// The Hetzner API; nothing is sent yet.
///
/// # Errors
/// E0802 when the stack has no `cloud`.
pub fn api(job: &Job<'_>) -> Result<Hetzner> {
    let Some(cloud) = &job.stack.cloud else {
        return Err(Fault::new(
            Code::E0802,
            format!(
                "`{}` is about the cloud, but citrino.yml names an existing `host`",
                job.command.verb
            ),
        )
        .hint("nothing at Hetzner is this stack's; `citrino-ops converge` sets up the host")
        .into());
    };
    let (endpoint, from) = endpoint_of(cloud.endpoint.as_ref().map(ToString::to_string));
    let sources = ApiSources {
        token: if source::variable(source::TOKEN).is_some() {
            SettingSource::Environment
        } else {
            SettingSource::Configuration
        },
        endpoint: from,
    };
    let api = Hetzner::connect(&endpoint, &source::token(&job.stack)?)?;
    Ok(api.known_by(sources).telling(job.report.progress()))
}

/// Where the API of the stack is.
pub fn endpoint(job: &Job<'_>) -> String {
    let named = job
        .stack
        .cloud
        .as_ref()
        .and_then(|cloud| cloud.endpoint.as_ref());
    endpoint_of(named.map(ToString::to_string)).0
}

fn endpoint_of(named: Option<String>) -> (String, SettingSource) {
    match (source::variable(ENDPOINT), named) {
        (Some(endpoint), _) => (endpoint, SettingSource::Environment),
        (None, Some(endpoint)) => (endpoint, SettingSource::Configuration),
        (None, None) => (DEFAULT_ENDPOINT.to_owned(), SettingSource::BuiltIn),
    }
}

/// Looks at the cloud, and tells nothing yet.
///
/// # Errors
/// The first step that could not be looked at; then what was seen is told.
pub async fn look(job: &mut Job<'_>, api: &Hetzner, steps: Vec<Step<Resource>>) -> Result<Preview> {
    job.report.waiting("reading the cloud");
    let plan = job.cloud_plan(Mode::Check, steps);
    let mut events = Vec::new();
    let _remembering = api.remembering();
    let tally = engine::run(&plan, api, &mut |event| {
        events.push(event);
        Ok(())
    })
    .await?;
    let preview = Preview { events, tally };
    if tally.failed > 0 {
        return refuse(job, &preview).map(|()| preview);
    }
    Ok(preview)
}

/// Tells why what was looked at cannot be done: each step that refuses, and nothing of the others.
///
/// # Errors
/// The first of them.
fn refuse(job: &mut Job<'_>, preview: &Preview) -> Result<()> {
    let failed = preview.tally.failed;
    job.report.as_refusal(failed);
    job.show(preview).map_err(|error| match failed {
        1 => error,
        _ => and_more(error, failed - 1),
    })
}

fn and_more(error: anyhow::Error, others: usize) -> anyhow::Error {
    let steps = if others == 1 { "step" } else { "steps" };
    match error.downcast::<Fault>() {
        Ok(mut fault) => {
            let why = &fault.message;
            fault.message = format!("{why} ({others} other {steps} above refused too)");
            fault.into()
        }
        Err(error) => error,
    }
}

/// Makes the cloud so.
///
/// # Errors
/// The first step that failed.
pub async fn run(job: &mut Job<'_>, api: &Hetzner, steps: Vec<Step<Resource>>) -> Result<Counts> {
    let plan = job.cloud_plan(Mode::Apply, steps);
    let _remembering = api.remembering();
    let tally = engine::run(&plan, api, &mut |event| {
        job.report.tell(event);
        Ok(())
    })
    .await?;
    job.ended(tally)
}

/// The same for what creates and changes: when it fails, what exists now is named with what it costs.
///
/// # Errors
/// The first step that failed.
pub async fn provision(
    job: &mut Job<'_>,
    api: &Hetzner,
    steps: Vec<Step<Resource>>,
) -> Result<Counts> {
    let done = run(job, api, steps).await;
    if done.is_err()
        && let Ok(held) = Holdings::of(api, &job.stack.name).await
        && !held.is_empty()
    {
        job.report
            .note(format!("{held}. The next run continues from there."));
    }
    done
}

pub fn no_server(host: &Host) -> Fault {
    let stack = &host.stack;
    let message = if host.is_only {
        format!("stack {stack} has no server yet")
    } else {
        format!("host {} of stack {stack} has no server yet", host.name)
    };
    Fault::new(Code::E0309, message)
        .hint("run `citrino-ops provision`, or `citrino-ops up` for everything")
}

/// Whether the server is there and can be asked for its host.
pub fn runs(server: Option<&ServerView>) -> bool {
    server.is_some_and(|server| server.status == ServerStatus::Running)
}
