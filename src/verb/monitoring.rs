//! `monitoring`: what Prometheus, Grafana and Uptime Kuma need to watch the stack.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::job::Job;
use crate::cli::MonitoringCommand;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::{Code, Fault, exit};
use crate::planner::monitoring;

pub fn run(job: &mut Job<'_>, what: &MonitoringCommand) -> Result<u8> {
    match what {
        MonitoringCommand::ExportKuma => {
            let monitors = monitoring::monitors(&job.stack);
            let text = format!("{monitors:#}");
            show(job, &monitors, &text);
        }
        MonitoringCommand::Prometheus { rules } => {
            has_exporters(job)?;
            let of = if *rules {
                monitoring::rules
            } else {
                monitoring::scrape_configs
            };
            let value = of(&job.stack);
            let text = serde_yaml::to_string(&value)?;
            show(job, &value, text.trim_end());
        }
        MonitoringCommand::Dashboards { out } => {
            has_exporters(job)?;
            dashboards(job, out)?;
        }
    }
    Ok(exit::OK)
}

fn show(job: &mut Job<'_>, value: &Value, text: &str) {
    let data = json!({ "content": value });
    job.report
        .datum(Datum::new(DatumKind::Monitoring, data), text);
}

/// What nobody fills is no use to anybody.
fn has_exporters(job: &Job<'_>) -> Result<()> {
    if job.stack.monitoring.exporters {
        return Ok(());
    }
    let message = "this stack has no exporters";
    Err(Fault::new(Code::E0802, message)
        .hint("set `monitoring.exporters: true` in citrino.yml, then run `citrino-ops converge`")
        .into())
}

fn dashboards(job: &mut Job<'_>, out: &Path) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("could not create {}", out.display()))?;
    for dashboard in monitoring::dashboards(&job.stack)? {
        let path = out.join(format!("{}.json", dashboard.name));
        let text = format!("{:#}\n", dashboard.json(&job.stack));
        fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
        let data = json!({ "file": path, "title": dashboard.title });
        let line = format!("{}: {}", path.display(), dashboard.title);
        job.report
            .datum(Datum::new(DatumKind::Dashboard, data), &line);
    }
    job.report
        .note("import each in Grafana: Dashboards, New, Import".to_owned());
    Ok(())
}
