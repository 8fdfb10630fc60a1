//! The host's own record: every event of a run that changes something, before it is told.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::core::event::{Counts, Event, StepState};
use crate::core::plan::{Purpose, Seen};
use crate::core::value::{RunId, checked};
use crate::host::own;
use crate::host::system::{Ids, OwnFile, System, give_file};

/// One JSON object a line.
pub const PATH: &str = own::JOURNAL;
/// For root alone.
const MODE: u32 = 0o600;

/// What a run in which the dead man's switch puts back is called.
pub const WAY_BACK: &str = "guard";
/// What its name has more than that of the run that armed the switch.
pub const BACK: &str = "-back";
/// Who makes the runs that nobody asked for just then, with the host's name behind it.
pub const TIMER: &str = "timer@";

pub struct Journal {
    file: File,
}

/// How the newest run in the journal ended, for the next command to tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LastRun {
    #[serde(deserialize_with = "checked::<_, RunId>")]
    pub run: String,
    pub verb: String,
    pub who: String,
    #[serde(default)]
    pub purpose: Purpose,
    pub since: String,
    /// The step that was under way when the journal ends, or the last one.
    pub step: String,
    /// Which of the plan that is, from 1; the steps of an undo do not count.
    #[serde(default)]
    pub n: usize,
    /// `None` when the run never ended: its agent was killed or the host went down.
    pub end: Option<Counts>,
    /// Whether the operator read the end.
    pub heard: bool,
    /// What failed in it, or that it was halted: since then it was on its way back.
    pub failed: Option<String>,
}

impl LastRun {
    /// Whether it is the run in which the dead man's switch puts back what that run had changed.
    pub fn puts_back(&self, run: &str) -> bool {
        self.run.strip_suffix(BACK) == Some(run)
    }

    pub fn seen(&self) -> Seen {
        Seen {
            run: self.run.clone(),
            ended: self.end.is_some(),
        }
    }

    /// `deploy by ana@vm, 2026-11-30 03:37`
    pub fn named(&self) -> String {
        let since = to_the_minute(&self.since);
        format!("{} by {}, {since}", self.verb, self.who)
    }

    /// How it ended, or what it does now, behind a title such as `last run`.
    pub fn told(&self, busy: bool) -> String {
        if self.purpose == Purpose::WayBack {
            return self.put_back(busy);
        }
        let run = self.named();
        match (&self.end, &self.failed) {
            // What a program printed stands below its first line.
            (Some(_), Some(failed)) => format!("{run}, failed: {}", first_line(failed)),
            (Some(tally), None) => {
                let alone = if self.heard {
                    ""
                } else {
                    "continued alone and "
                };
                let Counts { changed, same, .. } = tally;
                format!("{run}, {alone}succeeded: {changed} changed, {same} unchanged")
            }
            (None, _) if busy => format!("{run}, is running (step \"{}\")", self.step),
            (None, _) => format!(
                "{run}, was interrupted at \"{}\"; the same command continues it (a deploy: `deploy --resume` or `deploy --abort`)",
                self.step
            ),
        }
    }

    /// The same for a command that is about something else.
    pub fn noted(&self, busy: bool) -> String {
        let told = self.told(busy);
        match (self.purpose, busy && self.end.is_none()) {
            (Purpose::WayBack, _) => told,
            (_, true) => format!(
                "Another run changes the host ({} by {}, step \"{}\"), so this may be out of date soon.",
                self.verb, self.who, self.step
            ),
            (_, false) => format!("The last run on the host: {told}"),
        }
    }
}

/// `2026-11-30 03:37` of a time in RFC 3339.
fn to_the_minute(at: &str) -> String {
    at.get(..16).unwrap_or(at).replacen('T', " ", 1)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

impl LastRun {
    fn put_back(&self, busy: bool) -> String {
        let what = format!(
            "the dead man's switch: nobody connected after the last run of {} on the host, so at {} it",
            self.who, self.since
        );
        match (&self.end, &self.failed) {
            (Some(tally), None) => format!(
                "{what} reverted that run's guarded steps ({} changed, {} unchanged)",
                tally.changed, tally.same
            ),
            (_, Some(failed)) => format!("{what} could not revert everything: {failed}"),
            (None, None) if busy => {
                format!(
                    "{what} started to revert that run's guarded steps, and is at \"{}\"",
                    self.step
                )
            }
            (None, None) => format!(
                "{what} started to revert that run's guarded steps, and was interrupted at \"{}\"",
                self.step
            ),
        }
    }
}

impl Journal {
    pub fn open(system: &System) -> Result<Self> {
        let mut file = system.open_own(PATH, OwnFile::Growing, MODE)?;
        // An earlier version made it for all to read: it has the names of operators, and what programs said when they failed.
        give_file(&file, Ids::own(), MODE)?;
        // A line that a crash tore must not swallow the first of ours.
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        if last != [b'\n'] {
            file.write_all(b"\n")?;
        }
        Ok(Self { file })
    }

    /// Keeps an event; it is on disk when this returns.
    pub fn keep(&mut self, event: &Event) -> Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data().context("could not write the journal")
    }
}

