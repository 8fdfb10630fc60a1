//! What a run tells: the same stream feeds the terminal, `--json` and the host's journal.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::audit::Line;
use super::code::Code;
use super::datum::Datum;
use super::plain;
use super::plan::{Plan, Purpose, StepId};
use super::value::HostName;

/// What making a wish so does to the thing that it is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Create,
    /// It stays, and is put right.
    #[default]
    Change,
    /// It is made anew, and loses what it holds.
    Replace,
    Delete,
    /// It is there and becomes ours.
    Adopt,
}

/// What is done to a unit of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitAct {
    Start,
    Stop,
    Restart,
    Reload,
    /// What it runs starts in another unit beside it, which takes over.
    HandOver,
}

/// What bringing a step about does beside its own change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitEffect {
    pub act: UnitAct,
    pub unit: String,
    /// Whether the site does not answer meanwhile.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupts: bool,
}

/// What differs between a wish and the world.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    #[serde(default)]
    pub act: Act,
    /// One sentence fragment a difference, such as `mode is 0644, wished 0600`.
    pub what: Vec<String>,
    /// Absent in what an earlier version wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<UnitEffect>,
    /// A unified diff, for content that is text and no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// A measured value beside the limit that it must keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    pub value: f64,
    pub unit: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
}

/// An error as it is told: code, sentences from the outermost cause inwards, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorInfo {
    pub code: Code,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ErrorInfo {
    /// The same with at most so many characters in each of its texts.
    pub fn shortened(&self, most: usize) -> Self {
        let hint = self.hint.as_ref();
        Self {
            code: self.code,
            message: plain::at_most(&self.message, most).into_owned(),
            hint: hint.map(|hint| plain::at_most(hint, most).into_owned()),
        }
    }
}

impl Change {
    /// The same with at most so many characters in all of its differences together.
    fn shortened(&self, most: usize) -> Self {
        let differences = self.what.join("; ");
        Self {
            act: self.act,
            what: vec![plain::at_most(&differences, most).into_owned()],
            effects: self.effects.clone(),
            diff: self
                .diff
                .as_ref()
                .map(|diff| plain::at_most(diff, most).into_owned()),
        }
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Already in the desired state; nothing was done.
    Same,
    /// Brought to the desired state.
    Changed,
    /// Differs, and is left alone because the run only checks.
    Differs,
    /// Could not be brought to the desired state.
    Failed,
}

/// Where a step belongs and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    #[serde(default, skip_serializing_if = "StepId::is_none")]
    pub id: StepId,
    /// The playbook, or the part of a verb's plan.
    pub part: String,
    pub name: String,
    /// True for the steps that undo after a failure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undo: bool,
}

impl Label {
    /// What a part's column has room for.
    pub const PART_WIDTH: usize = 9;
}

/// A point in a run: when, in which one, and on which host that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPoint {
    pub at: String,
    pub run: String,
    /// Absent for the cloud, and in journals of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,
}

impl RunPoint {
    /// Now, in the run of this plan.
    pub fn of<T>(plan: &Plan<T>) -> Self {
        Self {
            at: now(),
            run: plan.run.clone(),
            host: plan.host.clone(),
        }
    }

    /// Now, in the same run.
    pub fn later(&self) -> Self {
        Self {
            at: now(),
            ..self.clone()
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Start {
        #[serde(flatten)]
        point: RunPoint,
        stack: String,
        verb: String,
        who: String,
        /// Absent in journals of an older release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        purpose: Option<Purpose>,
        steps: usize,
        /// False when the run only looks.
        applies: bool,
        /// What whoever began it says of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    Begin {
        #[serde(flatten)]
        point: RunPoint,
        n: usize,
        #[serde(flatten)]
        label: Label,
    },
    Step {
        #[serde(flatten)]
        point: RunPoint,
        n: usize,
        #[serde(flatten)]
        label: Label,
        state: StepState,
        took_ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<Change>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        figure: Option<Figure>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<ErrorInfo>,
    },
    /// The operator asked the run to stop, and this step was not begun.
    Halted {
        #[serde(flatten)]
        point: RunPoint,
        n: usize,
        name: String,
    },
    /// What users saw while a plan ran, as measured by asking all the time.
    Outage {
        #[serde(flatten)]
        point: RunPoint,
        #[serde(flatten)]
        outage: Outage,
    },
    /// The end of a run in one world (the cloud, a host).
    End {
        #[serde(flatten)]
        point: RunPoint,
        #[serde(flatten)]
        tally: Counts,
    },
    /// The operator has read the end of a run; it stands in the journal only.
    Heard {
        #[serde(flatten)]
        point: RunPoint,
    },
    /// Something that was asked for. No host tells any: a list is made on this side.
    #[serde(skip_deserializing)]
    Datum {
        at: String,
        #[serde(flatten)]
        datum: Datum,
    },
    /// Content was sent to the host: how many bytes on the way, and what they became there.
    Sent {
        at: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<HostName>,
        sha256: String,
        bytes: u64,
        of_bytes: u64,
        /// The release that it was a patch against.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<String>,
    },
    /// A line of the host's audit.
    Audit(Box<Line>),
    /// Something is wrong that the run itself does not suffer from.
    Alarm {
        at: String,
        #[serde(flatten)]
        error: ErrorInfo,
    },
    /// Something worth a line that is no step.
    Note { at: String, text: String },
    /// The last line of every command with `--json`.
    Summary {
        at: String,
        verb: String,
        exit: u8,
        #[serde(flatten)]
        tally: Counts,
        /// Of releases, as they went over the wire.
        sent_bytes: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<ErrorInfo>,
    },
}

/// Where requests are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    #[default]
    Host,
    Operator,
}

/// The answers to requests that were made all the time while a plan ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    pub side: Side,
    pub requests: u64,
    pub failed: u64,
    /// Whether a request failed before the first good answer: what did not serve before is no outage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_silent: bool,
    /// The longest time without a good answer.
    pub longest_gap_ms: u64,
    /// What was wrong with the first that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
}

