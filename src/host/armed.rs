//! The dead man's switch as it stands on a host: armed by a run that changed what could lock its
//! own operator out, or take the site down, and due when nobody has come back in time.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::core::event::now;
use crate::core::plan::{Plan, StepId};
use crate::core::value::{RunId, checked};
use crate::host::journal::BACK;
use crate::host::own;
use crate::host::system::System;

/// All that the switch has on a host.
pub const FOLDER: &str = own::GUARD;
/// There while it is armed.
pub const ARMED: &str = own::ARMED;

/// The step of an undo that reverts at once what guarded steps changed.
pub const REVERT: StepId = StepId::new("guard.revert");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Armed {
    /// The run that armed it.
    #[serde(deserialize_with = "checked::<_, RunId>")]
    pub run: String,
    pub verb: String,
    /// `user@machine`
    pub who: String,
    pub since: String,
    /// How long after the end of the run somebody must have come back, in seconds.
    pub within_s: u64,
    /// Seconds since the boot of `boot_id`.
    due_s: f64,
    /// After another boot it is due at once.
    boot_id: String,
}

impl Armed {
    /// Armed by this plan, counted from now.
    pub fn by<T>(system: &System, plan: &Plan<T>, within_s: u64) -> Result<Self> {
        Ok(Self {
            run: plan.run.clone(),
            verb: plan.verb.clone(),
            who: plan.who.clone(),
            since: now(),
            within_s,
            due_s: uptime_s(system)? + seconds(within_s),
            boot_id: boot_id(system)?,
        })
    }

    /// As it stands; none when it is not armed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(system: &System) -> Result<Option<Self>> {
        let Some(text) = system.read_text(ARMED)? else {
            return Ok(None);
        };
        serde_json::from_str(&text)
            .map(Some)
            .with_context(|| format!("{ARMED} cannot be read"))
    }

    pub async fn write(&self, system: &System) -> Result<()> {
        let text = serde_json::to_vec(self)?;
        system.write_atomic(ARMED, &text, 0o600, None, &[]).await
    }

    /// Notes that this boot is the one in which it was armed.
    pub async fn note_boot(&self, system: &System) -> Result<()> {
        let path = own::ARMED_THIS_BOOT;
        let run = self.run.as_bytes();
        system.write_atomic(path, run, 0o600, None, &[]).await
    }

    /// Its time begins anew.
    pub async fn begin_anew(mut self, system: &System) -> Result<()> {
        self.due_s = uptime_s(system)? + seconds(self.within_s);
        self.write(system).await
    }

    /// How long until it is due; zero when it is.
    pub fn left(&self, system: &System) -> Result<Duration> {
        if !self.is_of_this_boot(system)? {
            return Ok(Duration::ZERO);
        }
        let left = self.due_s - uptime_s(system)?;
        Ok(Duration::try_from_secs_f64(left).unwrap_or_default())
    }

    fn is_of_this_boot(&self, system: &System) -> Result<bool> {
        let noted = system.read_text(own::ARMED_THIS_BOOT)?;
        Ok(noted.is_some_and(|run| run == self.run) || boot_id(system)? == self.boot_id)
    }

    /// The name of the run that puts back.
    pub fn way_back(&self) -> String {
        way_back_of(&self.run)
    }
}

/// The name of the run that puts back what this one changed.
pub fn way_back_of(run: &str) -> String {
    format!("{run}{BACK}")
}

#[allow(clippy::cast_precision_loss)] // a span that people wait for
fn seconds(whole: u64) -> f64 {
    whole as f64
}

/// By the kernel's own clock, which nobody sets.
fn uptime_s(system: &System) -> Result<f64> {
    let text = system.read_text("/proc/uptime")?.unwrap_or_default();
    let first = text.split_whitespace().next().unwrap_or_default();
    first.parse().context("/proc/uptime cannot be read")
}

fn boot_id(system: &System) -> Result<String> {
    let text = system.read_text("/proc/sys/kernel/random/boot_id")?;
    Ok(text.unwrap_or_default().trim().to_owned())
}
