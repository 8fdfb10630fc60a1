//! The audit of a host: who did what and when, one line a begin and one an end of every run that changes
//! something. Each line holds the hash of the one before it, so that none can be edited, taken out or
//! moved without a trace (docs/decisions/0011-audit.md).

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

mod chain;
mod record;

pub use chain::{Checked, Flaw, check, compare, other_chain};
pub use record::Record;

use crate::blob;
use crate::error::Fault;
use crate::event::now;
use crate::journal;
use crate::plan::Claim;
use crate::system::System;

use chain::Link;

/// One JSON object a line. It is never rotated: a chain has one beginning.
pub const PATH: &str = "/var/log/citrino/audit.ndjson";

/// What stands before the first line.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What came before a line of the chain is looked for in this many bytes at the end, then in all.
const TAIL_BYTES: u64 = 1 << 17;

/// What a line is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
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
    /// What a crash left of a line stands before this one.
    Torn,
    /// A word of a later version.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Did {
    /// Whether a run is at work from this line on.
    fn opens(self) -> bool {
        matches!(self, Did::Begun | Did::Resumed | Did::Aborted)
    }

    fn closes(self) -> bool {
        matches!(self, Did::Ended | Did::Failed | Did::Undone | Did::Halted)
    }
}

/// What was done, by the names of steps: no content, no output of programs, no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    pub did: Did,
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
    pub code: Option<String>,
    /// The release that the run brought live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
    /// What became of the run before, whose end is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What is between the line before and this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torn: Option<Torn>,
}

/// Bytes that are no line: a crash came while one was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Torn {
    pub bytes: usize,
    pub sha256: String,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub n: u64,
    pub at: String,
    pub stack: String,
    pub run: String,
    pub verb: String,
    /// `user@machine`
    pub who: String,
    #[serde(flatten)]
    pub deed: Deed,
    /// The hash of the line before.
    pub prev: String,
    /// The sha256 of this line without this field: its text up to here, and `}`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
}

impl Line {
    /// One sentence for people.
    pub fn told(&self) -> String {
        let deed = &self.deed;
        let who = format!("{}  {} by {}", self.at, self.verb, self.who);
        let step = || deed.step.as_deref().unwrap_or("a step");
        let code = deed.code.as_deref().unwrap_or("E0001");
        let what = match deed.did {
            Did::Begun => format!("{who} begun, run {}", self.run),
            Did::Resumed => format!("{who} resumes run {}", self.run),
            Did::Aborted => format!("{who} aborts run {}", self.run),
            Did::Ended => format!("{who} ended"),
            Did::Failed => format!("{who} failed at \"{}\" ({code})", step()),
            Did::Undone => format!("{who} undone after \"{}\"", step()),
            Did::Halted => format!("{who} halted before \"{}\", and undone", step()),
            Did::Disarmed => format!("{who} came back after run {}", self.run),
            Did::Torn => format!("{who} found a torn line"),
            Did::Unknown => format!("{who} did what a later version knows"),
        };
        let names = |word: &str, names: &[String]| match names {
            [] => String::new(),
            names => format!("; {word} \"{}\"", names.join("\", \"")),
        };
        let live = deed.live.as_ref().map(|live| format!("; {live} is live"));
        let found = deed
            .found
            .as_ref()
            .map(|found| format!("; before it {found}"));
        [
            what,
            names("changed", &deed.changed),
            names("put back", &deed.undone),
            live.unwrap_or_default(),
            found.unwrap_or_default(),
        ]
        .concat()
        // Whoever wrote the file could else write on the terminal too.
        .replace(char::is_control, "\u{fffd}")
    }

    /// As it stands in the file, without its end of line.
    ///
    /// # Errors
    /// Never, as far as is known: there is nothing in it that JSON could not hold.
    pub fn sealed(mut self) -> Result<(String, String)> {
        self.hash.clear();
        let body = serde_json::to_string(&self)?;
        let hash = blob::sha256(body.as_bytes());
        let open = body.strip_suffix('}').unwrap_or(&body);
        Ok((format!("{open},\"hash\":\"{hash}\"}}"), hash))
    }
}

/// How far a chain goes: its last line, and the bytes up to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub n: u64,
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

/// Where the next line goes.
struct End {
    last: Option<Line>,
    n: u64,
    hash: String,
    /// What stands behind the last line and is none.
    torn: Option<Torn>,
    /// Whether the file ends within a line.
    open: bool,
}

/// Adds a line; it is on disk when this returns. Whoever calls holds the lock of the host.
///
/// # Errors
/// E0523 when it could not be written.
pub fn write(system: &System, stack: &str, claim: &Claim, deed: Deed) -> Result<()> {
    append(system, stack, claim, deed).map_err(|error| {
        Fault::new(
            "E0523",
            format!("the audit of the host could not be written: {error:#}"),
        )
        .hint("act on the message; free space on the host is the usual want")
        .into()
    })
}

