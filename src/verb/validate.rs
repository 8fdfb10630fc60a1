//! `validate`: everything is read and rendered as a run would, and nothing is touched: commands for secrets run only when asked for.

use anyhow::Result;

use super::inputs;
use super::job::Job;
use crate::config::source;
use crate::core::error::exit;

pub fn run(job: &mut Job, resolve: bool) -> Result<u8> {
    // `Job::load` has checked it, as for every verb.
    let stack = &job.stack;
    let migrations =
        inputs::migrations(stack)?.map_or_else(String::new, |(_, sources)| match sources.len() {
            1 => ", 1 migration file".to_owned(),
            count => format!(", {count} migration files"),
        });
    let secrets = match stack.secrets.len() {
        0 => "no secrets".to_owned(),
        1 => "1 secret".to_owned(),
        count => format!("{count} secrets"),
    };
    let text = format!(
        "stack {} is valid: citrino.yml, {secrets}, playbooks and templates{migrations}",
        stack.name
    );
    job.report.note(text);
    if let Some(note) = job.stack.image_note() {
        job.report.note(format!("note: {note}"));
    }
    let spared = source::by_command(&job.stack);
    if !spared.is_empty() && !resolve {
        let text = format!(
            "Did not run the commands of {}; `citrino-ops validate --resolve` runs them.",
            spared.join(", ")
        );
        job.report.note(text);
    }
    Ok(exit::OK)
}
