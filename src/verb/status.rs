//! `status`: what there is, at one look. It judges nothing; `health` does.

use anyhow::Result;
use time::OffsetDateTime;

use super::backup::headline;
use super::domain;
use super::job::Job;
use crate::core::error::exit;
use crate::facts::Facts;
use crate::hetzner::ServerView;
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
    job.report.fact("domain", leads.line(), None);
    drop(agent);
    remote.close().await;
    Ok(exit::OK)
}

fn of_server(job: &mut Job, server: Option<&ServerView>) {
    let Some(server) = server else {
        job.report.fact("server", "none yet", None);
        return;
    };
    let what = format!(
        "{} ({}), {} in {}, {}",
        server.name, server.id, server.server_type, server.location, server.status
    );
    job.report.fact("server", what, None);
    let addresses: Vec<_> = [&server.ipv4, &server.ipv6]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    job.report.fact("addresses", addresses.join(", "), None);
    let word = |yes: bool| if yes { "on" } else { "off" };
    let kept = format!(
        "protection {}, automatic backups {}",
        word(server.protected),
        word(server.backups)
    );
    job.report.fact("safeguards", kept, None);
}

/// `Debian` of `debian`, as os-release names it.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn of_host(job: &mut Job, facts: &Facts) {
    let system = format!(
        "{} {}, {} {}, {}.{} GB",
        capital(&facts.os.id),
        facts.os.version,
        facts.cpus,
        if facts.cpus == 1 { "CPU" } else { "CPUs" },
        facts.memory_mb / 1024,
        facts.memory_mb % 1024 * 10 / 1024
    );
    job.report.fact("host", system, None);
    let live = facts.app.live.as_ref();
    let release = live.and_then(|slot| facts.app.slots.get(slot).map(|id| (slot, id)));
    let serves = release.map_or("none".to_owned(), |(slot, id)| {
        format!("{id} in slot {slot}")
    });
    job.report.fact("release", serves, None);
    let backups = headline(&facts.backups, OffsetDateTime::now_utc());
    job.report.fact("backups", backups, None);
    if let Some(last) = &facts.last_run {
        let told = last.told(facts.busy);
        job.report.fact("last run", told, None);
    }
}
