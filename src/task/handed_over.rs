//! The release that serves runs with what is on disk: unit, environment, settings.
//!
//! Where it does not, it is not restarted, which visitors would notice. The same release starts in the other slot, and takes
//! over there when it is ready.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{Link, Probe, Service};
use crate::core::engine::{CheckResult, Wish};
use crate::core::event::UnitAct;
use crate::host::system::System;

/// Each slot with the release that serves in it; nothing is done where none of them serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedOver {
    pub slots: Vec<SlotInTurn>,
}

/// What makes a slot the one that serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotInTurn {
    /// It has the release.
    pub holds: Link,
    pub running: Service,
    pub resting: Service,
    pub ready: Probe,
    /// nginx leads to it.
    pub leads: Link,
}

impl HandedOver {
    async fn serving(&self, system: &System) -> Result<Option<&SlotInTurn>> {
        for slot in &self.slots {
            if slot.leads.check(system).await?.change.is_none() {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }

    fn beside(&self, slot: &SlotInTurn) -> Option<&SlotInTurn> {
        let is_other = |other: &&SlotInTurn| other.leads.to != slot.leads.to;
        self.slots.iter().find(is_other)
    }
}

impl Wish<System> for HandedOver {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        match self.serving(system).await? {
            Some(slot) => Ok(in_the_other_slot(slot.running.check(system).await?)),
            None => Ok(CheckResult::same()),
        }
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let Some(old) = self.serving(system).await? else {
            return Ok(());
        };
        match self.beside(old) {
            Some(new) if old.running.is_outdated(system).await? => {
                take_over(system, old, new).await
            }
            _ => old.running.apply(system).await,
        }
    }
}

/// Nobody notices what would otherwise be a restart.
fn in_the_other_slot(mut seen: CheckResult) -> CheckResult {
    let effects = seen
        .change
        .iter_mut()
        .flat_map(|change| &mut change.effects);
    for effect in effects.filter(|effect| effect.act == UnitAct::Restart) {
        effect.act = UnitAct::HandOver;
        effect.interrupts = false;
    }
    seen
}

/// # Errors
/// When the new slot does not get ready: then the old one serves on as it was.
async fn take_over(system: &System, old: &SlotInTurn, new: &SlotInTurn) -> Result<()> {
    if let Err(error) = get_ready(system, new).await {
        new.resting.apply(system).await?;
        return Err(error);
    }
    new.leads.apply(system).await?;
    old.resting.apply(system).await
}

async fn get_ready(system: &System, new: &SlotInTurn) -> Result<()> {
    // What a run that was cut off has left there is of another time.
    new.resting.apply(system).await?;
    new.holds.apply(system).await?;
    new.running.apply(system).await?;
    new.ready.apply(system).await
}
