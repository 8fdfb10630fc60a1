//! What is well and what is not, what of it people know, and how often they are told: the memory of a host that watches itself.
//!
//! Nothing waits in it for its own sake. A thing has two states, the newest and the one that people know of; where these differ
//! there is something to tell. So what fails five hundred times is one thing to tell, and what could not be told yet is never lost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plain;
use super::webhook::{NoticeEvent, NoticeItem};

/// How many things are kept apart. Of more only their number is known.
const MOST: usize = 256;
/// How many are told of with their text, and how long that may be.
const MOST_TOLD: usize = 20;
const LONGEST: usize = 800;
/// The least seconds between two notices, by how many there were in the hour before.
const GAPS: [i64; 6] = [0, 0, 60, 300, 900, 1800];
const HOUR: i64 = 3600;
/// How often one thing is told of in so many seconds.
const TIMES: usize = 4;
const WINDOW: i64 = 6 * HOUR;
/// What stays down is told of again.
const REMINDED: i64 = 24 * HOUR;

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Watched {
    /// A row of the checklist.
    Check(String),
    /// A unit that ended badly.
    Unit(String),
}

const UNIT: &str = "unit ";

impl From<Watched> for String {
    fn from(thing: Watched) -> String {
        match thing {
            Watched::Check(name) => name,
            Watched::Unit(name) => format!("{UNIT}{name}"),
        }
    }
}

impl From<String> for Watched {
    fn from(text: String) -> Self {
        match text.strip_prefix(UNIT) {
            Some(name) => Self::Unit(name.to_owned()),
            None => Self::Check(text),
        }
    }
}

/// What is known of one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct ThingEntry {
    is_down: bool,
    /// What people know.
    told_down: bool,
    /// When it went down, and when it was well again.
    down_at: i64,
    up_at: i64,
    /// How often it failed since people were told of it last.
    failures: u64,
    /// How often it was bad one look after the other.
    #[serde(default)]
    bad_looks: u32,
    /// When it was looked at.
    #[serde(default)]
    looked: i64,
    text: String,
    /// The start of a unit that failed: its next one is another.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    invocation: String,
    /// When people were told of it.
    #[serde(default)]
    told: Vec<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertLedger {
    things: BTreeMap<Watched, ThingEntry>,
    /// How many failures were of things that had no more room.
    #[serde(default)]
    beyond: u64,
    /// When a notice went out.
    #[serde(default)]
    noticed: Vec<i64>,
}

impl ThingEntry {
    fn went(&mut self, is_down: bool, text: &str, now: i64) {
        if is_down {
            self.text = plain::at_most(text, LONGEST).into_owned();
        }
        if self.is_down != is_down {
            self.is_down = is_down;
            *(if is_down {
                &mut self.down_at
            } else {
                &mut self.up_at
            }) = now;
        }
    }

    fn is_to_tell(&self, now: i64) -> bool {
        let changed = self.is_down != self.told_down || (!self.is_down && self.failures > 0);
        let last = self.told.last().copied().unwrap_or(now);
        changed || (self.is_down && self.told_down && now - last >= REMINDED)
    }

    /// Whether anything of it is not well, or not told.
    fn is_open(&self) -> bool {
        self.is_down || self.told_down || self.failures > 0
    }

    /// Whether it was told of so often that it has to wait.
    fn is_resting(&self, now: i64) -> bool {
        self.told.iter().filter(|at| now - **at < WINDOW).count() >= TIMES
    }
}

impl AlertLedger {
    /// A row of the checklist was looked at. It is down when it was bad in so many looks one after the other.
    pub fn looked(&mut self, name: &str, fault: Option<&str>, looks: u32, now: i64) {
        let Some(entry) = self.entry(Watched::Check(name.to_owned()), fault.is_some()) else {
            return;
        };
        entry.looked = now;
        let Some(fault) = fault else {
            entry.bad_looks = 0;
            return entry.went(false, "", now);
        };
        entry.bad_looks = entry.bad_looks.saturating_add(1);
        if entry.bad_looks < looks.max(1) {
            return;
        }
        if !entry.is_down {
            entry.failures += 1;
        }
        entry.went(true, fault, now);
    }

    /// A unit ended badly, in the start of this name.
    pub fn failed(&mut self, unit: &str, text: &str, invocation: &str, now: i64) {
        let Some(entry) = self.entry(Watched::Unit(unit.to_owned()), true) else {
            return;
        };
        entry.failures += 1;
        invocation.clone_into(&mut entry.invocation);
        entry.went(true, text, now);
    }

