//! The audit of a host: who did what and when, one line a begin and one an end of every run that changes
//! something. Each line holds the hash of the one before it, so that none can be edited, taken out or
//! moved without a trace (docs/decisions/0011-audit.md).

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::digest::sha256;
use super::plain;
use super::value::{HostName, Sha256, checked};

/// What stands before the first line.
pub const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a line is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// A run begins; nothing of it is done yet.
    Begun,
    /// A run that was cut off is gone on with.
    Resumed,
    /// A run that was cut off is undone.
    Aborted,
    Ended,
    /// A step failed, and what was done before it stays, or could not be undone.
    Failed,
    /// A step failed, and what was done before it is undone.
    Undone,
    /// The operator stopped it, and what was done is undone.
    Halted,
    /// Somebody came back over a fresh connection: the dead man's switch is called off.
    Disarmed,
    /// A person works on the host beside all runs: a command, `psql`, a forwarded port.
    Session,
    /// What a crash left of a line stands before this one.
    Torn,
    /// A word of a later version.
    #[default]
    #[serde(other)]
    Unknown,
}

impl AuditAction {
    /// Whether a run is at work from this line on.
    pub fn opens(self) -> bool {
        matches!(
            self,
            AuditAction::Begun | AuditAction::Resumed | AuditAction::Aborted
        )
    }

    pub fn closes(self) -> bool {
        matches!(
            self,
            AuditAction::Ended | AuditAction::Failed | AuditAction::Undone | AuditAction::Halted
        )
    }
}

/// What was done, by the names of steps: no content, no output of programs, no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub did: AuditAction,
    /// The steps that changed something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// The steps of the undo that changed something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<String>,
    /// The first step that failed, or the one before which the run was halted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The code of the error of that step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The release that the run brought live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
    /// What became of the run before, whose end is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What was typed to open a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What whoever began the run says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What is between the line before and this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torn: Option<Torn>,
}

/// Bytes that are no line: a crash came while one was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Torn {
    pub bytes: usize,
    #[serde(deserialize_with = "checked::<_, Sha256>")]
    pub sha256: String,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub n: u64,
    pub at: String,
    pub stack: String,
    /// Absent in lines of an earlier version, whose hashes must stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,
    pub run: String,
    pub verb: String,
    /// `user@machine`
    pub who: String,
    #[serde(flatten)]
    pub deed: AuditEntry,
    /// The hash of the line before.
    pub prev: String,
    /// The sha256 of this line without this field: its text up to here, and `}`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
}

impl Line {
    /// One sentence for people, with all names of steps or the first ones.
    pub fn told(&self, is_whole: bool) -> String {
        let deed = &self.deed;
        let who = format!("{}  {} by {}", self.at, self.verb, self.who);
        let step = || deed.step.as_deref().unwrap_or("a step");
        let code = deed.code.unwrap_or_default();
        let what = match deed.did {
            AuditAction::Begun => format!("{who} started, run {}", self.run),
            AuditAction::Resumed => format!("{who} resumed run {}", self.run),
            AuditAction::Aborted => format!("{who} aborted run {}", self.run),
            AuditAction::Ended => format!("{who} ended"),
            AuditAction::Failed => format!("{who} failed at \"{}\" ({code})", step()),
            AuditAction::Undone => format!("{who} undone after \"{}\"", step()),
            AuditAction::Halted => format!("{who} stopped before \"{}\", and undone", step()),
            AuditAction::Disarmed => format!(
                "{who} confirmed that the host can be reached after run {}",
                self.run
            ),
            AuditAction::Session => {
                let command = deed.command.as_deref().unwrap_or("a command");
                format!("{}  {} ran `{command}`", self.at, self.who)
            }
            AuditAction::Torn => format!("{who} found an incomplete line"),
            AuditAction::Unknown => format!("{who} did something that only a later version knows"),
        };
        let live = deed.live.as_ref().map(|live| format!("; {live} is live"));
        let found = deed
            .found
            .as_ref()
            .map(|found| format!("; before it {found}"));
        let note = deed.note.as_ref().map(|note| format!("; note: {note}"));
        let told = [
            what,
            note.unwrap_or_default(),
            steps("changed", &deed.changed, is_whole),
            steps("undone", &deed.undone, is_whole),
            live.unwrap_or_default(),
            found.unwrap_or_default(),
        ]
        .concat();
        // Whoever wrote the file could else write a line of the list too.
        plain::line(&told).into_owned()
    }

    /// As it stands in the file, without its end of line.
    ///
    /// # Errors
    /// Never, as far as is known: there is nothing in it that JSON could not hold.
    pub fn sealed(mut self) -> Result<(String, String)> {
        self.hash.clear();
        let body = serde_json::to_string(&self)?;
        let hash = sha256(body.as_bytes());
        let open = body.strip_suffix('}').unwrap_or(&body);
        Ok((format!("{open},\"hash\":\"{hash}\"}}"), hash))
    }
}

/// How many steps a line names.
const NAMED: usize = 3;

/// `; 46 changed: install packages, motd, sysctl, … (-v shows all)`
fn steps(word: &str, names: &[String], is_whole: bool) -> String {
    let shown = if is_whole || names.len() <= NAMED {
        names.join(", ")
    } else {
        format!("{}, … (-v shows all)", names[..NAMED].join(", "))
    };
    match names.len() {
        0 => String::new(),
        count => format!("; {count} {word}: {shown}"),
    }
}

/// How far a chain goes: its last line, and the bytes up to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub n: u64,
    #[serde(deserialize_with = "checked::<_, Sha256>")]
    pub hash: String,
    pub bytes: u64,
}

impl Default for Head {
    /// Before the first line.
    fn default() -> Self {
        Self {
            n: 0,
            hash: NOTHING.to_owned(),
            bytes: 0,
        }
    }
}

impl Torn {
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len(),
            sha256: sha256(bytes),
        }
    }
}

/// The lines with their ends; the last may have none.
pub fn lines(bytes: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}