fn append(system: &System, stack: &str, claim: &Claim, mut deed: Deed) -> Result<()> {
    let mut file = open(system)?;
    let end = end(&mut file)?;
    deed.found = match &end.last {
        Some(last) if last.deed.did.opens() && !(deed.did.closes() && last.run == claim.run) => {
            Some(cut_off(system, last)?)
        }
        _ => None,
    };
    let mut line = Line {
        n: end.n,
        at: now(),
        stack: stack.to_owned(),
        run: claim.run.clone(),
        verb: claim.verb.clone(),
        who: claim.who.clone(),
        deed: Deed::default(),
        prev: String::new(),
        hash: end.hash,
    };
    let mut text = if end.open { "\n" } else { "" }.to_owned();
    let torn = end.torn.map(|torn| Deed {
        did: Did::Torn,
        torn: Some(torn),
        ..Deed::default()
    });
    for deed in torn.into_iter().chain([deed]) {
        line = Line {
            n: line.n + 1,
            deed,
            prev: line.hash.clone(),
            ..line
        };
        let (sealed, hash) = line.clone().sealed()?;
        text += &sealed;
        text.push('\n');
        line.hash = hash;
    }
    file.write_all(text.as_bytes())?;
    Ok(file.sync_data()?)
}

fn open(system: &System) -> Result<File> {
    let path = system.path(PATH);
    let folder = path.parent().context("the audit has no folder")?;
    fs::create_dir_all(folder)?;
    let is_new = !path.exists();
    let file = OpenOptions::new()
        .read(true)
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)?;
    if is_new {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

fn end(file: &mut File) -> Result<End> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL_BYTES);
    let mut bytes = read_from(file, from)?;
    if from > 0 {
        // The first line of a tail is cut.
        let cut = bytes.iter().position(|byte| *byte == b'\n');
        bytes.drain(..cut.map_or(bytes.len(), |at| at + 1));
        if !lines(&bytes).any(|line| Link::read(line).is_some()) {
            bytes = read_from(file, 0)?;
        }
    }
    Ok(end_of(&bytes))
}

fn read_from(file: &mut File, from: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The lines with their ends; the last may have none.
fn lines(bytes: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

/// A crash leaves an end that is no line. A line that was damaged and has its end is left as it is, with
/// its number: to close it as torn would heal what somebody did.
fn end_of(bytes: &[u8]) -> End {
    let open = bytes.last().is_some_and(|last| *last != b'\n');
    let mut end = End {
        last: None,
        n: 0,
        hash: NOTHING.to_owned(),
        torn: None,
        open,
    };
    let (mut behind, mut damaged) = (0, 0);
    for line in lines(bytes).rev() {
        let whole = line.ends_with(b"\n");
        if let Some(link) = Link::read(line).filter(|link| whole || link.sound) {
            end.last = serde_json::from_slice(line).ok();
            (end.n, end.hash) = (link.n, link.hash);
            break;
        }
        behind += line.len();
        damaged += 1;
    }
    if open && behind > 0 {
        end.torn = Some(Torn::of(&bytes[bytes.len() - behind..]));
    } else {
        end.n += damaged;
    }
    end
}

impl Torn {
    fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len(),
            sha256: blob::sha256(bytes),
        }
    }
}

/// What the journal knows of a run whose end is not in the audit.
fn cut_off(system: &System, last: &Line) -> Result<String> {
    let run = format!("{} by {} (run {})", last.verb, last.who, last.run);
    let journal = journal::last_run(system)?.filter(|known| known.run == last.run);
    Ok(match journal {
        Some(known) if known.end.is_some() => format!("{run} ended, which was not noted here"),
        Some(known) => format!("{run} was cut off at \"{}\"", known.step),
        None => format!("{run} was cut off"),
    })
}

/// How far the whole lines of a chain go; `None` when the last of them cannot be read.
///
/// # Errors
/// When the file cannot be read.
pub fn head(file: &mut File) -> std::io::Result<Option<Head>> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL_BYTES);
    let bytes = read_from(file, from)?;
    let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
        return Ok((from == 0).then(Head::default));
    };
    let last = lines(&bytes[..=end]).next_back().and_then(Link::read);
    Ok(last.map(|link| Head {
        n: link.n,
        hash: link.hash,
        bytes: from + end as u64 + 1,
    }))
}

/// The chain behind a head as its bytes are; `None` when that head is not in it.
///
/// # Errors
/// When it cannot be read.
pub fn since(system: &System, head: &Head) -> Result<Option<Vec<u8>>> {
    let mut file = match File::open(system.path(PATH)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok((head.bytes == 0).then(Vec::new));
        }
        Err(error) => return Err(error).context("could not read the audit of the host"),
    };
    let tail = head.bytes.saturating_sub(TAIL_BYTES);
    Ok(match behind(&mut file, head, tail)? {
        None if tail > 0 => behind(&mut file, head, 0)?,
        found => found,
    })
}

/// Reads from an offset on, where the line that ends at the head begins.
fn behind(file: &mut File, head: &Head, from: u64) -> Result<Option<Vec<u8>>> {
    let mut bytes = read_from(file, from)?;
    let known = usize::try_from(head.bytes - from)?;
    if bytes.len() < known {
        return Ok(None);
    }
    let new = bytes.split_off(known);
    let fits = match lines(&bytes).next_back() {
        None => true,
        Some(line) => {
            line.ends_with(b"\n") && Link::read(line).is_some_and(|link| link.hash == head.hash)
        }
    };
    Ok(fits.then_some(new))
}
