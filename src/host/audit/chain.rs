//! Whether a chain is whole: pure, so that the operator's side can ask it of what a host sends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;

use crate::core::audit::{Head, Torn, lines};
use crate::core::digest;
use crate::core::error::{Code, Fault};

/// What a line can be numbered by: there is always a next one.
const NUMBERS: std::ops::RangeInclusive<u64> = 1..=1 << 53;

/// More are not told one by one.
const TOLD: usize = 10;

/// What a line says of its place.
#[derive(Debug, Deserialize)]
pub struct ChainLink {
    pub n: u64,
    pub at: String,
    pub prev: String,
    pub hash: String,
    #[serde(default)]
    torn: Option<Torn>,
    /// Whether its hash is that of its content.
    #[serde(skip)]
    pub sound: bool,
}

impl ChainLink {
    /// `None` for what is no line at all.
    pub fn read(line: &[u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut link: ChainLink = serde_json::from_slice(line).ok()?;
        if !NUMBERS.contains(&link.n) {
            return None;
        }
        // By its very bytes: what a later version adds to a line is hashed too.
        let seal = format!(",\"hash\":\"{}\"}}", link.hash);
        link.sound = line
            .strip_suffix(seal.as_bytes())
            .is_some_and(|open| digest::sha256(&[open, b"}"].concat()) == link.hash);
        Some(link)
    }
}

/// What is wrong with a line, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    Edited(u64),
    Unreadable(u64),
    /// From the first to the last of them.
    Removed(u64, u64),
    Reordered(u64),
    Doubled(u64),
    /// It names torn bytes, and others stand before it.
    NotAsTorn(u64),
    /// It does not hold the hash of the line before it, and both are sound in themselves.
    Unlinked(u64),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Edited(n) => write!(
                f,
                "line {n} was edited: its hash does not match its content"
            ),
            Flaw::Unreadable(n) => write!(f, "line {n} was edited: it cannot be parsed"),
            Flaw::Removed(n, last) if n == last => write!(f, "line {n} was removed"),
            Flaw::Removed(n, last) => write!(f, "lines {n} to {last} were removed"),
            Flaw::Reordered(n) => write!(f, "line {n} was reordered: it comes after a later one"),
            Flaw::Doubled(n) => write!(f, "line {n} appears twice"),
            Flaw::NotAsTorn(n) => {
                write!(
                    f,
                    "line {n} describes an incomplete line before it that does not match"
                )
            }
            Flaw::Unlinked(n) => write!(
                f,
                "line {n} does not follow the line before it: one of them was edited and rehashed"
            ),
        }
    }
}

/// What a chain is, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many lines there are.
    pub lines: usize,
    /// When the first was written.
    pub since: Option<String>,
    pub head: Head,
    pub flaws: Vec<Flaw>,
    /// Torn lines that a later run has closed: the number of the line that says so, and the bytes.
    pub closed: Vec<(u64, usize)>,
    /// How many bytes behind the last line are none.
    pub torn: usize,
}

impl Checked {
    /// # Errors
    /// E0520 when a line is not as it was written.
    pub fn unbroken(&self, whose: &str) -> Result<(), Fault> {
        if self.flaws.is_empty() {
            return Ok(());
        }
        let mut told: Vec<String> = self.flaws.iter().take(TOLD).map(Flaw::to_string).collect();
        if self.flaws.len() > TOLD {
            told.push(format!("and {} more", self.flaws.len() - TOLD));
        }
        let message = format!("{whose} is broken: {}", told.join("; "));
        Err(Fault::new(Code::E0520, message)
            .hint("keep the host's file and the copies on the machines of all operators, and find out who could write to it (`citrino-ops explain E0520`)"))
    }

    /// # Errors
    /// E0520 when a line is not as it was written, E0521 when only the last is torn.
    pub fn sound(&self, whose: &str) -> Result<(), Fault> {
        self.unbroken(whose)?;
        if self.torn == 0 {
            return Ok(());
        }
        let message = format!(
            "the last line of {whose} is incomplete: {} bytes after line {} are not a line",
            self.torn, self.head.n
        );
        Err(Fault::new(Code::E0521, message)
            .hint("the host crashed while it was written, or it is being written now; the next run that changes something closes it"))
    }
}

