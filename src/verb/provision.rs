//! `provision`: brings the cloud to its desired state, and waits until the host answers with a key of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use super::cost;
use super::job::Job;
use crate::cli::Provision;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::{Code, Fault, code, exit};
use crate::core::event::Act;
use crate::core::plan::{Mode, Step};
use crate::hetzner::labels;
use crate::hetzner::{Hetzner, ServerView, ZoneView, availability};
use crate::operator::preview::{Planned, Preview, Saved, replacements};
use crate::operator::remote::{Remote, Target};
use crate::planner::cloud::{self, DiskPolicy, Resource};
use crate::planner::host_key::{self, Rotation};
use crate::verb::cloud_door;
use crate::verb::consent;
use crate::verb::on_cloud;
use crate::verb::on_host;
use crate::verb::own_address;

/// From the end of the create action to the first answer of sshd.
const SSH_WITHIN: Duration = Duration::from_mins(5);
/// cloud-init's whole first boot.
const FIRST_BOOT_WITHIN: Duration = Duration::from_mins(10);
/// sshd takes its new key in a moment after it was told to.
const NEW_KEY_WITHIN: Duration = Duration::from_secs(15);

pub async fn run(job: &mut Job<'_>, options: &Provision) -> Result<u8> {
    let saved = match &options.apply.plan {
        Some(path) => Some(Saved::read(path, &job.host)?),
        None => None,
    };
    let api = on_cloud::api(job)?;
    let remembering = api.remembering();
    let server = api.server_of(&job.host).await?;
    offer(job, &api, server.as_ref()).await?;
    let renewal = if options.replace {
        DiskPolicy::WhenNeeded
    } else {
        DiskPolicy::Refused
    };
    let steps = steps(job, renewal)?;
    let preview = on_cloud::look(job, &api, steps.clone()).await?;
    drop(remembering);
    if options.apply.check {
        job.show(&preview)?;
        return Ok(pending(preview.is_empty()));
    }
    if preview.touches(&cloud::FIREWALL) {
        own_address::must_stay_in(job, &api, server.as_ref()).await?;
    }
    agree(job, &api, &preview, options, saved.as_ref()).await?;
    on_cloud::provision(job, &api, steps).await?;
    delegate(job, &api, &preview).await?;
    host(job, &api).await?;
    Ok(exit::OK)
}

pub fn pending(nothing: bool) -> u8 {
    if nothing { exit::OK } else { exit::PENDING }
}

/// The wishes, with a host key made for the case that a server is born.
pub fn steps(job: &Job, renewal: DiskPolicy) -> Result<Vec<Step<Resource>>> {
    let birth = host_key::birth(&job.playbooks, job.values())?;
    Ok(cloud::provision(&job.stack, &job.keys, &birth, renewal))
}

/// Says what the server is and costs, or refuses what cannot be had.
pub async fn offer(job: &mut Job<'_>, api: &Hetzner, server: Option<&ServerView>) -> Result<()> {
    let cloud = job.stack.cloud.as_ref().context("no cloud")?;
    let limit = cloud.max_monthly_eur.as_deref().copied();
    let offer = availability(api, &job.stack.name, cloud, server).await?;
    job.stack.must_fit(offer.memory_mb())?;
    let data = json!({
        "server_type": offer.server_type,
        "location": offer.location,
        "image": offer.image,
        "cores": offer.cores,
        "memory_gb": offer.memory_gb,
        "disk_gb": offer.disk_gb,
        "cost": (!offer.cost.items.is_empty()).then(|| cost::of_month(&offer.cost, limit, server.is_some())),
    });
    let line = offer.to_string();
    if job.report.is_told() {
        job.report.datum(Datum::new(DatumKind::Offer, data), &line);
    }
    for note in offer.notes.iter().chain(&job.stack.image_note()) {
        job.report.note(format!("note: {note}"));
    }
    Ok(())
}

/// Everything that can refuse does so before the first change. Nothing to change needs no yes.
async fn agree(
    job: &mut Job<'_>,
    api: &Hetzner,
    preview: &Preview,
    options: &Provision,
    saved: Option<&Saved>,
) -> Result<()> {
    let planned = preview.planned();
    if let Some(step) = replacements(&planned).next().filter(|_| !options.replace) {
        let what = step.change.what.join("; ");
        return Err(Fault::new(Code::E0311, format!("{} would have to be replaced: {what}", step.name))
            .hint("nothing was changed; correct cloud.image, or copy a backup off the host and add `--replace`")
            .into());
    }
    if let Some(saved) = saved {
        saved.still_holds(&job.wishes, &saved.cloud, &planned)?;
    }
    if preview.is_empty() {
        return Ok(());
    }
    cloud_door::may_change(job, api).await?;
    let yes = options.apply.yes.yes || saved.is_some();
    if !yes {
        job.show(preview)?;
    }
    let question = format!("{}. Continue?", job.report.prospect());
    job.report.forget_preview();
    let why = "This changes the cloud and may cost money.";
    let loses = |step: &Planned| matches!(step.change.act, Act::Replace | Act::Delete);
    if planned.iter().any(loses) {
        return consent::confirm_loss(job, yes, why, &question).await;
    }
    consent::confirm(job, yes, why, &question).await
}

