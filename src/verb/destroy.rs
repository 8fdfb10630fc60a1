//! `destroy`: deletes everything of the stack in the cloud, and nothing else.

use anyhow::Result;
use serde_json::json;

use super::job::Job;
use crate::cli::Yes;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::exit;
use crate::hetzner::{AddressView, Hetzner, NetworkView, ResourceKind, ServerView, VolumeView};
use crate::operator::mirror::Mirror;
use crate::planner::cloud;
use crate::verb::cloud_door;
use crate::verb::consent;
use crate::verb::on_cloud;

pub async fn run(job: &mut Job<'_>, snapshots: bool, yes: Yes) -> Result<u8> {
    let api = on_cloud::api(job)?;
    let stack = job.stack.name.clone();
    let steps = cloud::destroy(&job.stack, snapshots);
    let preview = on_cloud::look(job, &api, steps.clone()).await?;
    if preview.is_empty() {
        if !tell_of_snapshots(job, &api).await? {
            let text = format!("stack {stack} has no resources at Hetzner");
            job.report.note(text);
        }
        return Ok(exit::OK);
    }
    job.show(&preview)?;
    job.report.forget_preview();
    consent::confirm_by_name(
        job,
        yes.yes,
        &format!("This deletes stack {stack} with all its data."),
        "All of this will be deleted, with its data.",
    )
    .await?;
    cloud_door::may_change(job, &api).await?;
    on_cloud::provision(job, &api, steps).await?;
    for host in job.stack.hosts() {
        Mirror::of(&host.name).set_aside(&job.claim().run)?;
    }
    tell_of_snapshots(job, &api).await?;
    Ok(exit::OK)
}

/// Snapshots stay unless they are named too. Says whether there are any.
async fn tell_of_snapshots(job: &mut Job<'_>, api: &Hetzner) -> Result<bool> {
    let left = api.snapshots_of(&job.stack.name).await?.len();
    if left > 0 {
        let line = format!(
            "snapshots that stay, and cost: {left}; `citrino-ops destroy --snapshots` deletes them"
        );
        let data = json!({ "left": left });
        job.report
            .datum(Datum::new(DatumKind::Snapshots, data), &line);
    }
    Ok(left > 0)
}

/// The first step for what is protected. The second is a command of its own, so that nobody deletes
/// what somebody protected by one line.
pub async fn unprotect(job: &mut Job<'_>) -> Result<u8> {
    let api = on_cloud::api(job)?;
    Box::pin(cloud_door::refuse_while_frozen(job, &api)).await?;
    let stack = job.stack.name.clone();
    let servers: Vec<ServerView> = api.of_stack(&stack).await?;
    let mut lifted = 0;
    for server in servers.iter().filter(|server| server.protected) {
        api.protect_server(server, false).await?;
        say(job, server);
        lifted += 1;
    }
    lifted += unprotect_all::<AddressView>(job, &api).await?;
    lifted += unprotect_all::<VolumeView>(job, &api).await?;
    lifted += unprotect_all::<NetworkView>(job, &api).await?;
    job.report.note(match lifted {
        0 => "Nothing is protected.",
        _ => "`citrino-ops provision` and `citrino-ops up` protect them again.",
    });
    Ok(exit::OK)
}

/// How many were protected.
async fn unprotect_all<K: ResourceKind>(job: &mut Job<'_>, api: &Hetzner) -> Result<usize> {
    let mut found: Vec<K> = api.of_stack(&job.stack.name).await?;
    found.retain(K::is_protected);
    for one in &found {
        api.protect(one, false).await?;
        say(job, one);
    }
    Ok(found.len())
}

fn say<K: ResourceKind>(job: &mut Job, one: &K) {
    let (word, name) = (K::WORD, one.name());
    let data = json!({"resource": word, "name": name});
    let line = format!("{word} {name} is no longer protected");
    job.report
        .datum(Datum::new(DatumKind::Unprotected, data), &line);
}
