//! After steps that could lock their own operator out: comes back to the host by a fresh connection
//! and to the site from outside, and calls the dead man's switch off; or says that it has gone off.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinHandle;

use super::job::Job;
use crate::config::source;
use crate::core::error::{Code, Fault, error_info};
use crate::core::event::{Counts, Event, StepState};
use crate::core::plan::Plan;
use crate::facts::Facts;
use crate::host::journal::LastRun;
use crate::operator::public_probe;
use crate::operator::remote::{Agent, Remote, Target};
use crate::task::Task;

/// How long somebody has to come back, in seconds from the end of the run.
const WITHIN_S: u64 = 90;
/// Another time, for rehearsals.
const VARIABLE: &str = "CITRINO_GUARD_S";
/// How long the host may then take to put back what it was, and to let us in again.
const PUT_BACK_WITHIN: Duration = Duration::from_mins(3);
const PAUSE: Duration = Duration::from_secs(1);

/// # Errors
/// E0102 when the variable is no number of seconds.
pub fn within_s() -> Result<u64> {
    let Some(text) = source::variable(VARIABLE) else {
        return Ok(WITHIN_S);
    };
    text.parse().map_err(|_| {
        Fault::new(
            Code::E0102,
            format!("{VARIABLE} is `{text}`, which is not a number of seconds"),
        )
        .into()
    })
}

/// How the site answered before anything was changed: what was not so before is no proof after.
pub struct Before(JoinHandle<Result<String>>);

impl Before {
    /// Asks while the agent starts, so that it costs no time.
    pub fn ask(job: &Job, target: &Target) -> Self {
        let (domain, address) = (job.stack.domain.clone(), target.address.clone());
        let route = job.stack.profile.routes.live.clone();
        Self(tokio::spawn(async move {
            public_probe::release(&domain, &route, &address).await
        }))
    }

    async fn answered(self) -> bool {
        matches!(self.0.await, Ok(Ok(_)))
    }
}

/// What there is to come back from.
struct ArmedRun<'a> {
    run: &'a str,
    within_s: u64,
    /// Whether the site must answer, when a release is live.
    site: bool,
    /// The names of the steps that may have changed something.
    steps: Vec<String>,
}

/// Runs a plan, and comes back to the host when a guarded step of it may have changed something.
///
/// # Errors
/// The first step that failed; E0510 and E0511 when the switch has gone off, E0512 when the host
/// was not put back.
pub async fn run(
    job: &mut Job<'_>,
    remote: &Remote,
    agent: Agent<'_>,
    plan: &Plan<Task>,
    before: Before,
) -> Result<Counts> {
    let mut steps = Vec::new();
    let serves = agent.facts().app.live_release().is_some();
    let outcome = agent
        .run(plan, &[], &mut |event| {
            note_guarded(plan, &event, &mut steps);
            job.report.tell(event);
        })
        .await;
    let outcome = outcome.and_then(|tally| job.ended(tally));
    if steps.is_empty() {
        return outcome;
    }
    let steps = steps.iter().map(|index| plan.steps[*index].name.clone());
    let site = before.answered().await;
    if serves && !site {
        job.report
            .note("The site did not answer before the run, so only SSH is checked after it.");
    }
    let armed = ArmedRun {
        run: &plan.run,
        within_s: plan.guard_s.unwrap_or(WITHIN_S),
        site,
        steps: steps.collect(),
    };
    come_back(job, remote.target(), &armed).await?;
    outcome
}

/// The same for a run that nobody came back to yet, before another one begins.
pub async fn settle(job: &mut Job<'_>, remote: &Remote, facts: &Facts) -> Result<()> {
    let Some(armed) = &facts.armed else {
        return Ok(());
    };
    let armed = ArmedRun {
        run: &armed.run,
        within_s: armed.within_s,
        site: true,
        steps: vec![format!("the run of {} started {}", armed.who, armed.since)],
    };
    come_back(job, remote.target(), &armed).await
}

