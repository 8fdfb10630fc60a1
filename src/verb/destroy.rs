//! `destroy`: deletes everything of the stack in the cloud, and nothing else.

use anyhow::Result;

use super::job::Job;
use crate::cli::Yes;
use crate::cloud;
use crate::error::{Fault, exit};
use crate::hetzner::Hetzner;
use crate::plan::Mode;

pub async fn run(job: &mut Job<'_>, unprotect: bool, yes: Yes) -> Result<u8> {
    let api = job.api()?;
    if unprotect {
        return take_protection_off(job, &api).await;
    }
    let steps = cloud::destroy(&job.stack.name);
    let tally = job.run_cloud(&api, Mode::Check, steps.clone()).await?;
    job.report.forget_preview();
    if tally.differs == 0 {
        job.report.note(format!(
            "nothing of the stack {} is in the cloud",
            job.stack.name
        ));
        return Ok(exit::OK);
    }
    if !yes.yes {
        confirm(job)?;
    }
    job.run_cloud(&api, Mode::Apply, steps).await?;
    Ok(exit::OK)
}

/// The first step for a protected server. The second is a command of its own, so that nobody
/// deletes what somebody protected by one line.
async fn take_protection_off(job: &mut Job<'_>, api: &Hetzner) -> Result<u8> {
    let servers = api.servers_of(&job.stack.name).await?;
    for server in servers.iter().filter(|server| server.protected) {
        api.protect_server(server, false).await?;
        job.report.note(format!(
            "the server {} can be deleted now; run `citrino-ops destroy` to do it",
            server.name
        ));
    }
    Ok(exit::OK)
}

fn confirm(job: &mut Job) -> Result<()> {
    let name = job.stack.name.clone();
    if !job.report.can_ask() {
        return Err(Fault::new("E0801", format!("this deletes the stack {name} with all its data, and nobody is at a terminal to confirm it"))
            .hint("add --yes")
            .into());
    }
    let typed = job.report.ask(&format!(
        "All of this is deleted, with its data. Type `{name}` to go on:"
    ))?;
    if typed == name {
        return Ok(());
    }
    Err(Fault::new("E0801", "nothing was deleted: the name was not typed").into())
}
