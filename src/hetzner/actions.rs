//! Actions: what the API has begun and not yet finished.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;
use tokio::time::Instant;

use super::Hetzner;
use super::answers::or_default;
use super::call::Limit;
use super::deadline;
use super::failure::CallError;
use super::words::{ActionStatus, ApiCode};
use crate::core::error::{Code, Fault};

/// How many actions one request may ask about.
const BATCH: usize = 25;
/// After so many polls at the first pace the waits grow.
const STEADY_POLLS: u32 = 10;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Action {
    pub id: i64,
    #[serde(deserialize_with = "or_default")]
    pub command: String,
    /// RFC 3339.
    #[serde(deserialize_with = "or_default")]
    pub started: String,
    #[serde(deserialize_with = "or_default")]
    status: ActionStatus,
    #[serde(deserialize_with = "or_default")]
    progress: i64,
    error: Option<ActionError>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ActionError {
    #[serde(deserialize_with = "or_default")]
    code: String,
    #[serde(deserialize_with = "or_default")]
    message: String,
}

/// Every shape in which an answer tells of actions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Started {
    action: Option<Action>,
    #[serde(deserialize_with = "or_default")]
    actions: Vec<Action>,
    #[serde(deserialize_with = "or_default")]
    next_actions: Vec<Action>,
}

impl Started {
    pub fn all(self) -> Vec<Action> {
        self.action
            .into_iter()
            .chain(self.actions)
            .chain(self.next_actions)
            .collect()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) at {} %", self.command, self.id, self.progress)
    }
}

impl Action {
    pub fn failed(&self) -> bool {
        self.status == ActionStatus::Error
    }

    /// None while it runs; an error of the action is told with the API's code and message.
    fn outcome(&self, doing: &str) -> Option<Result<()>> {
        match self.status {
            ActionStatus::Success => Some(Ok(())),
            ActionStatus::Error => {
                let error = self.error.clone().unwrap_or_default();
                let fault = Fault::new(
                    Code::E0307,
                    format!(
                        "could not {doing}: action {} ({}) failed: {} ({})",
                        self.command, self.id, error.message, error.code
                    ),
                );
                Some(Err(fault
                    .hint("check the resource in the Hetzner console, then run the command again: it continues from what exists")
                    .into()))
            }
            ActionStatus::Running | ActionStatus::Other(_) => None,
        }
    }
}

/// What an answer about actions is to the one who waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Interest {
    /// They are ours: one that fails is an error.
    Outcome,
    /// They may be anybody's: how they end is their affair.
    End,
}

impl Hetzner {
    /// Waits for all actions of an answer, the next ones too.
    pub(super) async fn await_all(&self, started: Started, doing: &str) -> Result<()> {
        self.await_actions(started.all(), doing, Interest::Outcome)
            .await
    }

    /// Waits for each to the end of its own deadline. An answer that does not come is "not known yet":
    /// what was begun goes on without it.
    pub(super) async fn await_actions(
        &self,
        actions: Vec<Action>,
        doing: &str,
        interest: Interest,
    ) -> Result<()> {
        let begun = Instant::now();
        let mut open = still_open(actions, doing, interest)?;
        let mut polls = 0;
        while !open.is_empty() {
            self.show_actions(doing, &open);
            let late =
                |action: &&Action| begun.elapsed() > self.within(deadline::of(&action.command));
            if let Some(late) = open.iter().find(late) {
                return Err(too_late(
                    late,
                    doing,
                    self.within(deadline::of(&late.command)),
                ));
            }
            self.pause(self.poll_wait(polls)).await;
            polls += 1;
            let mut seen = Vec::new();
            for batch in open.chunks(BATCH) {
                seen.extend(self.look_at(batch, begun, doing, interest).await?);
            }
            open = still_open(seen, doing, interest)?;
        }
        Ok(())
    }

    async fn look_at(
        &self,
        batch: &[Action],
        begun: Instant,
        doing: &str,
        interest: Interest,
    ) -> Result<Vec<Action>> {
        let ids: Vec<_> = batch
            .iter()
            .map(|action| ("id", action.id.to_string()))
            .collect();
        let longest = batch.iter().map(|action| deadline::of(&action.command));
        let until = begun + self.within(longest.max().unwrap_or_default());
        // A list without pages: a batch is smaller than the API's shortest page.
        let answer: Result<Started, CallError> =
            self.get_within("/actions", &ids, Limit::Until(until)).await;
        let seen = match answer {
            Ok(answer) => answer.actions,
            // Nobody gave an answer for as long as it may take.
            Err(error) if error.transient() => return Err(unheard(&batch[0], &error, doing)),
            Err(error) if error.is(&ApiCode::NotFound) => Vec::new(),
            Err(error) => return Err(error.told(doing).into()),
        };
        match batch
            .iter()
            .find(|wished| !seen.iter().any(|action| action.id == wished.id))
        {
            Some(lost) if interest == Interest::Outcome => Err(Fault::new(
                Code::E0307,
                format!(
                    "could not {doing}: the API no longer knows action {} ({})",
                    lost.command, lost.id
                ),
            )
            .hint("run the command again: it starts by checking what exists")
            .into()),
            _ => Ok(seen),
        }
    }

    /// Says which action is waited for.
    fn show_actions(&self, doing: &str, open: &[Action]) {
        if let Some(slowest) = open.iter().min_by_key(|action| action.progress) {
            let what = format!("{doing}: {}", slowest.command);
            self.show(&what, slowest.progress);
        }
    }

    pub(super) fn poll_wait(&self, polls: u32) -> Duration {
        let growth = 1.5_f64.powi(polls.saturating_sub(STEADY_POLLS).min(20).cast_signed());
        self.pace
            .first_poll
            .mul_f64(growth)
            .min(self.pace.longest_poll)
    }
}

/// Those that still run, or the first error that interests.
fn still_open(actions: Vec<Action>, doing: &str, interest: Interest) -> Result<Vec<Action>> {
    let mut open = Vec::new();
    for action in actions {
        match action.outcome(doing) {
            None => open.push(action),
            Some(outcome) if interest == Interest::Outcome => outcome?,
            Some(_) => {}
        }
    }
    Ok(open)
}

const MAY_SUCCEED: &str =
    "the action may still succeed: run the command again, it continues from what exists";

fn too_late(late: &Action, doing: &str, within: Duration) -> anyhow::Error {
    Fault::new(
        Code::E0307,
        format!(
            "could not {doing} within {} s: still running: {late}",
            within.as_secs(),
        ),
    )
    .hint(MAY_SUCCEED)
    .into()
}

/// The API was asked about an action until its deadline, and gave no answer.
fn unheard(action: &Action, error: &CallError, doing: &str) -> anyhow::Error {
    let fault = error.told(doing);
    let hint = fault.hint.map_or(String::new(), |hint| format!("{hint}; "));
    Fault::new(
        fault.code,
        format!(
            "{}; so it is not known how action {} ({}) ended",
            fault.message, action.command, action.id
        ),
    )
    .hint(format!("{hint}{MAY_SUCCEED}"))
    .into()
}
