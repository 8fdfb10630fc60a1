//! `status`: what there is, at one look. It judges nothing; `health` does.

use anyhow::Result;
use serde_json::json;
use time::OffsetDateTime;

use super::backup::{headline, kept};
use super::domain;
use super::job::Job;
use super::lock;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::exit;
use crate::core::plain;
use crate::facts::Facts;
use crate::hetzner::ServerView;
use crate::host::journal::LastRun;
use crate::operator::known_host;
use crate::verb::on_cloud;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    let target = if let Some(existing) = &job.stack.host {
        Some(known_host::existing(&job.stack, &job.host.name, existing))
    } else {
        let api = on_cloud::api(job)?;
        let server = api.server_of(&job.host).await?;
        of_server(job, server.as_ref());
        match server.filter(|server| on_cloud::runs(Some(server))) {
            Some(server) => Some(on_host::target_of(job, &api, &server).await?),
            None => None,
        }
    };
    let Some(target) = target else {
        return Ok(exit::OK);
    };
    let remote = on_host::connect_to(job, &target).await?;
    let agent = on_host::agent(job, &remote).await?;
    of_host(job, agent.facts());
    let site = domain::addresses(job).await?;
    let leads = domain::Leads::now(job, &site).await;
    let datum = Datum::new(DatumKind::Domain, leads.data());
    let url = job.stack.public_url();
    tell(job, datum, &[("site", url), ("domain", leads.line())]);
    drop(agent);
    remote.close().await;
    Ok(exit::OK)
}

/// A line of what there is: its title, and what is to be said.
fn tell(job: &mut Job, datum: Datum, rows: &[(&str, String)]) {
    let lines: Vec<String> = rows
        .iter()
        .map(|(title, told)| format!("{title:<11} {}", plain::line(told)))
        .collect();
    job.report.datum(datum, &lines.join("\n"));
}

fn of_server(job: &mut Job, server: Option<&ServerView>) {
    let Some(server) = server else {
        let datum = Datum::new(DatumKind::Server, json!({"exists": false}));
        return tell(job, datum, &[("server", "none yet".to_owned())]);
    };
    let data = json!({
        "exists": true,
        "id": server.id,
        "name": server.name,
        "server_type": server.server_type,
        "location": server.location,
        "status": server.status.to_string(),
        "ipv4": server.ipv4,
        "ipv6": server.ipv6,
        "protected": server.protected,
        "automatic_backups": server.backups,
    });
    let what = format!(
        "{} ({}), {} in {}, {}",
        server.name, server.id, server.server_type, server.location, server.status
    );
    let addresses: Vec<_> = [&server.ipv4, &server.ipv6]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let word = |yes: bool| if yes { "on" } else { "off" };
    let kept = format!(
        "protection {}, automatic backups {}",
        word(server.protected),
        word(server.backups)
    );
    let rows = [
        ("server", what),
        ("addresses", addresses.join(", ")),
        ("safeguards", kept),
    ];
    tell(job, Datum::new(DatumKind::Server, data), &rows);
}

/// `Debian` of `debian`, as os-release names it.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn of_host(job: &mut Job, facts: &Facts) {
    let data = json!({
        "name": job.host.name,
        "system": facts.os.id,
        "version": facts.os.version,
        "cpus": facts.cpus,
        "memory_mb": facts.memory_mb,
    });
    let system = format!(
        "{} {}, {} {}, {}.{} GB",
        capital(&facts.os.id),
        facts.os.version,
        facts.cpus,
        if facts.cpus == 1 { "CPU" } else { "CPUs" },
        facts.memory_mb / 1024,
        facts.memory_mb % 1024 * 10 / 1024
    );
    tell(job, Datum::new(DatumKind::Host, data), &[("host", system)]);
    let live = facts.app.live.as_ref();
    let release = live.and_then(|slot| facts.app.slots.get(slot).map(|id| (slot, id)));
    let serves = release.map_or("none".to_owned(), |(slot, id)| {
        format!("{id} in slot {slot}")
    });
    let data = json!({
        "release": release.map(|(_, id)| id),
        "slot": release.map(|(slot, _)| slot),
    });
    tell(
        job,
        Datum::new(DatumKind::Live, data),
        &[("release", serves)],
    );
    if let Some(since) = &facts.maintenance {
        let datum = Datum::new(DatumKind::Maintenance, json!({ "since": since }));
        let closed = format!("on since {since}; `citrino-ops maintenance off` opens the site");
        tell(job, datum, &[("maintenance", closed)]);
    }
    if let Some(freeze) = &facts.freeze {
        let rows = [("locked", freeze.told())];
        tell(job, lock::datum(facts), &rows);
    }
    let backups = headline(&facts.backups, OffsetDateTime::now_utc());
    tell(job, kept(&facts.backups), &[("backups", backups)]);
    if let Some(last) = &facts.last_run {
        of_last_run(job, last, facts.busy);
    }
}

fn of_last_run(job: &mut Job, last: &LastRun, busy: bool) {
    let data = json!({
        "run": last.run,
        "verb": last.verb,
        "who": last.who,
        "since": last.since,
        "step": last.step,
        "ended": last.end.is_some(),
        "running": busy && last.end.is_none(),
        "counts": last.end,
        "failed": last.failed,
    });
    let datum = Datum::new(DatumKind::LastRun, data);
    tell(job, datum, &[("last run", last.told(busy))]);
}
