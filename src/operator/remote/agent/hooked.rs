//! The operator's own programs run while the host holds its lock: before its first step, and after its last one.

use anyhow::Result;

use super::Agent;
use crate::core::error::{Code, Fault};
use crate::core::event::{Counts, Event};
use crate::core::plan::HookWaits;
use crate::operator::hooks::{HookPoint, Hooks};
use crate::protocol::ToAgent;

impl Agent<'_> {
    /// The same conversation, around whose run these are run.
    pub fn with_hooks(mut self, hooks: Hooks) -> Self {
        self.hooks = Some(Box::new(hooks));
        self
    }

    /// How long the host waits for them.
    pub(super) fn hook_waits(&mut self) -> HookWaits {
        let waits = self.hooks.as_deref().map(Hooks::waits);
        let waits = waits.unwrap_or_default();
        self.waits_to_begin = waits.before_s.is_some();
        waits
    }

    /// The host has its lock, and waits. It may say so once.
    ///
    /// # Errors
    /// E0528 when the hook failed: whoever leaves now lets nothing begin.
    pub(super) async fn begin(&mut self, tell: &mut impl FnMut(Event)) -> Result<()> {
        self.waits_to_begin = false;
        if let Some(hooks) = &self.hooks {
            let ran = hooks.run(HookPoint::Before, &[], tell).await;
            ran.map_err(|why| {
                Fault::new(Code::E0528, why).hint(
                    "nothing was changed; act on what the hook printed, then run the command again",
                )
            })?;
        }
        self.say(&ToAgent::Begin).await
    }

    /// What the run failed with is told to the hook after it.
    pub(super) fn note_failure(&mut self, event: &Event) {
        if let Event::Step { label, error, .. } = event
            && !label.undo
            && self.failure.is_none()
        {
            self.failure = error.clone().map(Box::new);
        }
    }

    /// The run has ended, and the host still holds its lock.
    ///
    /// # Errors
    /// E0529 when the hook after a good run failed. Of a bad one its own error is told.
    pub(super) async fn ended(
        &mut self,
        tally: Counts,
        tell: &mut impl FnMut(Event),
    ) -> Result<()> {
        let Some(hooks) = &self.hooks else {
            return Ok(());
        };
        let mut more = vec![("HOOK_CHANGED", tally.changed.to_string())];
        if tally.failed + tally.skipped == 0 {
            let ran = hooks.run(HookPoint::After, &more, tell).await;
            return ran.map_err(|why| {
                Fault::new(Code::E0529, format!("the run succeeded, but {why}"))
                    .hint("the release is live; do by hand what the hook did not")
                    .into()
            });
        }
        if let Some(error) = &self.failure {
            more.push(("HOOK_ERROR_CODE", error.code.to_string()));
            more.push(("HOOK_ERROR", error.message.clone()));
        }
        if let Err(why) = hooks.run(HookPoint::Failed, &more, tell).await {
            tell(Event::note(why));
        }
        Ok(())
    }
}