/// Looks at every line of a chain, or of what follows a head of it.
pub fn check(bytes: &[u8], from: &Head) -> Checked {
    let mut checked = Checked {
        head: from.clone(),
        ..Checked::default()
    };
    let mut seen = Vec::new();
    let mut pending: Vec<&[u8]> = Vec::new();
    for line in lines(bytes) {
        let link = ChainLink::read(line);
        if !line.ends_with(b"\n") {
            // A line that only lacks its end is whole, and gets it with the next one.
            let whole = link.is_some_and(|link| link.sound);
            checked.torn = if whole { 0 } else { line.len() };
            continue;
        }
        checked.head.bytes += line.len() as u64;
        let Some(link) = link else {
            pending.push(line);
            continue;
        };
        checked.head.n = link.n;
        checked.head.hash.clone_from(&link.hash);
        match &link.torn {
            Some(torn) if link.sound && *torn == region(&pending) => {
                checked.closed.push((link.n, torn.bytes));
            }
            Some(_) if link.sound => checked.flaws.push(Flaw::NotAsTorn(link.n)),
            _ => seen.extend(pending.iter().map(|_| None)),
        }
        pending.clear();
        checked.since.get_or_insert_with(|| link.at.clone());
        seen.push(Some(link));
    }
    if checked.torn > 0 {
        // A crash while a torn end was closed leaves more than one of them.
        let behind: usize = pending.drain(..).map(<[u8]>::len).sum();
        checked.torn += behind;
        checked.head.bytes -= behind as u64;
    }
    seen.extend(pending.iter().map(|_| None));
    checked.lines = seen.len();
    checked.flaws.extend(flaws(&seen, from));
    checked
}

/// What a closing line names: the bytes before it, without the end that it gave them itself.
fn region(pending: &[&[u8]]) -> Torn {
    let bytes = pending.concat();
    Torn::of(bytes.strip_suffix(b"\n").unwrap_or(&bytes))
}

/// `None` stands for a line that cannot be read.
fn flaws(seen: &[Option<ChainLink>], from: &Head) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let mut sound: BTreeMap<u64, &ChainLink> = BTreeMap::new();
    let mut damaged = BTreeSet::new();
    let mut before = from.n;
    for (index, link) in seen.iter().enumerate() {
        match link {
            Some(link) if link.sound => {
                let last = sound.last_key_value().map(|(n, _)| *n);
                if sound.contains_key(&link.n) {
                    flaws.push(Flaw::Doubled(link.n));
                } else if last.is_some_and(|last| link.n < last) {
                    flaws.push(Flaw::Reordered(link.n));
                }
                sound.entry(link.n).or_insert(link);
                before = link.n;
            }
            _ => {
                // Its own word for its number counts only where there is room for it.
                let next = seen[index..].iter().flatten().find(|link| link.sound);
                let own = link.as_ref().map(|link| link.n);
                let room = |n: &u64| next.is_some_and(|next| (before + 1..next.n).contains(n));
                before = own.filter(room).unwrap_or(before + 1);
                damaged.insert(before);
                flaws.push(match link {
                    Some(_) => Flaw::Edited(before),
                    None => Flaw::Unreadable(before),
                });
            }
        }
    }
    flaws.extend(gaps(&sound, &damaged, from));
    for (n, link) in &sound {
        let prev = match n.checked_sub(1) {
            Some(prev) if prev == from.n => Some(&from.hash),
            Some(prev) => sound.get(&prev).map(|link| &link.hash),
            None => None,
        };
        if prev.is_some_and(|prev| *prev != link.prev) {
            flaws.push(Flaw::Unlinked(*n));
        }
    }
    flaws
}

/// Numbers between the first and the last that no line has.
fn gaps(sound: &BTreeMap<u64, &ChainLink>, damaged: &BTreeSet<u64>, from: &Head) -> Vec<Flaw> {
    let mut gaps = Vec::new();
    let there: BTreeSet<u64> = sound.keys().chain(damaged).copied().collect();
    let mut before = from.n;
    for n in there {
        if n > before + 1 {
            gaps.push(Flaw::Removed(before + 1, n - 1));
        }
        before = n;
    }
    gaps
}

/// Compares the chain of a host with what was seen of it earlier.
///
/// # Errors
/// E0522 when what was seen is not its beginning any more.
pub fn compare(host: &[u8], mirror: &[u8]) -> Result<(), Fault> {
    if host.starts_with(mirror) {
        return Ok(());
    }
    let same = lines(host)
        .zip(lines(mirror))
        .take_while(|(host, mirror)| host == mirror)
        .count();
    let (ours, theirs) = (lines(mirror).count(), lines(host).count());
    let is_cut = same == theirs || (same + 1 == theirs && !host.ends_with(b"\n"));
    let message = if is_cut {
        format!(
            "the host's audit log was truncated: it ends with line {same}, but this machine has seen {ours}"
        )
    } else {
        format!(
            "the host's audit log differs from this machine's copy at line {}",
            same + 1
        )
    };
    Err(other_chain(message))
}

/// A chain that does not go on from what was seen of it.
pub fn other_chain(message: impl Into<String>) -> Fault {
    Fault::new(Code::E0522, message).hint("another operator rebuilt the host (then `citrino-ops audit accept`), or somebody with root access changed its audit log: find out which first (`citrino-ops explain E0522`)")
}
