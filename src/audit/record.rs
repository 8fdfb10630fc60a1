//! What the audit says of a run: gathered from what the run tells while it goes.

use anyhow::Result;

use super::{Deed, Did, write};
use crate::event::{Event, State};
use crate::facts;
use crate::plan::{Claim, Plan};
use crate::system::System;

/// The record of one run, from its first line to its last.
pub struct Record<'s> {
    system: &'s System,
    stack: String,
    claim: Claim,
    /// How it was begun.
    way: Did,
    deed: Deed,
    /// Whether the operator stopped it, or it was only to be undone.
    halted: bool,
    undoing: bool,
    undo_failed: bool,
    /// The release that was live before.
    live: Option<String>,
}

impl<'s> Record<'s> {
    /// Writes that the run begins, before it changes anything.
    ///
    /// # Errors
    /// E0523 when that cannot be written.
    pub fn begin<T>(system: &'s System, plan: &Plan<T>, way: Did) -> Result<Self> {
        let record = Self {
            system,
            stack: plan.stack.clone(),
            claim: Claim::of(plan),
            way,
            deed: Deed::default(),
            halted: false,
            undoing: false,
            undo_failed: false,
            live: facts::live_release(system)?,
        };
        let deed = Deed {
            did: way,
            ..Deed::default()
        };
        write(system, &record.stack, &record.claim, deed)?;
        Ok(record)
    }

    /// Hears what the run tells, and writes how it ended when it has.
    ///
    /// # Errors
    /// E0523 when that cannot be written.
    pub fn hear(&mut self, event: &Event) -> Result<()> {
        let deed = &mut self.deed;
        match event {
            Event::Begin { label, .. } => self.undoing |= label.undo,
            Event::Step {
                label,
                state,
                error,
                ..
            } => match (state, label.undo) {
                (State::Changed, false) => deed.changed.push(label.name.clone()),
                (State::Changed, true) => deed.undone.push(label.name.clone()),
                (State::Failed, undo) => {
                    self.undo_failed |= undo;
                    if deed.code.is_none() {
                        deed.step = Some(label.name.clone());
                        deed.code = error.as_ref().map(|error| error.code.clone());
                    }
                }
                _ => {}
            },
            Event::Halted { name, .. } => {
                self.halted = true;
                deed.step = Some(name.clone());
            }
            Event::End { .. } => return self.end(),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let live = facts::live_release(self.system)?.filter(|now| self.live.as_ref() != Some(now));
        let deed = Deed {
            did: self.outcome(),
            live,
            ..std::mem::take(&mut self.deed)
        };
        write(self.system, &self.stack, &self.claim, deed)
    }

    fn outcome(&self) -> Did {
        match (self.deed.step.is_some(), self.halted) {
            (false, _) => Did::Ended,
            (true, _) if self.undo_failed => Did::Failed,
            (true, true) if self.way != Did::Aborted => Did::Halted,
            (true, true) => Did::Undone,
            (true, false) if self.undoing => Did::Undone,
            (true, false) => Did::Failed,
        }
    }
}
