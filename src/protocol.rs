//! The words between the operator's side and the agent: JSON lines, and raw bytes for blobs.

use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::core::app_profile::AppProfile;
use crate::core::audit::{Head, lines};
use crate::core::event::{ErrorInfo, Event};
use crate::core::plan::{Claim, Plan};
use crate::core::stack_key::StackKey;
use crate::core::value::Sha256;
use crate::facts::Facts;
use crate::facts::app::Migrations;
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
        blobs: Vec<Sha256>,
        bases: Vec<Sha256>,
    },
    /// Followed by `packed_bytes` raw bytes, which unpack to `bytes`.
    Blob {
        sha256: Sha256,
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
    /// What the run waited for on this side is done: answers `Ready`.
    Begin,
    /// Turn back before the next step, if that is still possible.
    Halt,
    /// This connection was made after that run, and the site answers: answered by `Disarmed`.
    Disarm {
        run: String,
        by: Claim,
    },
    /// A person is about to work on the host, with this command: it is written down first, and answered by `Noted`.
    Session {
        stack: String,
        by: Claim,
        command: String,
    },
    /// How far this side's mirror of the audit goes: `Audit` comes before the last word of what is asked for
    /// next.
    Mirror(Head),
    /// The audit behind that head: answered by `Audit`.
    Audit(Head),
    /// The key of the stack, which this machine does not have yet: answered by `StackKey`.
    StackKey,
    /// Which migrations the release of this blob knows, asked of it in its sandbox; nothing of it stays. Answered by `Described`.
    Describe(Sha256),
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
        blobs: Vec<Sha256>,
        /// The first of the offered bases that is here and whole.
        base: Option<Sha256>,
    },
    Disarmed,
    /// The session is in the audit.
    Noted,
    /// None before the first `converge`.
    StackKey(Option<StackKey>),
    /// What the release says of its migrations, or why it could not be asked.
    Described(Result<Migrations, String>),
    Audit(AuditDelta),
    Event(Box<Event>),
    /// The lock is taken, and nothing is changed yet: the run waits for `Begin`.
    Ready,
    /// Another run holds the host.
    Locked(Holder),
    /// The agent cannot go on.
    Stop(ErrorInfo),
    /// The agent lives, and has nothing to tell: said every `ALIVE_EVERY`, so that silence means something.
    Alive,
}

/// How often the agent says that it lives.
pub const ALIVE_EVERY: Duration = Duration::from_secs(20);

/// How long a line of the agent may be, by how it begins. What is read from one takes up to forty times its length in memory,
/// when it is made for that.
pub fn longest_line(begin: &[u8]) -> usize {
    const MB: usize = 1 << 20;
    if begin.starts_with(b"{\"audit\"") {
        8 * MB
    } else if begin.starts_with(b"{\"hello\"") {
        4 * MB
    } else {
        MB
    }
}

/// What is left of a text that makes a line too long.
const SHORTENED: usize = 16 << 10;

impl FromAgent {
    /// As a line, with its end. Of what would be too long, texts are cut: the operator's side takes in no longer line.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn line(&self) -> Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        if line.len() > longest_line(&line) {
            line = match self {
                Self::Event(event) => {
                    serde_json::to_vec(&Self::Event(event.shortened(SHORTENED).into()))?
                }
                Self::Stop(error) => serde_json::to_vec(&Self::Stop(error.shortened(SHORTENED)))?,
                _ => line,
            };
        }
        line.push(b'\n');
        Ok(line)
    }

    /// What it is, for who did not expect it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "a greeting",
            Self::Missing { .. } => "a list of missing content",
            Self::Disarmed => "that the switch is off",
            Self::Noted => "that it noted a session",
            Self::StackKey(_) => "the key of the stack",
            Self::Described(_) => "which migrations a release knows",
            Self::Audit(_) => "a part of its audit",
            Self::Event(_) => "an event",
            Self::Ready => "that it waits",
            Self::Locked(_) => "that another run holds it",
            Self::Stop(_) => "that it stopped",
            Self::Alive => "that it lives",
        }
    }
}

/// What an audit has behind a head.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditDelta {
    /// These bytes, packed and in base64.
    Bytes {
        packed: String,
        bytes: usize,
        /// Whether there is more behind them: it is asked for with the head that they lead to.
        #[serde(default)]
        more: bool,
    },
    /// The head is not in it.
    Other,
}

/// What comes at a time. A host that is not to be trusted must not take this machine's memory, nor its disk.
const MOST: usize = 8 << 20;
/// The shortest line of an audit is twice as long as so many would be here.
const MOST_LINES: usize = MOST / 128;

impl AuditDelta {
    /// The first of these bytes, up to the end of a line, that go over the wire in one piece.
    ///
    /// # Errors
    /// When the bytes cannot be packed.
    pub fn of(bytes: Option<&[u8]>) -> Result<Self> {
        let Some(bytes) = bytes else {
            return Ok(AuditDelta::Other);
        };
        let first = &bytes[..bytes.len().min(MOST)];
        let more = first.len() < bytes.len();
        let end = first.iter().rposition(|byte| *byte == b'\n');
        let first = end.filter(|_| more).map_or(first, |end| &first[..=end]);
        Ok(AuditDelta::Bytes {
            packed: STANDARD.encode(pack::pack(first, &[])?),
            bytes: first.len(),
            more,
        })
    }

