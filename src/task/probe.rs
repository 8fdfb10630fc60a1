//! A question to the host with a good answer, and for how long to wait for it.

use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::system::System;

mod backups;
mod certificate;
mod file_systems;
mod forecast;
mod host;
mod http;
mod load;
mod mail;
mod measured;
mod rows;
mod sql;
mod upkeep;
mod wal;

pub use backups::{BackupAge, OffsiteAge, ProofAge, Whole};
pub use certificate::LifetimeLeft;
pub use forecast::DiskForecast;
pub use host::{Listen, Program, Unit};
pub use http::Http;
pub use load::{Cpu, Disk, Memory};
pub use mail::MailWaits;
pub use rows::Rows;
pub use sql::{IndexUsed, Sql};
pub use upkeep::{Clock, Newest, Reboot, SecurityUpdates};
pub use wal::{Recoverable, WalSize, WalWaits};

/// Between two answers that must be good one after the other.
const BETWEEN: Duration = Duration::from_millis(200);
/// After a bad answer: short at first, because a service that starts is up in less than a second.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// To check is to ask; to apply is to wait. So a probe in a deploy waits for the new release, and one
/// in `health`, which only looks, is a question with a figure.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    pub ask: Ask,
    /// How many good answers are wanted one after the other.
    #[serde(default = "one")]
    pub attempts: u32,
    /// How long to wait for them.
    #[serde(default)]
    pub deadline_s: u64,
    /// What to type when the answer is not good.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next: String,
    /// How the host asks it by itself, where somebody is told of the answer.
    #[serde(default, skip_serializing_if = "Recurrence::is_usual")]
    pub watch: Recurrence,
}

/// How often a host asks itself, and what of the answers is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recurrence {
    /// Not again in so many minutes after a good answer, because the question costs something.
    pub every_min: u32,
    /// Told when so many answers one after the other were bad. One after 20 seconds confirms each.
    pub looks: u32,
}

impl Recurrence {
    #[allow(clippy::trivially_copy_pass_by_ref)] // the shape that serde asks for
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

fn one() -> u32 {
    1
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    Http(Http),
    Listen(Listen),
    Unit(Unit),
    Disk(Disk),
    DiskForecast(DiskForecast),
    Memory(Memory),
    Cpu(Cpu),
    Sql(Sql),
    IndexUsed(IndexUsed),
    Rows(Rows),
    WalWaits(WalWaits),
    Recoverable(Recoverable),
    WalSize(WalSize),
    Command(Program),
    BackupAge(BackupAge),
    OffsiteAge(OffsiteAge),
    ProofAge(ProofAge),
    Whole(Whole),
    Certificate(LifetimeLeft),
    Clock(Clock),
    Reboot(Reboot),
    SecurityUpdates(SecurityUpdates),
    Newest(Newest),
    MailWaits(MailWaits),
}

impl Ask {
    /// Asks once. A service that does not answer is a difference; an error is a question that
    /// could not be put.
    async fn answer(&self, system: &System) -> Result<CheckResult> {
        match self {
            Self::Http(http) => http.answer(system).await,
            Self::Listen(listen) => listen.answer(system).await,
            Self::Unit(unit) => unit.answer(system).await,
            Self::Disk(disk) => disk.answer(system),
            Self::DiskForecast(forecast) => forecast.answer(system),
            Self::Memory(memory) => memory.answer(system),
            Self::Cpu(cpu) => cpu.answer(system).await,
            Self::Sql(sql) => sql.answer(system).await,
            Self::IndexUsed(index) => index.answer(system).await,
            Self::Rows(rows) => rows.answer(system).await,
            Self::WalWaits(waits) => waits.answer(system).await,
            Self::Recoverable(recoverable) => recoverable.answer(system).await,
            Self::WalSize(size) => size.answer(system).await,
            Self::Command(program) => program.answer(system).await,
            Self::BackupAge(age) => age.answer(system),
            Self::OffsiteAge(age) => age.answer(system),
            Self::ProofAge(age) => age.answer(system),
            Self::Whole(whole) => whole.answer(system).await,
            Self::Certificate(left) => left.answer(system),
            Self::Clock(clock) => clock.answer(system).await,
            Self::Reboot(reboot) => reboot.answer(system),
            Self::SecurityUpdates(updates) => updates.answer(system).await,
            Self::Newest(newest) => newest.answer(system).await,
            Self::MailWaits(waits) => waits.answer(system),
        }
    }
}

impl Wish<System> for Probe {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let mut look = self.ask.answer(system).await?;
        for _ in 1..self.attempts {
            if look.change.is_some() {
                break;
            }
            sleep(BETWEEN).await;
            look = self.ask.answer(system).await?;
        }
        if let Some(change) = look.change.as_mut().filter(|_| !self.next.is_empty()) {
            change.what.push(format!("next: {}", self.next));
        }
        Ok(look)
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(self.deadline_s);
        let mut pause = FIRST_PAUSE;
        loop {
            let Some(change) = self.check(system).await?.change else {
                return Ok(());
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.gave_up(&change.what.join("; ")).into());
            }
            sleep(pause.min(left)).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }
}

impl Probe {
    fn gave_up(&self, reason: &str) -> Fault {
        let within = match self.deadline_s {
            0 => String::new(),
            seconds => format!(" within {seconds} s"),
        };
        Fault::new(Code::E0407, format!("no good answer{within}: {reason}"))
            .hint("`citrino-ops logs` shows the log of the service")
    }
}
