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
        ConfigCommand::Show => Ok(exit::OK),
        ConfigCommand::Schema => {
            let schema = reference::schema();
            let text = format!("{schema:#}");
            report.datum(
                Datum::new(DatumKind::ConfigSchema, json!({ "schema": schema })),
                &text,
            );
            Ok(exit::OK)
        }
        ConfigCommand::Docs { key, markdown } => match key {
            Some(key) => docs::one(report, key),
            None if *markdown => docs::markdown(report),
            None => docs::all(report),
        },
    }
}
