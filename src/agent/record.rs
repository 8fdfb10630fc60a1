//! What the audit says of a run: gathered from what the run tells while it goes.

use anyhow::Result;

use crate::core::audit::{AuditAction, AuditEntry};
use crate::core::event::{Event, StepState};
use crate::core::plan::{Claim, Plan};
use crate::facts::app;
use crate::host::armed::REVERT;
use crate::host::audit::write;
use crate::host::system::System;

/// The record of one run, from its first line to its last.
pub struct AuditRecord<'s> {
    system: &'s System,
    stack: String,
    claim: Claim,
    /// How it was begun.
    way: AuditAction,
    deed: AuditEntry,
    /// Whether the operator stopped it, or it was only to be undone.
    halted: bool,
    undoing: bool,
    undo_failed: bool,
    /// The release that was live before.
    live: Option<String>,
}

impl<'s> AuditRecord<'s> {
    /// Writes that the run begins, before it changes anything.
    ///
    /// # Errors
    /// E0523 when that cannot be written.
    pub fn begin<T>(system: &'s System, plan: &Plan<T>, way: AuditAction) -> Result<Self> {
        let record = Self {
            system,
            stack: plan.stack.clone(),
            claim: Claim::of(plan),
            way,
            deed: AuditEntry::default(),
            halted: false,
            undoing: false,
            undo_failed: false,
            // A run that was cut off may have brought one live, and told nobody.
            live: app::live_release(system)?.filter(|_| way != AuditAction::Resumed),
        };
        let deed = AuditEntry {
            did: way,
            note: plan.note.clone().map(Into::into),
            ..AuditEntry::default()
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
            // Steps that are not guarded stay done where the guarded ones are reverted.
            Event::Begin { label, .. } => self.undoing |= label.undo && label.id != REVERT,
            Event::Step {
                label,
                state,
                error,
                ..
            } => match (state, label.undo) {
                (StepState::Changed, false) => deed.changed.push(label.name.clone()),
                (StepState::Changed, true) => deed.undone.push(label.name.clone()),
                (StepState::Failed, undo) => {
                    self.undo_failed |= undo;
                    if deed.code.is_none() {
                        deed.step = Some(label.name.clone());
                        deed.code = error.as_ref().map(|error| error.code);
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
        let live = app::live_release(self.system)?.filter(|now| self.live.as_ref() != Some(now));
        let deed = AuditEntry {
            did: self.outcome(),
            live,
            ..std::mem::take(&mut self.deed)
        };
        write(self.system, &self.stack, &self.claim, deed)
    }

    fn outcome(&self) -> AuditAction {
        match (self.deed.step.is_some(), self.halted) {
            (false, _) => AuditAction::Ended,
            (true, _) if self.undo_failed => AuditAction::Failed,
            (true, true) if self.way != AuditAction::Aborted => AuditAction::Halted,
            (true, true) => AuditAction::Undone,
            (true, false) if self.undoing => AuditAction::Undone,
            (true, false) => AuditAction::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::audit::Line;
    use crate::core::engine::{self, CheckResult, Wish};
    use crate::core::error::{Code, Fault};
    use crate::core::plan::Step;
    use crate::host::audit::PATH;

    /// What a step does.
    #[derive(Clone, Copy)]
    enum Does {
        Nothing,
        /// Makes a file, which is gone again after the run.
        Change,
        /// Brings a release live.
        Switch,
        Fail,
    }

    impl Does {
        fn path(self) -> &'static str {
            match self {
                Does::Switch => "/home/citrino/citrino/live",
                _ => "/made",
            }
        }
    }

    impl Wish<System> for Does {
        async fn check(&self, system: &System) -> Result<CheckResult> {
            if matches!(self, Does::Nothing) || system.stat(self.path())?.is_some() {
                return Ok(CheckResult::same());
            }
            Ok(CheckResult::absent("is not there"))
        }

        async fn apply(&self, system: &System) -> Result<()> {
            match self {
                Does::Fail => Err(Fault::new(Code::E0402, "it says sentinel").into()),
                Does::Switch => {
                    let slots = system.path("/home/citrino/citrino/slots");
                    std::fs::create_dir_all(&slots)?;
                    std::os::unix::fs::symlink("/releases/r7", slots.join("blue"))?;
                    Ok(std::os::unix::fs::symlink(
                        "slots/blue",
                        system.path(self.path()),
                    )?)
                }
                _ => Ok(std::fs::write(system.path(self.path()), "")?),
            }
        }
    }

    fn steps(of: &[(&str, Does)]) -> Vec<Step<Does>> {
        let step = |(name, does): &(&str, Does)| Step::new("part", *name, *does);
        of.iter().map(step).collect()
    }

    /// The last line of a run of these steps and this undo.
    fn last_line(
        way: AuditAction,
        halted: bool,
        of: &[(&str, Does)],
        undo: &[(&str, Does)],
    ) -> Line {
        let folder = tempfile::tempdir().unwrap();
        last_line_on(&System::at(folder.path()), way, halted, of, undo)
    }

    fn last_line_on(
        system: &System,
        way: AuditAction,
        halted: bool,
        of: &[(&str, Does)],
        undo: &[(&str, Does)],
    ) -> Line {
        let plan = Plan::new(Claim::new("r", "deploy", "ana"), steps(of))
            .of_stack("s")
            .or_else(steps(undo));
        let mut record = AuditRecord::begin(system, &plan, way).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let tell = &mut |event| record.hear(&event);
        runtime
            .block_on(engine::run_unless(&plan, system, &|| halted, tell))
            .unwrap();
        let text = system.read_text(PATH).unwrap().unwrap();
        assert!(!text.contains("sentinel"), "{text}");
        let lines: Vec<Line> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0].deed.did, way);
        assert_eq!(lines[1].deed.found, None);
        lines[1].clone()
    }

    #[test]
    fn a_run_that_went_well_names_what_it_changed_and_brought_live() {
        let of = [
            ("same", Does::Nothing),
            ("made", Does::Change),
            ("live", Does::Switch),
        ];
        let deed = last_line(AuditAction::Begun, false, &of, &[]).deed;
        assert_eq!(deed.did, AuditAction::Ended);
        assert_eq!(deed.changed, ["made", "live"]);
        assert_eq!((deed.live.as_deref(), deed.step), (Some("r7"), None));
    }

    #[test]
    fn a_run_that_is_gone_on_with_tells_what_is_live_though_it_was_so_before() {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(Does::Switch.apply(&system)).unwrap();
        for (way, live) in [
            (AuditAction::Begun, None),
            (AuditAction::Resumed, Some("r7")),
        ] {
            let line = last_line_on(&system, way, false, &[("switch", Does::Switch)], &[]);
            assert_eq!(
                (line.deed.did, line.deed.live.as_deref()),
                (AuditAction::Ended, live)
            );
            system.remove(PATH).unwrap();
        }
    }

    #[test]
    fn a_run_that_failed_names_the_step_and_its_code_and_whether_it_is_undone() {
        let of = [("switch", Does::Switch), ("bad", Does::Fail)];
        let deed = last_line(AuditAction::Begun, false, &of, &[]).deed;
        assert_eq!(
            (deed.did, deed.step.as_deref()),
            (AuditAction::Failed, Some("bad"))
        );
        assert_eq!(deed.code, Some(Code::E0402));
        let deed = last_line(AuditAction::Begun, false, &of, &[("back", Does::Change)]).deed;
        assert_eq!(
            (deed.did, deed.step.as_deref()),
            (AuditAction::Undone, Some("bad"))
        );
        assert_eq!(deed.undone, ["back"]);
        let deed = last_line(AuditAction::Begun, false, &of, &[("stuck", Does::Fail)]).deed;
        assert_eq!(
            (deed.did, deed.step.as_deref()),
            (AuditAction::Failed, Some("bad"))
        );
    }

    #[test]
    fn a_run_that_was_stopped_is_halted_and_one_that_was_aborted_undone() {
        let (of, undo) = ([("next", Does::Change)], [("back", Does::Change)]);
        let deed = last_line(AuditAction::Begun, true, &of, &undo).deed;
        assert_eq!(
            (deed.did, deed.step.as_deref()),
            (AuditAction::Halted, Some("next"))
        );
        assert_eq!(deed.undone, ["back"]);
        let deed = last_line(AuditAction::Aborted, true, &of, &undo).deed;
        assert_eq!(deed.did, AuditAction::Undone);
        let deed = last_line(AuditAction::Begun, true, &of, &[("stuck", Does::Fail)]).deed;
        assert_eq!(deed.did, AuditAction::Failed);
    }
}