/// The newest run of the journal; `None` when there was none.
///
/// # Errors
/// When the journal cannot be read.
pub fn last_run(system: &System) -> Result<Option<LastRun>> {
    Ok(fold(&tail(system)?))
}

/// A run is far smaller than this many bytes.
const TAIL_BYTES: u64 = 1 << 20;

/// The events of the newest run, as far as they are written; none when there was no run.
///
/// # Errors
/// When the journal cannot be read.
pub fn newest(system: &System) -> Result<Vec<Event>> {
    let text = tail(system)?;
    let mut events = events(&text);
    let start = events
        .iter()
        .rposition(|event| matches!(event, Event::Start { .. }));
    Ok(start.map_or(Vec::new(), |start| events.split_off(start)))
}

fn tail(system: &System) -> Result<String> {
    let Some(mut file) = system.open(PATH)? else {
        return Ok(String::new());
    };
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Lines that do not parse are the torn end of a crash, or the cut begin of the tail. A run that was cut off stays
/// the newest, whatever timers do after it: it waits for an operator to end it.
fn events(text: &str) -> Vec<Event> {
    let mut waits = false;
    let mut is_aside = false;
    let lines = text.lines();
    let events = lines.filter_map(|line| serde_json::from_str::<Event>(line).ok());
    events
        .filter(|event| {
            match event {
                Event::Start {
                    verb, who, purpose, ..
                } => {
                    let is_timer = purpose_of(*purpose, verb, who) == Purpose::Timer;
                    is_aside = waits && is_timer;
                    waits = waits || !is_timer;
                }
                Event::End { .. } => waits = waits && is_aside,
                _ => {}
            }
            !is_aside
        })
        .collect()
}

/// What a run is for. An older release wrote no purpose: of its runs only the names tell.
fn purpose_of(said: Option<Purpose>, verb: &str, who: &str) -> Purpose {
    said.unwrap_or_else(|| match (verb, who) {
        (WAY_BACK, _) => Purpose::WayBack,
        (_, who) if who.starts_with(TIMER) => Purpose::Timer,
        _ => Purpose::Command,
    })
}

fn fold(text: &str) -> Option<LastRun> {
    let mut last: Option<LastRun> = None;
    for event in events(text) {
        match (event, &mut last) {
            (
                Event::Start {
                    point,
                    verb,
                    who,
                    purpose,
                    ..
                },
                _,
            ) => {
                last = Some(LastRun {
                    purpose: purpose_of(purpose, &verb, &who),
                    run: point.run,
                    verb,
                    who,
                    since: point.at,
                    step: String::new(),
                    n: 0,
                    end: None,
                    heard: false,
                    failed: None,
                });
            }
            (Event::Begin { point, n, label }, Some(last)) if point.run == last.run => {
                if !label.undo {
                    last.n = n;
                }
                last.step = label.name;
            }
            (Event::Halted { point, name, .. }, Some(last)) if point.run == last.run => {
                last.failed = Some(format!("stopped before \"{name}\""));
            }
            (
                Event::Step {
                    point,
                    label,
                    state: StepState::Failed,
                    error,
                    ..
                },
                Some(last),
            ) if point.run == last.run => {
                last.failed = Some(format!(
                    "{}: {}",
                    label.name,
                    error.map(|error| error.message).unwrap_or_default()
                ));
            }
            (Event::End { point, tally }, Some(last)) if point.run == last.run => {
                last.end = Some(tally);
            }
            (Event::Heard { point }, Some(last)) if point.run == last.run => last.heard = true,
            _ => {}
        }
    }
    last
}

#[cfg(test)]
mod tests;
