//! The words between the operator's side and the agent: JSON lines, and raw bytes for blobs.

use serde::{Deserialize, Serialize};

use crate::event::{Event, Trouble};
use crate::facts::Facts;
use crate::lock::Holder;
use crate::plan::Plan;
use crate::task::Task;

/// What the agent hears on stdin.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToAgent {
    /// Addresses of blobs that the plan needs; answered by `Missing`.
    Offer(Vec<String>),
    /// Followed by `packed_bytes` raw bytes.
    Blob {
        sha256: String,
        packed_bytes: usize,
    },
    Run(Box<Plan<Task>>),
    /// The end of the run was read.
    Heard,
}

/// What the agent says on stdout.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromAgent {
    Hello {
        version: String,
        facts: Box<Facts>,
    },
    Missing(Vec<String>),
    Event(Box<Event>),
    /// Another run holds the host.
    Locked(Holder),
    /// The agent cannot go on.
    Stop(Trouble),
}
