//! What is known of a command's runs so far, folded from their events.

use std::collections::BTreeMap;

use super::words;
use crate::core::error::{Code, Fault};
use crate::core::event::{Act, Counts, ErrorInfo, Event, Label, Outage, StepState};
use crate::core::plain;

#[derive(Default)]
pub struct RunState {
    pub tally: Counts,
    /// Of releases, as they went over the wire.
    pub sent_bytes: u64,
    /// When the newest run started, RFC 3339 by the clock of its world; empty when there was none.
    pub begun: String,
    /// How many of the steps that differ would do what.
    acts: BTreeMap<Act, usize>,
    /// The first step that failed since it was last asked for.
    pub failure: Option<Fault>,
    /// The same of the steps that undo.
    pub undo_failure: Option<Fault>,
    /// The requests that failed during a run.
    pub noticed: Option<Outage>,
    /// Whether the error of the newest step is printed at the end of the command.
    pub is_told_at_end: bool,
    /// Whether what runs now is a checklist.
    pub counts_checks: bool,
    /// The part of the tally that is a checklist.
    checks: Counts,
    /// Whether what was done only tested something.
    pub is_test: bool,
}

impl RunState {
    pub fn fold(&mut self, event: &Event) {
        match event {
            Event::Start { point, .. } => point.at.clone_into(&mut self.begun),
            Event::End { tally, .. } => {
                self.tally.add(*tally);
                if self.counts_checks {
                    self.checks.add(*tally);
                }
            }
            Event::Sent { bytes, .. } => self.sent_bytes += bytes,
            Event::Step {
                label,
                error: Some(error),
                ..
            } => self.remember(label, error),
            Event::Step {
                state: StepState::Differs,
                change: Some(change),
                ..
            } => *self.acts.entry(change.act).or_default() += 1,
            Event::Halted { name, .. } => {
                let message = format!("stopped before \"{}\", and undone", plain::line(name));
                self.failure.get_or_insert(Fault::new(Code::E0804, message));
            }
            Event::Outage { outage, .. } if outage.failed > 0 => {
                self.noticed.get_or_insert_with(|| outage.clone());
            }
            _ => {}
        }
    }

    /// Keeps the first error of a run for its end; a run that only looks goes on and may have more.
    fn remember(&mut self, label: &Label, error: &ErrorInfo) {
        self.is_told_at_end = !label.undo && self.failure.is_none();
        let place = if label.undo {
            &mut self.undo_failure
        } else {
            &mut self.failure
        };
        place.get_or_insert_with(|| {
            let mut fault = Fault::from(error.clone());
            fault.message = format!("{}: {}", plain::line(&label.name), fault.message);
            fault.step = label.id.clone();
            fault
        });
    }

    /// What was printed so far was a preview: it does not count in the sum at the end.
    pub fn forget_preview(&mut self) {
        self.tally = Counts::default();
        self.checks = Counts::default();
        self.acts.clear();
    }

    /// What the steps that differ would do: `5 to create, 1 to change`.
    pub fn prospect(&self) -> String {
        let parts: Vec<String> = self
            .acts
            .iter()
            .map(|(act, count)| format!("{count} to {}", words::word(*act)))
            .collect();
        parts.join(", ")
    }

    /// How many steps ended how, and what they would do, unless they all only change something.
    pub fn sum(&self) -> String {
        if self.is_test {
            return format!("Checked in {}.", words::seconds(self.tally.took_ms));
        }
        let sum = words::sum(&self.tally, &self.checks);
        if self.acts.keys().all(|act| *act == Act::Change) {
            return sum;
        }
        format!("{sum} ({})", self.prospect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::event::{RunPoint, now};

    fn ends(state: &mut RunState, same: usize, changed: usize, took_ms: u64) {
        state.fold(&Event::End {
            point: RunPoint {
                at: now(),
                run: "r".into(),
                host: None,
            },
            tally: Counts {
                same,
                changed,
                took_ms,
                ..Counts::default()
            },
        });
    }

    #[test]
    fn only_a_checklist_counts_as_checks() {
        let mut state = RunState::default();
        ends(&mut state, 79, 0, 6_000);
        let resources = "No changes. 79 resources checked in 6.0 s.";
        assert_eq!(state.sum(), resources);
        state.counts_checks = true;
        ends(&mut state, 17, 0, 2_600);
        assert_eq!(
            state.sum(),
            "No changes. 79 resources checked, all 17 checks passed in 8.6 s."
        );
        state.counts_checks = false;
        ends(&mut state, 1, 3, 0);
        assert_eq!(
            state.sum(),
            "3 changed, 80 unchanged, all 17 checks passed in 8.6 s"
        );
    }

    #[test]
    fn checks_alone_are_called_checks() {
        let mut state = RunState {
            counts_checks: true,
            ..RunState::default()
        };
        ends(&mut state, 17, 0, 800);
        assert_eq!(state.sum(), "All 17 checks passed in 0.8 s.");
    }

    #[test]
    fn a_test_changes_nothing_that_stays() {
        let mut state = RunState {
            is_test: true,
            ..RunState::default()
        };
        ends(&mut state, 0, 2, 6_800);
        assert_eq!(state.sum(), "Checked in 6.8 s.");
    }
}
