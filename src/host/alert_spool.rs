//! Where a host keeps what it knows and told of failures, and what nobody took from it yet.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::core::alert_ledger::AlertLedger;
use crate::core::webhook::Notice;
use crate::host::own;
use crate::host::system::{OwnFile, System};

/// How many notices wait for one who does not take them.
const MOST_WAITING: usize = 10;

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Mail,
    /// The webhook of this place in the list.
    Hook(usize),
}

/// A notice that somebody has not taken yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    pub channel: Channel,
    pub notice: Notice,
}

/// How a test went, channel by channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertTrial {
    /// The name of the test; it stands in the mail.
    pub id: String,
    /// Who did not take it, and why. Mail that was taken is in the queue, or has left it.
    pub refused: Vec<String>,
    pub taken: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    /// Which of two is the newer one.
    generation: u64,
    ledger: AlertLedger,
    waiting: Vec<Parcel>,
    trial: AlertTrial,
}

/// The spool, while nobody else has it.
pub struct AlertSpool<'s> {
    system: &'s System,
    kept: Kept,
    /// Its lock ends with it.
    _lock: Option<File>,
}

fn file(folder: &str) -> PathBuf {
    PathBuf::from(folder).join("state.json")
}

impl<'s> AlertSpool<'s> {
    /// Takes it, as soon as whoever has it lets go.
    ///
    /// # Errors
    /// When it is there and nobody can read it safely.
    pub fn take(system: &'s System) -> Result<Self> {
        // Where the disk takes nothing, not even a lock, two at once may tell a thing twice.
        let lock = system.open_own(format!("{}/lock", own::ALERTS), OwnFile::Anywhere, 0o600);
        let lock = lock.ok();
        if let Some(lock) = &lock {
            lock.lock().context("could not lock the alerts")?;
        }
        let kept = newest(system)?;
        Ok(Self {
            system,
            kept,
            _lock: lock,
        })
    }

    pub fn ledger(&mut self) -> &mut AlertLedger {
        &mut self.kept.ledger
    }

    /// Whether a channel has so much that waits for it that more must stay in the ledger.
    pub fn is_full(&self, channel: Channel) -> bool {
        self.waiting_for(channel) >= MOST_WAITING
    }

    fn waiting_for(&self, channel: Channel) -> usize {
        let waiting = self.kept.waiting.iter();
        waiting.filter(|parcel| parcel.channel == channel).count()
    }

    /// Puts a notice into the row. Of a channel that takes nothing the oldest goes.
    pub fn add(&mut self, parcel: Parcel) {
        if self.is_full(parcel.channel) {
            let mut waiting = self.kept.waiting.iter();
            if let Some(oldest) = waiting.position(|one| one.channel == parcel.channel) {
                self.kept.waiting.remove(oldest);
            }
        }
        self.kept.waiting.push(parcel);
    }

    /// All that waits. What nobody takes is added again.
    pub fn take_waiting(&mut self) -> Vec<Parcel> {
        std::mem::take(&mut self.kept.waiting)
    }

    pub fn keep_trial(&mut self, trial: AlertTrial) {
        self.kept.trial = trial;
    }

    /// Writes it down; where the disk takes nothing, into memory.
    ///
    /// # Errors
    /// When neither takes it.
    pub async fn save(mut self) -> Result<()> {
        self.kept.generation += 1;
        let text = serde_json::to_vec(&self.kept)?;
        if write(self.system, own::ALERTS, &text).await.is_ok() {
            return self.system.remove(file(own::ALERTS_IN_MEMORY));
        }
        write(self.system, own::ALERTS_IN_MEMORY, &text).await
    }
}

/// How the last test went.
///
/// # Errors
/// As of `AlertSpool::take`.
pub fn trial(system: &System) -> Result<AlertTrial> {
    Ok(newest(system)?.trial)
}

fn newest(system: &System) -> Result<Kept> {
    let places = [own::ALERTS, own::ALERTS_IN_MEMORY];
    let mut newest = Kept::default();
    for place in places {
        let text = system.read(file(place))?.unwrap_or_default();
        // What was cut off half-way is no state; what it knew is found again.
        let kept: Kept = serde_json::from_slice(&text).unwrap_or_default();
        if kept.generation > newest.generation {
            newest = kept;
        }
    }
    Ok(newest)
}

async fn write(system: &System, folder: &str, text: &[u8]) -> Result<()> {
    system.make_folders(folder)?;
    system
        .write_atomic(file(folder), text, 0o600, None, &[])
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(subject: &str) -> Notice {
        Notice {
            stack: String::new(),
            host: String::new(),
            at: String::new(),
            subject: subject.to_owned(),
            body: String::new(),
            items: Vec::new(),
        }
    }

    fn system(folder: &tempfile::TempDir) -> System {
        for place in [own::ALERTS, "/run"] {
            std::fs::create_dir_all(System::at(folder.path()).path(place)).unwrap();
        }
        System::at(folder.path())
    }

    #[tokio::test]
    async fn what_nobody_takes_waits_and_has_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let system = system(&folder);
        for n in 0..50 {
            let mut spool = AlertSpool::take(&system).unwrap();
            spool.add(Parcel {
                channel: Channel::Hook(0),
                notice: notice(&n.to_string()),
            });
            spool.add(Parcel {
                channel: Channel::Mail,
                notice: notice("mail"),
            });
            spool.save().await.unwrap();
        }
        let mut spool = AlertSpool::take(&system).unwrap();
        assert!(spool.is_full(Channel::Mail) && !spool.is_full(Channel::Hook(1)));
        let waiting = spool.take_waiting();
        assert_eq!(waiting.len(), 2 * MOST_WAITING);
        assert_eq!(waiting[waiting.len() - 2].notice.subject, "49");
    }

    /// A folder in the place of the file: nothing can be written there.
    #[tokio::test]
    async fn a_disk_that_takes_nothing_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let system = system(&folder);
        let mut spool = AlertSpool::take(&system).unwrap();
        spool.ledger().failed("a.service", "it failed", "i", 1);
        spool.save().await.unwrap();
        let place = system.path(file(own::ALERTS));
        let before = std::fs::read(&place).unwrap();
        std::fs::remove_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place.parent().unwrap(), "").unwrap();
        let mut spool = AlertSpool {
            system: &system,
            kept: serde_json::from_slice(&before).unwrap(),
            _lock: None,
        };
        spool.ledger().failed("b.service", "it failed", "i", 2);
        spool.save().await.unwrap();
        std::fs::remove_file(place.parent().unwrap()).unwrap();
        std::fs::create_dir(place.parent().unwrap()).unwrap();
        std::fs::write(&place, before).unwrap();
        let mut spool = AlertSpool::take(&system).unwrap();
        assert_eq!(spool.ledger().units_down().len(), 2);
        spool.save().await.unwrap();
        assert!(!system.path(file(own::ALERTS_IN_MEMORY)).exists());
        assert_eq!(
            AlertSpool::take(&system)
                .unwrap()
                .ledger()
                .units_down()
                .len(),
            2
        );
    }
}
