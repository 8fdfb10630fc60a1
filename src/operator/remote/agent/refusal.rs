//! Why the host is not changed: known before anything is sent to it, or said by it.

use super::Agent;
use crate::core::error::{Code, Fault};
use crate::core::value::ToolVersion;
use crate::host::lock::Holder;

impl Agent<'_> {
    /// What this version would change was made by a newer one, which knew why.
    pub(super) fn refuse_older(&self) -> Result<(), Fault> {
        let own = ToolVersion::own();
        let Some(newer) = self.facts.converged_by.filter(|newer| *newer > own) else {
            return Ok(());
        };
        let message = format!(
            "the host was converged by citrino-ops {newer}, and this is the older {own}, which would put back what that one changed"
        );
        Err(Fault::new(Code::E0519, message).hint(format!(
            "nothing was changed; use citrino-ops {newer} or a newer one"
        )))
    }

    /// The host refuses it under its lock too; here before anything is sent.
    pub(super) fn refuse_frozen(&self, passes: bool) -> Result<(), Fault> {
        match &self.facts.freeze {
            Some(freeze) if !passes => Err(freeze.refusal()),
            _ => Ok(()),
        }
    }
}

pub fn locked(holder: &Holder) -> Fault {
    let step = if holder.step.is_empty() {
        String::new()
    } else {
        format!(", now at \"{}\"", holder.step)
    };
    Fault::new(
        Code::E0504,
        format!(
            "the host is locked by {} since {}: {} (run {}){step}",
            holder.who, holder.since, holder.verb, holder.run
        ),
    )
    .hint("wait until that run has ended; the lock ends with it")
}
