//! `validate`: everything is read and rendered as a run would, and nothing is touched: commands for secrets run only when asked for.

use anyhow::Result;
use serde_json::json;

use super::inputs;
use super::job::Job;
use crate::config::source;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::exit;

pub fn run(job: &mut Job, resolve: bool) -> Result<u8> {
    // `Job::load` has checked it, as for every verb.
    let stack = &job.stack;
    let migrations = inputs::migrations(stack)?.map(|(_, sources)| sources.len());
    let files = match migrations {
        None => String::new(),
        Some(1) => ", 1 migration file".to_owned(),
        Some(count) => format!(", {count} migration files"),
    };
    let secrets = match stack.secrets.len() {
        0 => "no secrets".to_owned(),
        1 => "1 secret".to_owned(),
        count => format!("{count} secrets"),
    };
    let text = format!(
        "stack {} is valid: citrino.yml, {secrets}, playbooks and templates{files}",
        stack.name
    );
    let spared = source::by_command(&job.stack);
    let spared = if resolve { Vec::new() } else { spared };
    let data = json!({
        "stack": job.stack.name,
        "secrets": job.stack.secrets.len(),
        "migration_files": migrations,
        "unresolved_secrets": spared,
    });
    if job.report.is_told() {
        job.report
            .datum(Datum::new(DatumKind::Configuration, data), &text);
    }
    if let Some(note) = job.stack.image_note() {
        job.report.note(format!("note: {note}"));
    }
    if !spared.is_empty() {
        let text = format!(
            "Did not run the commands of {}; `citrino-ops validate --resolve` runs them.",
            spared.join(", ")
        );
        job.report.note(text);
    }
    Ok(exit::OK)
}
