//! A verb as data: the wishes in order, and the wishes that undo.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::http::HttpRequest;
use super::value::{HostName, TextLine};

/// By what the code knows a step: names are for people, and change. A step that nothing has to
/// recognise has none. Whoever makes such steps keeps their ids as constants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(Cow<'static, str>);

impl StepId {
    pub const fn new(id: &'static str) -> Self {
        Self(Cow::Borrowed(id))
    }

    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

/// One wish with its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step<T> {
    /// Absent in plans that were kept by an older release.
    #[serde(default, skip_serializing_if = "StepId::is_none")]
    pub id: StepId,
    /// The playbook or the part of the verb that the step belongs to.
    pub part: String,
    /// The wish as a sentence: "nginx runs".
    pub name: String,
    /// Whether it could lock its own operator out, or take the site down: the dead man's switch is
    /// armed before it changes anything.
    #[serde(default)]
    pub guard: bool,
    pub task: T,
}

/// Whether a run applies the desired state or only reports what differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Check,
    Apply,
}

/// What a run is for, where that decides something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A command of an operator, whose Ctrl-C makes the host turn back.
    #[default]
    Command,
    /// One part of such a command: Ctrl-C is for the command as a whole.
    Part,
    /// What a timer starts with nobody there.
    Timer,
    /// The dead man's switch puts back what a run had changed.
    WayBack,
}

/// A run that was seen, and whether it was over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub run: String,
    pub ended: bool,
}

/// How many seconds the host waits under its lock for programs of the operator; none where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookWaits {
    /// Before the first step.
    #[serde(default)]
    pub before_s: Option<u32>,
    /// After the last one.
    #[serde(default)]
    pub after_s: Option<u32>,
}

impl HookWaits {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Who wants to change a world, for others who want the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub run: String,
    pub verb: String,
    /// `user@machine`
    pub who: String,
    /// The host whose world it is. Absent for the cloud, and in what an earlier version kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan<T> {
    /// Names the run in the journal.
    pub run: String,
    pub stack: String,
    /// The host that it is for. Absent for the cloud, and in plans that an earlier version kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,
    pub verb: String,
    /// Who asks: `user@machine`.
    pub who: String,
    pub mode: Mode,
    #[serde(default)]
    pub purpose: Purpose,
    /// The newest run of the world, as it was when this plan was made for it: another one since
    /// then may have changed what the plan rests on.
    #[serde(default)]
    pub after: Option<Seen>,
    /// Within how many seconds after its end somebody must come back when a guarded step changed
    /// something; none when nobody would.
    #[serde(default)]
    pub guard_s: Option<u64>,
    pub steps: Vec<Step<T>>,
    /// Wished, in order, when a step fails.
    pub on_failure: Vec<Step<T>>,
    /// How many steps can still be undone: with the one after them the plan only goes on. All of
    /// them when it is not said.
    #[serde(default)]
    pub no_return: Option<usize>,
    /// Whether it makes the host as this version of the tool has it: no older one may change the host any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub converges: bool,
    /// Whether it may run while the host is locked until somebody unlocks it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_freeze: bool,
    /// What the operator's own programs take of the time under the host's lock.
    #[serde(default, skip_serializing_if = "HookWaits::is_none")]
    pub waits: HookWaits,
    /// What whoever began it says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<TextLine>,
    /// What is asked over and over while the plan runs, so that nobody has to guess whether users
    /// noticed it.
    #[serde(default)]
    pub watch: Vec<HttpRequest>,
}

impl Claim {
    pub fn new(run: impl Into<String>, verb: impl Into<String>, who: impl Into<String>) -> Self {
        Self {
            run: run.into(),
            verb: verb.into(),
            who: who.into(),
            host: None,
        }
    }

    /// The same for the world of a host.
    pub fn on_host(mut self, host: Option<HostName>) -> Self {
        self.host = host;
        self
    }

    pub fn of<T>(plan: &Plan<T>) -> Self {
        Self::new(&plan.run, &plan.verb, &plan.who).on_host(plan.host.clone())
    }
}

impl<T> Plan<T> {
    /// A plan that applies its steps and has no undo. What else a plan may have is set on it.
    pub fn new(claim: Claim, steps: Vec<Step<T>>) -> Self {
        Self {
            run: claim.run,
            stack: String::new(),
            host: claim.host,
            verb: claim.verb,
            who: claim.who,
            mode: Mode::Apply,
            purpose: Purpose::default(),
            after: None,
            guard_s: None,
            steps,
            on_failure: Vec::new(),
            no_return: None,
            converges: false,
            in_freeze: false,
            waits: HookWaits::default(),
            note: None,
            watch: Vec::new(),
        }
    }

    pub fn of_stack(mut self, stack: impl Into<String>) -> Self {
        self.stack = stack.into();
        self
    }

    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    pub fn in_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    pub fn or_else(mut self, on_failure: Vec<Step<T>>) -> Self {
        self.on_failure = on_failure;
        self
    }

    /// Whether the plan turns back when the step at this index fails, or may not begin.
    pub fn turns_back(&self, index: usize) -> bool {
        self.no_return.is_none_or(|point| index < point)
    }
}

impl<T> Step<T> {
    pub fn new(part: impl Into<String>, name: impl Into<String>, task: impl Into<T>) -> Self {
        Self {
            id: StepId::default(),
            part: part.into(),
            name: name.into(),
            guard: false,
            task: task.into(),
        }
    }

    /// The same step, to be known by this id.
    pub fn with_id(mut self, id: StepId) -> Self {
        self.id = id;
        self
    }
}

impl<T> Plan<T> {
    /// The same plan with other tasks.
    pub fn map<'p, U>(&'p self, task: impl Fn(&'p Step<T>) -> U) -> Plan<U> {
        let map = |steps: &'p [Step<T>]| {
            let step = |step: &'p Step<T>| Step {
                id: step.id.clone(),
                part: step.part.clone(),
                name: step.name.clone(),
                guard: step.guard,
                task: task(step),
            };
            steps.iter().map(step).collect()
        };
        Plan {
            stack: self.stack.clone(),
            mode: self.mode,
            purpose: self.purpose,
            after: self.after.clone(),
            guard_s: self.guard_s,
            on_failure: map(&self.on_failure),
            no_return: self.no_return,
            note: self.note.clone(),
            watch: self.watch.clone(),
            ..Plan::new(Claim::of(self), map(&self.steps))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_an_older_release_kept_is_read() {
        let text = r#"{"run":"r","stack":"s","verb":"restore","who":"ana@desk","mode":"apply",
            "steps":[{"part":"backup","name":"there is a backup","task":7}],"on_failure":[],
            "watch":[{"method":"GET","url":"http://x/","address":"127.0.0.1"}]}"#;
        let plan: Plan<u8> = serde_json::from_str(text).unwrap();
        assert!(plan.steps[0].id.is_none());
        assert_eq!(plan.host, None);
        assert_eq!(plan.purpose, Purpose::Command);
        assert_eq!(plan.watch[0].to_string(), "GET http://x/");
    }

    #[test]
    fn a_step_is_known_by_its_id_after_it_was_sent() {
        const ID: StepId = StepId::new("backup.safety");
        let step = Step::<u8>::new("backup", "whatever people call it", 7).with_id(ID);
        let text = serde_json::to_string(&step).unwrap();
        let read: Step<u8> = serde_json::from_str(&text).unwrap();
        assert_eq!(read.id, ID);
    }
}