/// Keeps the places of guarded steps that were begun and did not turn out to be so already.
fn note_guarded(plan: &Plan<Task>, event: &Event, steps: &mut Vec<usize>) {
    match event {
        Event::Begin { n, label, .. } if !label.undo => {
            let index = n - 1;
            let is_guarded = plan.steps.get(index).is_some_and(|step| step.guard);
            steps.extend(is_guarded.then_some(index));
        }
        Event::Step {
            n,
            label,
            state: StepState::Same,
            ..
        } if !label.undo && steps.last() == Some(&(n - 1)) => {
            steps.pop();
        }
        _ => {}
    }
}

/// What one attempt came to.
#[derive(Debug, PartialEq, Eq)]
enum Back {
    /// The host is reached, and nothing will be put back.
    Kept,
    PutBack {
        /// What could not be.
        failed: Option<String>,
    },
}

async fn come_back(job: &mut Job<'_>, target: &Target, armed: &ArmedRun<'_>) -> Result<()> {
    job.report.waiting("testing a new connection");
    let deadline = Duration::from_secs(armed.within_s) + PUT_BACK_WITHIN;
    let begun = Instant::now();
    let mut first: Option<Fault> = None;
    loop {
        let why = match attempt(job, target, armed).await {
            Ok(Back::Kept) => return Ok(()),
            Ok(Back::PutBack { failed: None }) => {
                return Err(went_off(armed, first.as_ref()).into());
            }
            Ok(Back::PutBack { failed }) => return Err(not_put_back(armed, failed).into()),
            Err(error) => error,
        };
        if begun.elapsed() > deadline {
            return Err(not_put_back(armed, Some(error_info(&why).message)).into());
        }
        if first.is_none() {
            let fault = Fault::from(error_info(&why));
            job.report.note(format!(
                "{}; the host reverts the changes {} s after the end of the run",
                fault.message, armed.within_s
            ));
            first = Some(fault);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A connection of its own each time: one that is open may live on where no other comes to be.
async fn attempt(job: &mut Job<'_>, target: &Target, armed: &ArmedRun<'_>) -> Result<Back> {
    let remote = Remote::open(target).await?;
    let back = look(job, &remote, armed).await;
    remote.close().await;
    back
}

async fn look(job: &mut Job<'_>, remote: &Remote, armed: &ArmedRun<'_>) -> Result<Back> {
    let agent = remote.agent().await?;
    let facts = agent.facts();
    if facts.armed.as_ref().is_none_or(|now| now.run != armed.run) {
        return without_switch(facts.last_run.as_ref(), armed.run);
    }
    if let Some(live) = facts.app.live_release().filter(|_| armed.site) {
        let (domain, route) = (&job.stack.domain, &job.stack.profile.routes.live);
        let answers = public_probe::release(domain, route, &remote.target().address).await;
        let answers = answers.map_err(|error| {
            Fault::new(
                Code::E0511,
                format!("the site does not respond to this machine: {error:#}"),
            )
        })?;
        if answers != live {
            let message = format!("{answers} answers this machine, but {live} is live on the host");
            return Err(Fault::new(Code::E0511, message).into());
        }
    }
    let by = job.claim();
    agent
        .disarm(armed.run, by, &mut |event| job.report.tell(event))
        .await?;
    Ok(Back::Kept)
}

/// What became of a run whose switch is not armed any more.
///
/// # Errors
/// E0512 while the host is at work on the way back: another look tells how that ended.
fn without_switch(last: Option<&LastRun>, run: &str) -> Result<Back> {
    match last.filter(|last| last.puts_back(run)) {
        None => Ok(Back::Kept),
        Some(last) if last.end.is_none() => {
            let message = "the host is reverting the changes";
            Err(Fault::new(Code::E0512, message).into())
        }
        Some(last) => Ok(Back::PutBack {
            failed: last.failed.clone(),
        }),
    }
}

fn went_off(armed: &ArmedRun<'_>, first: Option<&Fault>) -> Fault {
    let steps = named(armed);
    let within = armed.within_s;
    let why = first.map_or("no connection succeeded in time", |fault| &fault.message);
    let put_back = format!("after {within} s the dead man's switch reverted the changes");
    let site = first.is_some_and(|fault| fault.code == Code::E0511);
    if site {
        let message = format!("the site did not answer any more after {steps}; {put_back} ({why})");
        return Fault::new(Code::E0511, message)
            .hint("correct what these steps configure, then run `citrino-ops converge`");
    }
    let message =
        format!("the host could not be reached any more after {steps}; {put_back} ({why})");
    Fault::new(Code::E0510, message)
        .hint("correct what these steps configure, then run `citrino-ops converge`")
}

fn not_put_back(armed: &ArmedRun<'_>, why: Option<String>) -> Fault {
    let steps = named(armed);
    let why = why.unwrap_or_default();
    Fault::new(Code::E0512, format!("after {steps} the changes were not reverted: {why}"))
        .hint("open the server's console at Hetzner: `journalctl -u citrino-guard` shows how far the revert came (`citrino-ops explain E0512`)")
}

fn named(armed: &ArmedRun<'_>) -> String {
    let names: Vec<String> = armed
        .steps
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::code;
    use crate::core::event::{Label, RunPoint};
    use crate::core::plan::{Claim, Step};
    use crate::host::journal::BACK;
    use crate::task::Link;

    fn plan() -> Plan<Task> {
        let step = |name: &str, guard| Step {
            guard,
            ..Step::new(
                "part",
                name,
                Link {
                    path: "/a".into(),
                    to: "/b".into(),
                },
            )
        };
        Plan {
            guard_s: Some(9),
            ..Plan::new(
                Claim::new("r", "converge", "ana"),
                vec![
                    step("free", false),
                    step("same", true),
                    step("changed", true),
                    step("cut off", true),
                ],
            )
        }
    }

    #[test]
    fn steps_that_may_have_changed_something_are_known_to_the_end_or_the_cut() {
        let plan = plan();
        let mut seen = Vec::new();
        for (index, step) in plan.steps.iter().enumerate() {
            let label = Label {
                id: step.id.clone(),
                part: step.part.clone(),
                name: step.name.clone(),
                undo: false,
            };
            let begin = Event::Begin {
                point: RunPoint::of(&plan),
                n: index + 1,
                label: label.clone(),
            };
            note_guarded(&plan, &begin, &mut seen);
            let state = match step.name.as_str() {
                "same" => StepState::Same,
                "cut off" => break,
                _ => StepState::Changed,
            };
            let end = Event::Step {
                point: RunPoint::of(&plan),
                n: index + 1,
                label,
                state,
                took_ms: 1,
                change: None,
                figure: None,
                error: None,
            };
            note_guarded(&plan, &end, &mut seen);
        }
        assert_eq!(seen, [2, 3]);
    }

    /// Of a run that is being reverted nobody may say that it is kept.
    #[test]
    fn a_run_is_kept_only_when_nothing_reverts_it() {
        let last = |run: &str, has_ended: bool, failed: Option<&str>| LastRun {
            run: run.to_owned(),
            end: has_ended.then(Counts::default),
            failed: failed.map(str::to_owned),
            ..LastRun::default()
        };
        let told = |last: &LastRun| without_switch(Some(last), "r").map_err(|error| code(&error));
        assert_eq!(told(&last("r", true, None)), Ok(Back::Kept));
        assert_eq!(told(&last("s-back", true, None)), Ok(Back::Kept));
        let back = format!("r{BACK}");
        assert_eq!(told(&last(&back, false, None)), Err(Code::E0512));
        let put_back = |failed: Option<&str>| Back::PutBack {
            failed: failed.map(str::to_owned),
        };
        assert_eq!(told(&last(&back, true, None)), Ok(put_back(None)));
        assert_eq!(told(&last(&back, true, Some("x"))), Ok(put_back(Some("x"))));
        assert_eq!(without_switch(None, "r").unwrap(), Back::Kept);
    }
}