/// A zone that was just made answers nobody until the registrar sends people to it.
async fn delegate(job: &mut Job<'_>, api: &Hetzner, preview: &Preview) -> Result<()> {
    let dns = job.stack.cloud.iter().find_map(|cloud| cloud.dns.as_ref());
    let Some(zone) = dns.map(|dns| dns.zone.clone()) else {
        return Ok(());
    };
    if preview.planned().iter().any(|step| step.id == cloud::ZONE)
        && let Some(found) = api.named::<ZoneView>(&zone).await?
    {
        let servers = found.authoritative_nameservers.assigned.join(", ");
        job.report.note(format!(
            "ask the registrar of {zone} to delegate it to {servers}"
        ));
    }
    Ok(())
}

/// Waits for the host, and gives it a key of its own.
pub async fn host(job: &mut Job<'_>, api: &Hetzner) -> Result<()> {
    let server = find(job, api).await?;
    let target = on_host::target_of(job, api, &server).await?;
    job.report
        .waiting(format!("waiting for {} to answer", target.address));
    let remote = Remote::wait(&target, SSH_WITHIN).await?;
    let born = [labels::BOOTSTRAP_KEY, labels::REBIRTH_KEY];
    if born.iter().any(|key| server.labels.contains_key(*key)) {
        first_boot(job, &remote).await?;
    }
    rotate(job, api, remote, target).await
}

/// The host gets a key of its own, step by step, from wherever that was cut off.
async fn rotate(
    job: &mut Job<'_>,
    api: &Hetzner,
    mut remote: Remote,
    mut target: Target,
) -> Result<()> {
    loop {
        let agent = on_host::agent(job, &remote).await?;
        // Asked anew each time, and late: setting labels sets all of them.
        let server = find(job, api).await?;
        let rotation = host_key::rotation(&server.labels, &agent.facts().host_keys)?;
        match rotation {
            Rotation::Done => break,
            Rotation::Make => drop(target.mirror.set_aside(&job.claim().run)?),
            Rotation::Forget => {
                drop(agent);
                remote.close().await;
                pin_own_key(&mut target, &server)?;
                remote = with_new_key(&target).await?;
                relabel(api, &server, &rotation).await?;
                job.report.note(
                    "The host now uses its own host key. Its bootstrap key is no longer accepted.",
                );
                continue;
            }
            _ => {}
        }
        relabel(api, &server, &rotation).await?;
        let steps = rotation.steps();
        if !steps.is_empty() {
            let plan = job.plan(Mode::Apply, steps, Vec::new());
            on_host::run(job, agent, &plan, &[]).await?;
        }
    }
    remote.close().await;
    Ok(())
}

async fn find(job: &Job<'_>, api: &Hetzner) -> Result<ServerView> {
    let found = api.server_of(&job.host).await?;
    Ok(found.ok_or_else(|| on_cloud::no_server(&job.host))?)
}

async fn relabel(api: &Hetzner, server: &ServerView, rotation: &Rotation) -> Result<()> {
    let labels = rotation.labels(server.labels.clone())?;
    if labels == server.labels {
        return Ok(());
    }
    api.relabel::<ServerView>(server.id, &server.name, &labels)
        .await
}

/// Only the host's own key counts from now on.
fn pin_own_key(target: &mut Target, server: &ServerView) -> Result<()> {
    let pin = server.labels.get(labels::HOST_KEY);
    target.host_keys = pin
        .iter()
        .map(|pin| labels::pinned_line(pin))
        .collect::<Result<_>>()?;
    Ok(())
}

/// The proof that sshd serves the new key. The old one may answer for a moment longer.
async fn with_new_key(target: &Target) -> Result<Remote> {
    let begun = Instant::now();
    loop {
        match Remote::wait(target, NEW_KEY_WITHIN).await {
            Err(error) if code(&error) == Code::E0502 && begun.elapsed() < NEW_KEY_WITHIN => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            outcome => return outcome,
        }
    }
}

/// The action's success is not cloud-init's: its end is asked for on the host.
async fn first_boot(job: &mut Job<'_>, remote: &Remote) -> Result<()> {
    job.report.waiting("waiting for cloud-init to finish");
    // 2 means that it ended with something to grumble about.
    let status = remote.output(&["sh", "-c", "cloud-init status --wait || test $? = 2"]);
    let failed = |why: String| {
        Fault::new(Code::E0506, format!("the first boot failed: {why}"))
            .hint("`citrino-ops ssh cat /var/log/cloud-init-output.log` shows the reason")
    };
    match tokio::time::timeout(FIRST_BOOT_WITHIN, status).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(failed(format!("{error:#}")).into()),
        Err(_) => Err(failed(format!(
            "cloud-init is still running after {} minutes",
            FIRST_BOOT_WITHIN.as_secs() / 60
        ))
        .into()),
    }
}
