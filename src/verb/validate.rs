//! `validate`: everything is read and rendered as a run would, and nothing is touched.

use anyhow::Result;

use super::inputs;
use super::job::Job;
use crate::core::error::exit;

pub fn run(job: &mut Job) -> Result<u8> {
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
    Ok(exit::OK)
}
