//! `up`: from nothing to serving.

use anyhow::Result;
use serde_json::json;

use super::job::Job;
use super::{backup, converge, deploy, domain, health, provision};
use crate::cli::{Apply, Artifact, Provision, Yes};
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::exit;
use crate::verb::domain::Leads;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, yes: Yes, artifact: &Artifact) -> Result<u8> {
    // Built first: what does not compile needs no server.
    let build = deploy::build(job, artifact).await?;
    // A host's agent is this very binary.
    build.is_for(std::env::consts::ARCH)?;
    if job.stack.cloud.is_some() {
        job.report.heading("provision");
        let options = Provision {
            apply: Apply {
                yes,
                check: false,
                plan: None,
            },
            replace: false,
        };
        provision::run(job, &options).await?;
    }
    let target = on_host::target(job).await?;
    let remote = on_host::connect_to(job, &target).await?;
    job.report.heading("converge");
    converge::on(job, &remote, yes.yes).await?;
    job.report.heading("deploy");
    deploy::on(job, &remote, &build, None).await?;
    backup::first(job, &remote).await?;
    job.report.heading("health");
    let awaited = health::on(job, &remote).await?;
    remote.close().await;
    let scheme = job.stack.tls.https().map_or("http", |_| "https");
    let own = domain::addresses(job).await?;
    let leads = Leads::now(job, &own).await;
    let url = format!("{scheme}://{}/", target.address.in_url());
    let data = json!({"url": url, "domain": leads.data(), "tables_without_rows": awaited});
    let text = format!(
        "\n{} is live at {url}\n{}\n{}",
        job.stack.name,
        leads.lines(),
        next(&job.typed, &awaited),
    );
    if job.report.is_told() {
        job.report.datum(Datum::new(DatumKind::Site, data), &text);
    }
    Ok(exit::OK)
}

/// What to type after it; first of all what brings the data that is awaited.
fn next(typed: &str, awaited: &[String]) -> String {
    let mut lines = Vec::new();
    if !awaited.is_empty() {
        lines.push(format!(
            "The app runs without data: no rows in {}.",
            awaited.join(", ")
        ));
    }
    lines.push("Next:".to_owned());
    let import = ("db import FILE", "loads your data: a dump, or CSV files");
    let always = [
        ("health", "runs the checklist again"),
        ("plan", "shows what differs from citrino.yml"),
        ("logs -f", "follows the app's log"),
    ];
    let verbs = (!awaited.is_empty()).then_some(import).into_iter();
    let width = if awaited.is_empty() { 9 } else { 16 };
    lines.extend(
        verbs
            .chain(always)
            .map(|(verb, does)| format!("  {typed} {verb:<width$} {does}")),
    );
    lines.join("\n")
}
