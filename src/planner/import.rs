//! An import as a task: the data is checked in a database next to the live one, and takes its place.

use anyhow::Result;
use time::OffsetDateTime;

use crate::config::stack::Stack;
use crate::core::error::{Code, Fault};
use crate::core::plan::Step;
use crate::facts::app::AppFacts;
use crate::facts::backups;
use crate::task::imported::{ImportSource, Imported};
use crate::task::release_check::ReleaseCheck;
use crate::task::{Absent, Task};

/// The part of a plan that these steps stand in.
const PART: &str = "import";

/// The wish that the database is what was brought, or with `only_look` that it is known whether it could be.
///
/// # Errors
/// E0455 when no release serves, whose migrations and loader it takes.
pub fn imported(
    stack: &Stack,
    app: &AppFacts,
    brought: ImportSource,
    at: OffsetDateTime,
    only_look: bool,
) -> Result<Imported> {
    let release = app.live_release().ok_or_else(|| {
        Fault::new(
            Code::E0455,
            "no release is live on the host, and an import needs its migrations and its loader",
        )
        .hint("without `--check` the import deploys the app first; so do `citrino-ops deploy` and `up`")
    })?;
    Ok(Imported {
        previous: backups::previous(&stack.database.name, at),
        database: stack.database.name.to_string(),
        owner: stack.database.user.to_string(),
        trial: ReleaseCheck::of(&stack.profile, release),
        brought,
        only_look,
    })
}

/// The one step.
pub fn step(imported: Imported, name: impl Into<String>) -> Step<Task> {
    Step::new(PART, name, imported)
}

/// What was sent for it lies on the host no longer.
pub fn gone(brought: &ImportSource) -> Vec<Step<Task>> {
    let one = |path| {
        let absent = Absent { path };
        Step::new(PART, "delete the uploaded file", absent)
    };
    brought.files().into_iter().map(one).collect()
}
