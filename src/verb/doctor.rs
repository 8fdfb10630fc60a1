//! `doctor`: what the stack needs from the operator's own machine. No host is reached, and nothing is changed.

use anyhow::Result;
use serde_json::json;
use time::OffsetDateTime;

use super::domain;
use super::job::Job;
use super::on_cloud;
use crate::config::source;
use crate::config::stack::SecretSource;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::{Code, Fault, error_info, exit};
use crate::core::plain;
use crate::core::value::ToolVersion;
use crate::operator::doctor::{self, MachineRow};
use crate::operator::seen::SeenNames;

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    job.report.waiting("looking at this machine");
    let rows = rows(job).await;
    job.report.rest();
    for row in &rows {
        tell(job, row);
    }
    let bad = rows.iter().filter(|row| row.next.is_some()).count();
    if bad == 0 {
        return Ok(exit::OK);
    }
    let message = format!("{bad} of {} checks failed", rows.len());
    Err(Fault::new(Code::E0705, message)
        .hint("do what the rows marked with ✗ say, then run `citrino-ops doctor` again")
        .into())
}

async fn rows(job: &Job<'_>) -> Vec<MachineRow> {
    let cloud = job.stack.cloud.iter().flat_map(|cloud| &cloud.ssh_keys);
    let identity = job
        .stack
        .host
        .iter()
        .filter_map(|host| host.identity.as_ref());
    let keys: Vec<_> = cloud
        .chain(identity)
        .map(|path| job.stack.resolve(path))
        .collect();
    let mut rows = vec![
        version(job),
        doctor::ssh().await,
        doctor::login(&keys).await,
    ];
    rows.extend(doctor::space(&job.stack.folder));
    rows.push(secrets(job));
    rows.extend(api(job).await);
    rows.extend(site(job).await);
    rows
}

/// This program beside the one that converged the host, as a command of this machine has seen that last.
fn version(job: &Job<'_>) -> MachineRow {
    const NAME: &str = "citrino-ops";
    let own = ToolVersion::own();
    match SeenNames::read(&job.host.name).converged_by {
        None => MachineRow::good(NAME, own.to_string()),
        Some(there) if there > own => MachineRow::bad(
            NAME,
            format!("{own}, but {there} converged the host: this one changes nothing there"),
            format!("install citrino-ops {there} or a newer one"),
        ),
        Some(there) => MachineRow::good(NAME, format!("{own}; {there} converged the host")),
    }
}

/// Those that give no value. Commands are not run: they may want a person.
fn secrets(job: &Job<'_>) -> MachineRow {
    const NAME: &str = "secrets";
    let sources = source::all(&job.stack).into_iter();
    let asked = sources.filter(|(_, source)| !matches!(source, SecretSource::Command(_)));
    let missing: Vec<String> = asked
        .filter(|(key, source)| source::resolves(&job.stack, key, source).is_err())
        .map(|(key, _)| key)
        .collect();
    if missing.is_empty() {
        return MachineRow::good(NAME, "each source that can be asked gives a value");
    }
    let next = "`citrino-ops secrets list` says why";
    MachineRow::bad(
        NAME,
        format!("without a value: {}", missing.join(", ")),
        next,
    )
}

/// The token, and this clock beside the API's.
async fn api(job: &Job<'_>) -> Vec<MachineRow> {
    const NAME: &str = "token";
    if job.stack.cloud.is_none() {
        return Vec::new();
    }
    let asked = async {
        let api = on_cloud::api(job)?;
        api.server_of(&job.host).await
    };
    let token = match asked.await {
        Ok(_) => MachineRow::good(NAME, "the Hetzner API accepts it"),
        Err(error) => {
            let info = error_info(&error);
            let next = info
                .hint
                .unwrap_or_else(|| format!("`citrino-ops explain {}`", info.code));
            MachineRow::bad(NAME, info.message, next)
        }
    };
    let date = doctor::date_of(&on_cloud::endpoint(job)).await;
    let clock = doctor::clock(date.as_deref(), OffsetDateTime::now_utc());
    [token].into_iter().chain(clock).collect()
}

/// Whether the domain points to the host; nothing where no host is known yet.
async fn site(job: &Job<'_>) -> Option<MachineRow> {
    const NAME: &str = "domain";
    let own = domain::addresses(job)
        .await
        .ok()
        .filter(|own| !own.is_empty())?;
    let leads = domain::Leads::now(job, &own).await;
    Some(if leads.here {
        MachineRow::good(NAME, leads.line())
    } else {
        MachineRow::bad(NAME, leads.found(), leads.records_to_set())
    })
}

fn tell(job: &mut Job<'_>, row: &MachineRow) {
    let MachineRow { name, told, next } = row;
    let data = json!({"name": name, "told": told, "next": next});
    let mark = if next.is_none() { "✓" } else { "✗" };
    let width = job.report.width();
    let mut line = indented(&format!("{mark} {name:<15} "), told, width);
    if let Some(next) = next {
        line = format!(
            "{line}\n{}",
            indented(&format!("  {:<15} ", ""), &format!("next: {next}"), width)
        );
    }
    job.report
        .datum(Datum::new(DatumKind::Machine, data), &line);
}

/// A text behind what begins its row, whose other lines stand below the first.
fn indented(begin: &str, text: &str, width: usize) -> String {
    let rest = " ".repeat(begin.chars().count());
    let options = textwrap::Options::new(width)
        .initial_indent(begin)
        .subsequent_indent(&rest);
    textwrap::fill(&plain::line(text), options)
}
