//! The words between the operator's side and the agent: JSON lines, and raw bytes for blobs.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::core::app_profile::AppProfile;
use crate::core::audit::Head;
use crate::core::event::{ErrorInfo, Event};
use crate::core::plan::{Claim, Plan};
use crate::core::value::{Sha256, checked};
use crate::facts::Facts;
use crate::host::lock::Holder;
use crate::storage::pack;
use crate::task::Task;

/// What the agent hears on stdin.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToAgent {
    /// Which app it is about: the first line, before the agent looks at its host and greets.
    Profile(Box<AppProfile>),
    /// Addresses of blobs that the plan needs, and of what this side could make patches against,
    /// the best first; answered by `Missing`.
    Offer {
        blobs: Vec<String>,
        bases: Vec<String>,
    },
    /// Followed by `packed_bytes` raw bytes, which unpack to `bytes`.
    Blob {
        #[serde(deserialize_with = "checked::<_, Sha256>")]
        sha256: String,
        bytes: usize,
        packed_bytes: usize,
        /// Whether they are a patch against the base that `Missing` named.
        patch: bool,
    },
    Run(Box<Plan<Task>>),
    /// End the run that was cut off.
    Resume(Claim),
    /// Undo the run that was cut off.
    Abort(Claim),
    /// Tell the newest run from its start.
    Attach,
    /// Turn back before the next step, if that is still possible.
    Halt,
    /// This connection was made after that run, and the site answers: answered by `Disarmed`.
    Disarm {
        run: String,
        by: Claim,
    },
    /// How far this side's mirror of the audit goes: `Audit` comes before the last word of what is asked for
    /// next.
    Mirror(Head),
    /// The audit behind that head: answered by `Audit`.
    Audit(Head),
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
    Missing {
        blobs: Vec<String>,
        /// The first of the offered bases that is here and whole.
        base: Option<String>,
    },
    Disarmed,
    Audit(AuditDelta),
    Event(Box<Event>),
    /// Another run holds the host.
    Locked(Holder),
    /// The agent cannot go on.
    Stop(ErrorInfo),
}

/// What an audit has behind a head.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditDelta {
    /// These bytes, packed and in base64.
    Bytes { packed: String, bytes: usize },
    /// The head is not in it.
    Other,
}

/// A host that is not to be trusted must not take this machine's memory: hundreds of years of lines.
const MOST: usize = 1 << 30;

impl AuditDelta {
    /// # Errors
    /// When the bytes cannot be packed.
    pub fn of(bytes: Option<&[u8]>) -> Result<Self> {
        let Some(bytes) = bytes else {
            return Ok(AuditDelta::Other);
        };
        Ok(AuditDelta::Bytes {
            packed: STANDARD.encode(pack::pack(bytes, &[])?),
            bytes: bytes.len(),
        })
    }

    /// The bytes; `None` when the head is not in the audit.
    ///
    /// # Errors
    /// When they did not come whole.
    pub fn bytes(&self) -> Result<Option<Vec<u8>>> {
        let AuditDelta::Bytes { packed, bytes } = self else {
            return Ok(None);
        };
        anyhow::ensure!(
            *bytes <= MOST,
            "the host announces {bytes} bytes of audit, which is too much"
        );
        let packed = STANDARD
            .decode(packed)
            .context("the received audit is incomplete")?;
        pack::unpack(&packed, &[], *bytes).map(Some)
    }
}
