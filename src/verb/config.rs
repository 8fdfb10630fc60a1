//! `config`: the configuration as it is read, its JSON Schema, and what each key means.

mod docs;
mod show;

use anyhow::Result;
use serde_json::json;

use super::job::Job;
use crate::cli::ConfigCommand;
use crate::config::reference;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::exit;
use crate::core::report::Report;

/// What needs a citrino.yml.
pub fn run(job: &mut Job<'_>, what: &ConfigCommand) -> Result<u8> {
    match what {
        ConfigCommand::Show => show::run(job),
        ConfigCommand::Schema | ConfigCommand::Docs { .. } => at_once(job.report, what),
    }
}

/// What is the same wherever it is asked.
pub fn at_once(report: &mut Report, what: &ConfigCommand) -> Result<u8> {
    match what {
        // It needs a citrino.yml.
        ConfigCommand::Show => {}
        ConfigCommand::Schema => schema(report),
        ConfigCommand::Docs { key: Some(key), .. } => docs::one(report, key)?,
        ConfigCommand::Docs { markdown: true, .. } => docs::markdown(report),
        ConfigCommand::Docs { .. } => docs::all(report),
    }
    Ok(exit::OK)
}

fn schema(report: &mut Report) {
    let schema = reference::schema();
    let text = format!("{schema:#}");
    let data = json!({ "schema": schema });
    report.datum(Datum::new(DatumKind::ConfigSchema, data), &text);
}