    /// The unit went well since.
    pub fn recovered(&mut self, unit: &str, now: i64) {
        if let Some(entry) = self.things.get_mut(&Watched::Unit(unit.to_owned())) {
            entry.went(false, "", now);
        }
    }

    /// The units that are down, each with the start that failed.
    pub fn units_down(&self) -> Vec<(String, String)> {
        let down = self.things.iter().filter(|(_, entry)| entry.is_down);
        down.filter_map(|(thing, entry)| match thing {
            Watched::Unit(name) => Some((name.clone(), entry.invocation.clone())),
            Watched::Check(_) => None,
        })
        .collect()
    }

    /// Whether a row was looked at in the seconds before.
    pub fn was_looked_at(&self, name: &str, within: i64, now: i64) -> bool {
        let entry = self.things.get(&Watched::Check(name.to_owned()));
        // A clock that was set back counts for nothing.
        entry.is_some_and(|entry| (0..within).contains(&(now - entry.looked)))
    }

    /// Whether it was bad when it was looked at last.
    pub fn is_bad(&self, name: &str) -> bool {
        let entry = self.things.get(&Watched::Check(name.to_owned()));
        entry.is_some_and(|entry| entry.bad_looks > 0)
    }

    /// Rows that nobody asks any more are forgotten.
    pub fn keep_rows(&mut self, is_asked: impl Fn(&str) -> bool) {
        self.things.retain(|thing, _| match thing {
            Watched::Check(name) => is_asked(name),
            Watched::Unit(_) => true,
        });
    }

    /// How many things are down.
    pub fn down(&self) -> usize {
        self.things.values().filter(|entry| entry.is_down).count()
    }

    fn entry(&mut self, thing: Watched, is_failure: bool) -> Option<&mut ThingEntry> {
        if !self.things.contains_key(&thing) && self.things.len() >= MOST {
            self.beyond += u64::from(is_failure);
            return None;
        }
        Some(self.things.entry(thing).or_default())
    }

    /// What there is to tell now; none while there is nothing, or too much was told already. Who gets it tells it: from here on it
    /// counts as told.
    pub fn notice(&mut self, now: i64) -> Option<Vec<NoticeItem>> {
        // A clock that was set back must not keep anything for years.
        self.noticed.retain(|at| (0..HOUR).contains(&(now - at)));
        let gap = GAPS[self.noticed.len().min(GAPS.len() - 1)];
        if self.noticed.last().is_some_and(|last| now - last < gap) {
            return None;
        }
        let mut items = Vec::new();
        let mut more = std::mem::take(&mut self.beyond);
        for (thing, entry) in &mut self.things {
            entry
                .told
                .retain(|at| (0..REMINDED * 7).contains(&(now - at)));
            if !entry.is_to_tell(now) || entry.is_resting(now) {
                continue;
            }
            entry.told.push(now);
            if items.len() < MOST_TOLD {
                items.push(item(thing, entry, now));
            } else {
                more += entry.failures.max(1);
            }
            entry.told_down = entry.is_down;
            entry.failures = 0;
        }
        self.things
            .retain(|thing, entry| matches!(thing, Watched::Check(_)) || entry.is_open());
        if more > 0 {
            items.push(NoticeItem {
                event: NoticeEvent::Failure,
                name: format!("and {more} more"),
                text: "`citrino-ops health` shows the checks, `citrino-ops ssh systemctl --failed` the units".to_owned(),
            });
        }
        if items.is_empty() {
            return None;
        }
        self.noticed.push(now);
        Some(items)
    }
}

fn item(thing: &Watched, entry: &ThingEntry, now: i64) -> NoticeItem {
    let (event, mut text) = if entry.is_down {
        (NoticeEvent::Failure, entry.text.clone())
    } else {
        let text = format!("well again after {}", length(entry));
        (NoticeEvent::Recovery, text)
    };
    if entry.failures > 1 {
        text = format!(
            "{text}\nIt failed {} times since the last alert.",
            entry.failures
        );
    }
    if entry.is_down && entry.told_down {
        text = format!("{text}\nIt still fails since the last alert.");
    }
    if entry.is_resting(now) {
        text = format!("{text}\nIt changes often: its next alert comes in some hours.");
    }
    NoticeItem {
        event,
        name: thing.clone().into(),
        text,
    }
}

fn length(entry: &ThingEntry) -> String {
    match (entry.up_at - entry.down_at) / 60 {
        ..=0 => "less than a minute".to_owned(),
        1 => "1 minute".to_owned(),
        minutes if minutes < 180 => format!("{minutes} minutes"),
        minutes => format!("{} hours", minutes / 60),
    }
}

#[cfg(test)]
mod tests;