/// How many steps ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub same: usize,
    pub changed: usize,
    pub differs: usize,
    pub failed: usize,
    /// Steps that a failure kept from being tried.
    pub skipped: usize,
    pub took_ms: u64,
}

impl Counts {
    pub fn count(&mut self, state: StepState) {
        match state {
            StepState::Same => self.same += 1,
            StepState::Changed => self.changed += 1,
            StepState::Differs => self.differs += 1,
            StepState::Failed => self.failed += 1,
        }
    }

    /// The tallies of two worlds as one.
    pub fn add(&mut self, other: Counts) {
        self.same += other.same;
        self.changed += other.changed;
        self.differs += other.differs;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.took_ms += other.took_ms;
    }
}

/// Now, as RFC 3339 in UTC with whole seconds.
pub fn now() -> String {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_nanosecond(0).unwrap_or(now);
    now.format(&Rfc3339).unwrap_or_default()
}

impl Event {
    /// The same with at most so many characters in what programs and files say of a step.
    pub fn shortened(&self, most: usize) -> Self {
        let mut event = self.clone();
        match &mut event {
            Event::Step { change, error, .. } => {
                *change = change.as_ref().map(|change| change.shortened(most));
                *error = error.as_ref().map(|error| error.shortened(most));
            }
            Event::Alarm { error, .. } => *error = error.shortened(most),
            _ => {}
        }
        event
    }

    pub fn note(text: impl Into<String>) -> Self {
        Event::Note {
            at: now(),
            text: text.into(),
        }
    }

    pub fn alarm(error: ErrorInfo) -> Self {
        Event::Alarm { at: now(), error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::plan::Claim;

    #[test]
    fn an_event_of_a_run_on_a_host_names_the_host_and_one_of_the_cloud_none() {
        let claim = Claim::new("r", "converge", "ana");
        let host: HostName = "web-1".parse().unwrap();
        for (host, named) in [(Some(host), Some("web-1")), (None, None)] {
            let plan = Plan::<()>::new(claim.clone().on_host(host), Vec::new());
            let event = Event::Heard {
                point: RunPoint::of(&plan),
            };
            let told = serde_json::to_value(&event).unwrap();
            assert_eq!(
                (&told["event"], &told["run"]),
                (&"heard".into(), &"r".into())
            );
            assert_eq!(told.get("host").and_then(|host| host.as_str()), named);
            let read: Event = serde_json::from_value(told).unwrap();
            assert_eq!(read, event);
        }
    }

    #[test]
    fn an_event_of_an_earlier_version_has_no_host() {
        let text = r#"{"event":"step","at":"2026-01-02T03:04:05Z","run":"r","n":3,"part":"nginx",
            "name":"nginx configuration","state":"changed","took_ms":7}"#;
        let Event::Step {
            point, n, label, ..
        } = serde_json::from_str(text).unwrap()
        else {
            panic!("{text}")
        };
        assert_eq!((point.run.as_str(), point.host, n), ("r", None, 3));
        assert_eq!(label.part, "nginx");
    }

    #[test]
    fn a_host_cannot_be_called_by_what_is_no_name() {
        let text = r#"{"event":"heard","at":"","run":"r","host":"../x"}"#;
        assert!(serde_json::from_str::<Event>(text).is_err());
    }
}
