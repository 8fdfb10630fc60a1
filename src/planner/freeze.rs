//! The file that locks a host until it is unlocked: there or not.

use anyhow::Result;

use crate::core::plan::Step;
use crate::host::lock::Freeze;
use crate::host::own::FREEZE;
use crate::task::file::FileContent;
use crate::task::{Absent, File, Perm, Task};

const PART: &str = "lock";

/// Nothing changes the host any more.
///
/// # Errors
/// Never, as far as is known: there is nothing in it that JSON could not hold.
pub fn locked(freeze: &Freeze) -> Result<Vec<Step<Task>>> {
    let text = serde_json::to_string(freeze)?;
    let file = File {
        path: FREEZE.to_owned(),
        content: FileContent::Text(format!("{text}\n")),
        mode: Perm(0o644),
        owner: "root".to_owned(),
        validate: Vec::new(),
    };
    Ok(vec![Step::new(PART, "lock the stack", file)])
}

/// Everything is as before.
pub fn unlocked() -> Vec<Step<Task>> {
    let path = FREEZE.to_owned();
    vec![Step::new(PART, "unlock the stack", Absent { path })]
}
