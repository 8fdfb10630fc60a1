//! `validate`: everything is read and rendered as a run would, and nothing is touched.

use anyhow::Result;

use super::inputs;
use super::job::Job;
use crate::core::error::exit;

pub fn run(job: &mut Job) -> Result<u8> {
    // `Job::load` has checked it, as for every verb.
    let stack = &job.stack;
    let migrations = inputs::migrations(stack)?.map_or_else(String::new, |(_, sources)| {
        format!(", {} migration files", sources.len())
    });
    let text = format!(
        "stack {} is valid: citrino.yml, {} secrets, playbooks and templates{migrations}",
        stack.name,
        stack.secrets.len()
    );
    job.report.note(text);
    Ok(exit::OK)
}
