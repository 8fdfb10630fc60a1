//! Nobody locks himself out by the cloud's firewall: it is changed by the API, which answers whether its rules let anybody in or
//! not, so the host would never be reached again from here.

use std::net::IpAddr;

use anyhow::Result;

use super::job::Job;
use crate::core::error::{Code, Fault};
use crate::hetzner::{Hetzner, ServerView};
use crate::operator::remote::{Remote, Target};
use crate::verb::{on_cloud, on_host};

/// Asks the host from which address this machine comes: behind a router, nobody else knows. Nothing is asked of a host that does
/// not exist yet, or cannot be reached as it is: then there is nothing to lose.
///
/// # Errors
/// E0315 when the firewall of citrino.yml does not let that address in.
pub async fn must_stay_in(
    job: &mut Job<'_>,
    api: &Hetzner,
    server: Option<&ServerView>,
) -> Result<()> {
    let Some(server) = server.filter(|server| on_cloud::runs(Some(server))) else {
        return Ok(());
    };
    let target = on_host::target_of(job, api, server).await?;
    job.report
        .waiting(format!("connecting to {}", target.address));
    match seen_from(&target).await {
        Some(address) => may_come(job, address),
        None => Ok(()),
    }
}

fn may_come(job: &Job<'_>, address: IpAddr) -> Result<()> {
    let Some(cloud) = &job.stack.cloud else {
        return Ok(());
    };
    let mut networks = cloud.allow_ssh_from.iter();
    if networks.any(|network| network.net().contains(&address)) {
        return Ok(());
    }
    let networks = cloud.allow_ssh_from.iter().map(ToString::to_string);
    let networks = networks.collect::<Vec<_>>().join(", ");
    let message = format!(
        "this machine reaches the host from {address}, which `cloud.allow_ssh_from` ({networks}) does not let in"
    );
    let mask = if address.is_ipv4() { 32 } else { 128 };
    Err(Fault::new(Code::E0315, message)
        .hint(format!("nothing was changed; add `{address}/{mask}` to it, or run the command from a machine that it lets in"))
        .into())
}

/// sshd tells whom it talks to: `192.0.2.7 51000 203.0.113.1 22`.
async fn seen_from(target: &Target) -> Option<IpAddr> {
    let remote = Remote::open(target).await.ok()?;
    let said = remote
        .output(&["sh", "-c", "printf %s \"$SSH_CONNECTION\""])
        .await;
    remote.close().await;
    let said = said.ok()?;
    let first = said.split_whitespace().next()?;
    first
        .parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}
