//! Actions: what the API has begun and not yet finished.

use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;
use tokio::time::Instant;

use super::Hetzner;
use super::answers::or_default;
use super::words::ActionStatus;
use crate::core::error::{Code, Fault};

/// How many actions one request may ask about.
const BATCH: usize = 25;
/// After so many polls at the first pace the waits grow.
const STEADY_POLLS: u32 = 10;

/// How long each kind of action may take.
pub(super) mod deadline {
    use std::time::Duration;

    pub const CREATE: Duration = Duration::from_mins(10);
    pub const DELETE: Duration = Duration::from_mins(5);
    pub const POWER: Duration = Duration::from_mins(3);
    pub const FIREWALL: Duration = Duration::from_mins(2);
    pub const BACKUP: Duration = Duration::from_mins(5);
    pub const RESCALE: Duration = Duration::from_mins(20);
    pub const SNAPSHOT: Duration = Duration::from_hours(1);
}

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

impl Action {
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

impl Hetzner {
    /// Waits for all actions of an answer, the next ones too.
    pub(super) async fn await_all(
        &self,
        started: Started,
        doing: &str,
        within: Duration,
    ) -> Result<()> {
        self.await_actions(started.all(), doing, within).await
    }

    pub(super) async fn await_actions(
        &self,
        actions: Vec<Action>,
        doing: &str,
        within: Duration,
    ) -> Result<()> {
        let begun = Instant::now();
        let mut open = still_open(actions, doing)?;
        let mut polls = 0;
        while !open.is_empty() {
            self.show(doing, least_progress(&open));
            if begun.elapsed() > within {
                return Err(too_late(&open, doing, within));
            }
            tokio::time::sleep(self.poll_wait(polls)).await;
            polls += 1;
            let mut seen = Vec::new();
            for batch in open.chunks(BATCH) {
                seen.extend(self.look_at(batch, doing).await?);
            }
            open = still_open(seen, doing)?;
        }
        Ok(())
    }

    async fn look_at(&self, batch: &[Action], doing: &str) -> Result<Vec<Action>> {
        let ids: Vec<_> = batch
            .iter()
            .map(|action| ("id", action.id.to_string()))
            .collect();
        // A list without pages: a batch is smaller than the API's shortest page.
        let answer: Started = self
            .get("/actions", &ids)
            .await
            .map_err(|error| error.told(doing))?;
        let seen = answer.actions;
        match batch
            .iter()
            .find(|wished| !seen.iter().any(|action| action.id == wished.id))
        {
            None => Ok(seen),
            Some(lost) => Err(Fault::new(
                Code::E0307,
                format!(
                    "could not {doing}: the API no longer knows action {} ({})",
                    lost.command, lost.id
                ),
            )
            .hint("run the command again: it starts by checking what exists")
            .into()),
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

/// How far the slowest is, in percent.
fn least_progress(open: &[Action]) -> i64 {
    open.iter()
        .map(|action| action.progress)
        .min()
        .unwrap_or_default()
}

/// Those that still run, or the first error.
fn still_open(actions: Vec<Action>, doing: &str) -> Result<Vec<Action>> {
    let mut open = Vec::new();
    for action in actions {
        match action.outcome(doing) {
            None => open.push(action),
            Some(outcome) => outcome?,
        }
    }
    Ok(open)
}

fn too_late(open: &[Action], doing: &str, within: Duration) -> anyhow::Error {
    let list: Vec<_> = open
        .iter()
        .map(|action| {
            format!(
                "{} ({}) at {} %",
                action.command, action.id, action.progress
            )
        })
        .collect();
    Fault::new(
        Code::E0307,
        format!(
            "could not {doing} within {} s: still running: {}",
            within.as_secs(),
            list.join(", ")
        ),
    )
    .hint("the action may still succeed: run the command again, it continues from what exists")
    .into()
}
