//! What users see of a run: requests as they make them, from the host and from here.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;

use super::job::Job;
use crate::config::stack::Stack;
use crate::core::app_profile::Request;
use crate::core::error::{Code, Fault};
use crate::core::event::{Event, RunPoint, Side};
use crate::core::http::HttpRequest;
use crate::core::outage::{self, Watch};
use crate::core::plan::Plan;
use crate::operator::remote::Remote;
use crate::task::Task;

/// What users ask.
fn asks(stack: &Stack, address: IpAddr) -> Vec<HttpRequest> {
    let ask = |request: &Request| HttpRequest {
        method: request.method.word().to_owned(),
        body: request.body.clone(),
        address: Some(address),
        ..HttpRequest::get(format!("{}{}", stack.public_url(), request.path))
    };
    stack.profile.outage.iter().map(ask).collect()
}

/// What the host asks itself, through nginx.
pub fn on_host(stack: &Stack) -> Vec<HttpRequest> {
    asks(stack, Ipv4Addr::LOCALHOST.into())
}

/// The same watch from the operator's side, when the plan has one and the host is known by its address.
pub fn from_outside(job: &Job, remote: &Remote, watch: &[HttpRequest]) -> Option<Watch> {
    let address: IpAddr = remote.address().parse().ok()?;
    let asks = if watch.is_empty() {
        Vec::new()
    } else {
        asks(&job.stack, address)
    };
    Watch::begin(Side::Operator, &asks, outage::FROM_OUTSIDE)
}

/// Tells what a watch from here saw.
pub fn seen(job: &mut Job, plan: &Plan<Task>, watch: Option<Watch>) -> Result<()> {
    let Some(watch) = watch else { return Ok(()) };
    match watch.end()? {
        Some(outage) => job.report.tell(Event::Outage {
            point: RunPoint::of(plan),
            outage,
        }),
        None => job.report.note(
            "the site cannot be reached from this machine, so the deploy was not watched from here",
        ),
    }
    Ok(())
}

/// # Errors
/// E0607 when users noticed the run.
pub fn noticed_nothing(job: &mut Job) -> Result<()> {
    let Some(seen) = job.report.take_noticed() else {
        return Ok(());
    };
    let first = seen.first.unwrap_or_default();
    Err(Fault::new(
        Code::E0607,
        format!(
            "the release is live, but users noticed the deploy: {} of {} requests failed, the first with: {first}",
            seen.failed, seen.requests
        ),
    )
    .hint("`citrino-ops logs nginx` shows the requests; `citrino-ops health` checks the current state")
    .into())
}
