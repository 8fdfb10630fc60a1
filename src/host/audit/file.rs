//! The audit's file on the host: how a line comes into it, and what is read of it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use anyhow::Result;

use super::chain::ChainLink;
use crate::core::audit::{AuditAction, AuditEntry, Head, Line, NOTHING, Torn, lines};
use crate::core::error::{Code, Fault};
use crate::core::event::now;
use crate::core::plan::Claim;
use crate::host::journal;
use crate::host::own;
use crate::host::system::{OwnFile, System};

/// One JSON object a line. It is never rotated: a chain has one beginning.
pub const PATH: &str = own::AUDIT;

/// What came before a line of the chain is looked for in this many bytes at the end, then in all.
const TAIL_BYTES: u64 = 1 << 17;

/// Where the next line goes.
struct End {
    /// The last one of a run: sessions are opened beside them.
    last: Option<Line>,
    n: u64,
    hash: String,
    /// What stands behind the last line and is none.
    torn: Option<Torn>,
    /// Whether the file ends within a line.
    open: bool,
}

/// Adds a line; it is on disk when this returns. A session is opened while a run holds the host, so the file has a lock of its own,
/// for as long as a line takes.
///
/// # Errors
/// E0523 when it could not be written.
pub fn write(system: &System, stack: &str, claim: &Claim, deed: AuditEntry) -> Result<()> {
    append(system, stack, claim, deed).map_err(|error| {
        Fault::new(
            Code::E0523,
            format!("the host's audit log could not be written: {error:#}"),
        )
        .hint("act on the message; usually the host's disk is full")
        .into()
    })
}

fn append(system: &System, stack: &str, claim: &Claim, mut deed: AuditEntry) -> Result<()> {
    let mut file = open(system)?;
    file.lock()?;
    let end = end(&mut file)?;
    deed.found = match &end.last {
        _ if deed.did == AuditAction::Session => None,
        Some(last) if last.deed.did.opens() && !(deed.did.closes() && last.run == claim.run) => {
            Some(cut_off(system, last)?)
        }
        _ => None,
    };
    let mut line = Line {
        n: end.n,
        at: now(),
        stack: stack.to_owned(),
        host: claim.host.clone(),
        run: claim.run.clone(),
        verb: claim.verb.clone(),
        who: claim.who.clone(),
        deed: AuditEntry::default(),
        prev: String::new(),
        hash: end.hash,
    };
    let mut text = if end.open { "\n" } else { "" }.to_owned();
    let torn = end.torn.map(|torn| AuditEntry {
        did: AuditAction::Torn,
        torn: Some(torn),
        ..AuditEntry::default()
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
    system.open_own(PATH, OwnFile::Growing, 0o600)
}

fn end(file: &mut File) -> Result<End> {
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(TAIL_BYTES);
    let mut bytes = read_from(file, from)?;
    if from > 0 {
        // The first line of a tail is cut.
        let cut = bytes.iter().position(|byte| *byte == b'\n');
        bytes.drain(..cut.map_or(bytes.len(), |at| at + 1));
        if !lines(&bytes).any(|line| ChainLink::read(line).is_some()) {
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
    let mut before = lines(bytes).rev();
    while let Some(line) = before.next() {
        let whole = line.ends_with(b"\n");
        if let Some(link) = ChainLink::read(line).filter(|link| whole || link.sound) {
            end.last = std::iter::once(line).chain(before).find_map(of_a_run);
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

/// The line of a run; what was written for a session, or cannot be read, is none.
fn of_a_run(line: &[u8]) -> Option<Line> {
    let line: Line = serde_json::from_slice(line).ok()?;
    (line.deed.did != AuditAction::Session).then_some(line)
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
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(TAIL_BYTES);
    let bytes = read_from(file, from)?;
    let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
        return Ok((from == 0).then(Head::default));
    };
    let last = lines(&bytes[..=end]).next_back().and_then(ChainLink::read);
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
    let Some(mut file) = system.open(PATH)? else {
        return Ok((head.bytes == 0).then(Vec::new));
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
            line.ends_with(b"\n")
                && ChainLink::read(line).is_some_and(|link| link.hash == head.hash)
        }
    };
    Ok(fits.then_some(new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::audit::check;

    fn deed(did: AuditAction) -> AuditEntry {
        AuditEntry {
            did,
            ..AuditEntry::default()
        }
    }

    fn last(system: &System) -> Line {
        let text = system.read_text(PATH).unwrap().unwrap();
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }

    /// A person may work on the host while a run is at it: that neither ends the run nor hides that it was cut off.
    #[test]
    fn a_session_beside_a_run_says_nothing_of_the_run() {
        use AuditAction::{Begun, Ended, Session};
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        std::fs::create_dir_all(system.path("/var/log/citrino")).unwrap();
        let write = |run: &str, did| {
            write(&system, "s", &Claim::new(run, "deploy", "ana"), deed(did)).unwrap();
        };
        write("r1", Begun);
        write("r2", Session);
        assert_eq!(last(&system).deed.found, None);
        write("r1", Ended);
        assert_eq!(last(&system).deed.found, None);
        write("r3", Begun);
        write("r4", Session);
        write("r5", Session);
        write("r6", Begun);
        assert_eq!(
            last(&system).deed.found.unwrap(),
            "deploy by ana (run r3) was cut off"
        );
        let text = system.read_text(PATH).unwrap().unwrap();
        let checked = check(text.as_bytes(), &Head::default());
        assert!(
            checked.flaws.is_empty() && checked.lines == 7,
            "{:?}",
            checked.flaws
        );
    }

    #[test]
    fn lines_of_two_writers_at_once_are_one_chain() {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        std::fs::create_dir_all(system.path("/var/log/citrino")).unwrap();
        std::thread::scope(|scope| {
            for who in ["ana", "luis"] {
                let system = &system;
                scope.spawn(move || {
                    for _ in 0..40 {
                        let claim = Claim::new("r", "psql", who);
                        write(system, "s", &claim, deed(AuditAction::Session)).unwrap();
                    }
                });
            }
        });
        let text = system.read_text(PATH).unwrap().unwrap();
        let checked = check(text.as_bytes(), &Head::default());
        assert!(
            checked.flaws.is_empty() && checked.lines == 80,
            "{:?}",
            checked.flaws
        );
    }
}
