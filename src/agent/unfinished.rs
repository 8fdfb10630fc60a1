//! The plan that the host is at work on, so that a run that was cut off can be ended later.

use anyhow::{Context, Result};

use crate::core::error::{Code, Fault};
use crate::core::plan::Plan;
use crate::host::journal::LastRun;
use crate::host::own;
use crate::host::system::System;
use crate::task::Task;

/// There while a plan with a way back runs, and after it was cut off.
const PATH: &str = own::PLAN;

/// A plan, and whether only its way back is left of it.
pub struct Work {
    pub plan: Plan<Task>,
    pub turned_back: bool,
}

/// Keeps a plan, but for the keys that open backups; it is on disk when this returns. A plan without a way back needs no keeping: its verb
/// again goes on from where it stopped.
pub async fn keep(system: &System, plan: &Plan<Task>) -> Result<()> {
    if plan.on_failure.is_empty() {
        return forget(system);
    }
    let text = serde_json::to_vec(&plan.map(|step| step.task.for_the_disk()))?;
    system.write_atomic(PATH, &text, 0o600, None, &[]).await
}

pub fn forget(system: &System) -> Result<()> {
    system.remove(PATH)
}

/// What is left to do of the run that was cut off: the rest of its plan, or of its undo when it was
/// on its way back.
///
/// # Errors
/// E0515 when no run was cut off.
pub fn rest(system: &System, last: Option<&LastRun>) -> Result<Work> {
    let (last, plan) = cut_off(system, last)?;
    let turned_back = last.failed.is_some() && turns_back(last, &plan);
    Ok(Work { plan, turned_back })
}

/// The undo of the run that was cut off.
///
/// # Errors
/// E0515 when no run was cut off, E0516 when it is past its point of no return.
pub fn way_back(system: &System, last: Option<&LastRun>) -> Result<Work> {
    let (last, plan) = cut_off(system, last)?;
    if turns_back(last, &plan) {
        return Ok(Work {
            plan,
            turned_back: true,
        });
    }
    Err(Fault::new(
        Code::E0516,
        format!(
            "the interrupted run is past its point of no return, at \"{}\"",
            last.step
        ),
    )
    .hint("`citrino-ops deploy --resume` finishes it; `citrino-ops rollback` then returns to the previous release")
    .into())
}

/// Whether the plan could still turn back where the run was.
fn turns_back(last: &LastRun, plan: &Plan<Task>) -> bool {
    plan.turns_back(last.n.saturating_sub(1))
}

fn cut_off<'a>(system: &System, last: Option<&'a LastRun>) -> Result<(&'a LastRun, Plan<Task>)> {
    let none = || {
        Fault::new(Code::E0515, "no run on the host was interrupted")
            .hint("`citrino-ops status` shows how the last run ended")
    };
    let last = last.filter(|last| last.end.is_none()).ok_or_else(none)?;
    let text = system.read_text(PATH)?.ok_or_else(none)?;
    let plan: Plan<Task> =
        serde_json::from_str(&text).with_context(|| format!("{PATH} cannot be read"))?;
    // An older one, which a run without a way back has overtaken.
    if plan.run != last.run {
        return Err(none().into());
    }
    Ok((last, plan))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::plan::{Claim, Step};
    use crate::core::secret::Secret;
    use crate::facts::backups::Accepts;
    use crate::task::{Restored, SwapReverted};

    #[tokio::test]
    async fn the_key_that_opens_a_backup_is_not_in_the_plan_on_the_disk() {
        let root = tempfile::tempdir().unwrap();
        let system = System::at(root.path());
        std::fs::create_dir_all(system.path(own::STATE)).unwrap();
        let restored = Restored {
            database: "live".to_owned(),
            backup: "citrino_20261125_030000".to_owned(),
            previous: "live_before".to_owned(),
            owner: None,
            accepts: Accepts::default(),
            identities: vec![Secret::new("AGE-SECRET-KEY-sentinel")],
        };
        let back = SwapReverted {
            database: "live".to_owned(),
            previous: "live_before".to_owned(),
        };
        let step = |name: &str, task: Task| Step::new("backup", name, task);
        let plan = Plan::new(
            Claim::new("r", "restore", "ana@desk"),
            vec![step("it comes back", restored.into())],
        )
        .of_stack("prod")
        .or_else(vec![step("as it was", back.into())]);
        keep(&system, &plan).await.unwrap();
        let text = system.read_text(PATH).unwrap().unwrap();
        assert!(
            text.contains("it comes back") && !text.contains("sentinel"),
            "{text}"
        );
    }
}