    /// Whether there is more behind it.
    pub fn has_more(&self) -> bool {
        matches!(self, AuditDelta::Bytes { more: true, .. })
    }

    /// The bytes; `None` when the head is not in the audit.
    ///
    /// # Errors
    /// When they did not come whole, or are more than fit in one piece.
    pub fn bytes(&self) -> Result<Option<Vec<u8>>> {
        let AuditDelta::Bytes { packed, bytes, .. } = self else {
            return Ok(None);
        };
        anyhow::ensure!(
            *bytes <= MOST,
            "the host announces {bytes} bytes of audit, which is too much"
        );
        let packed = STANDARD
            .decode(packed)
            .context("the received audit is incomplete")?;
        let unpacked = pack::unpack(&packed, &[], *bytes)?;
        let lines = lines(&unpacked).count();
        anyhow::ensure!(
            lines <= MOST_LINES,
            "the host sent {lines} lines as its audit, which are too short to be any"
        );
        Ok(Some(unpacked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::Code;
    use crate::core::event::{Change, Label, RunPoint, StepState};
    use crate::core::plan::StepId;

    fn text_of(delta: &AuditDelta) -> Vec<u8> {
        delta.bytes().unwrap().unwrap()
    }

    #[test]
    fn a_long_audit_comes_in_pieces_of_whole_lines() {
        let line = format!("{}\n", "x".repeat(1000));
        let all = line.repeat(MOST / line.len() + 7);
        let first = AuditDelta::of(Some(all.as_bytes())).unwrap();
        assert!(first.has_more());
        let begin = text_of(&first);
        assert!(begin.len() <= MOST && begin.ends_with(b"x\n"));
        let rest = AuditDelta::of(Some(&all.as_bytes()[begin.len()..])).unwrap();
        assert!(!rest.has_more());
        assert_eq!([begin, text_of(&rest)].concat(), all.as_bytes());
        // What a crash has torn comes as it is.
        let torn = AuditDelta::of(Some(b"{\"n\":1")).unwrap();
        assert_eq!(text_of(&torn), b"{\"n\":1");
    }

    #[test]
    fn an_audit_that_would_take_the_memory_is_refused() {
        let of = |bytes: &[u8], said: usize| {
            let packed = STANDARD.encode(pack::pack(bytes, &[]).unwrap());
            AuditDelta::Bytes {
                packed,
                bytes: said,
                more: false,
            }
            .bytes()
        };
        assert!(of(&vec![b'a'; MOST], MOST).is_ok());
        assert!(of(&vec![b'a'; MOST + 1], MOST + 1).is_err());
        assert!(of(&vec![b'a'; MOST], usize::MAX).is_err());
        assert!(of(&vec![b'a'; MOST], 1).is_err());
        assert!(of(&vec![b'\n'; MOST], MOST).is_err());
    }

    #[test]
    fn what_the_agent_says_is_never_too_long_for_the_other_side() {
        let long = "ä".repeat(1 << 20);
        let error = ErrorInfo {
            code: Code::E0402,
            message: long.clone(),
            hint: Some(long.clone()),
        };
        let event = Event::Step {
            point: RunPoint::default(),
            n: 1,
            label: Label {
                id: StepId::default(),
                part: "nginx".into(),
                name: "x".into(),
                undo: false,
            },
            state: StepState::Failed,
            took_ms: 1,
            change: Some(Change {
                what: vec![long.clone(); 3],
                diff: Some(long),
                ..Change::default()
            }),
            figure: None,
            error: Some(error.clone()),
        };
        for said in [FromAgent::Event(Box::new(event)), FromAgent::Stop(error)] {
            let line = said.line().unwrap();
            assert!(line.len() <= longest_line(&line), "{}", line.len());
            assert!(serde_json::from_slice::<FromAgent>(&line).is_ok());
        }
    }

    #[test]
    fn content_is_named_by_its_hash_and_nothing_else() {
        let wrong = [
            "../../x".to_owned(),
            "/tmp/x/precious".to_owned(),
            "ä".repeat(32),
            "A".repeat(64),
        ];
        for wrong in wrong {
            let missing = serde_json::json!({"missing": {"blobs": [wrong], "base": null}});
            assert!(
                serde_json::from_value::<FromAgent>(missing).is_err(),
                "{wrong}"
            );
            let missing = serde_json::json!({"missing": {"blobs": [], "base": wrong}});
            assert!(
                serde_json::from_value::<FromAgent>(missing).is_err(),
                "{wrong}"
            );
            let offer = serde_json::json!({"offer": {"blobs": [wrong], "bases": []}});
            assert!(serde_json::from_value::<ToAgent>(offer).is_err(), "{wrong}");
        }
    }
}
