//! `adopt`: takes into the stack what has its names and belongs to nobody.

use anyhow::Result;

use super::job::Job;
use crate::cli::Adopt;
use crate::core::error::{Code, Fault, exit};
use crate::core::plan::Mode;
use crate::hetzner::{ServerView, labels};
use crate::host::own::ORIGINALS;
use crate::operator::preview::Preview;
use crate::planner::{before, cloud};
use crate::task::neighbours::NOT_LOOKED_AT;
use crate::verb::cloud_door;
use crate::verb::consent;
use crate::verb::on_cloud;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, options: &Adopt) -> Result<u8> {
    if job.stack.host.is_some() {
        return neighbours(job, options.yes.yes).await;
    }
    if options.host {
        return Err(Fault::new(
            Code::E0802,
            "`--host` is for a host that was there before, and citrino.yml has `cloud`",
        )
        .hint("nothing was changed; `host:` in citrino.yml names a machine that citrino-ops did not make")
        .into());
    }
    let api = on_cloud::api(job)?;
    let pin = options.host_key.as_deref().map(pin).transpose()?;
    let server = options.server.as_deref();
    if let Some(name) = server
        && api.named::<ServerView>(name).await?.is_none()
    {
        return Err(no_such_server(name).into());
    }
    let steps = cloud::adopt(&job.stack, &job.keys, server, pin.as_deref());
    let preview = on_cloud::look(job, &api, steps.clone()).await?;
    if preview.is_empty() {
        job.report
            .note("nothing to adopt: all resources with the stack's names are part of the stack");
        return Ok(exit::OK);
    }
    let planned = preview.planned();
    let takes_server = planned.iter().any(|step| step.id == cloud::SERVER);
    if takes_server && pin.is_none() {
        job.show(&preview)?;
        return Err(Fault::new(Code::E0802, "the host key of the server is not known, so another machine could answer in its place")
            .hint("print the key in the server's console at Hetzner with `cat /etc/ssh/ssh_host_ed25519_key.pub`, and pass the line with --host-key \"ssh-ed25519 AAAA…\"")
            .into());
    }
    cloud_door::may_change(job, &api).await?;
    if !options.yes.yes {
        job.show(&preview)?;
        job.report.forget_preview();
    }
    consent::confirm(
        job,
        options.yes.yes,
        "This makes existing resources part of the stack.",
        "Adopt them?",
    )
    .await?;
    on_cloud::run(job, &api, steps).await?;
    job.report
        .note("`citrino-ops plan` shows how they differ from citrino.yml");
    Ok(exit::OK)
}

/// Agrees to what others have on the host and `converge` changes, sentence by sentence.
async fn neighbours(job: &mut Job<'_>, yes: bool) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let steps = before::steps(&job.stack)?;
    let agent = on_host::agent(job, &remote).await?;
    let plan = job.plan(Mode::Check, steps, Vec::new());
    let mut preview = Preview::default();
    preview.tally = agent
        .run(&plan, &[], &mut |event| preview.events.push(event))
        .await?;
    let planned = preview.planned();
    let others = planned.iter().find(|step| step.id == before::NEIGHBOURS);
    let mut agree: Vec<String> = others.map_or_else(Vec::new, |step| step.change.what.clone());
    agree.retain(|sentence| sentence != NOT_LOOKED_AT);
    job.show(&preview)?;
    job.report.forget_preview();
    if agree.is_empty() {
        job.report
            .note("nothing to adopt: `converge` changes nothing that others have on this host");
        return Ok(exit::OK);
    }
    let why = "`converge` changes what others have on this host, as listed.";
    consent::confirm(job, yes, why, "Go on with this in `converge`?").await?;
    let agent = on_host::agent(job, &remote).await?;
    let steps = before::neighbours(&job.stack, agree).into_iter().collect();
    let plan = job.plan(Mode::Apply, steps, Vec::new());
    on_host::run(job, agent, &plan, &[]).await?;
    remote.close().await;
    let typed = &job.typed;
    let note = format!(
        "Remembered. `{typed} converge` goes on; files that it replaces are kept below {ORIGINALS} on the host."
    );
    job.report.note(note);
    Ok(exit::OK)
}

fn no_such_server(name: &str) -> Fault {
    Fault::new(
        Code::E0802,
        format!("there is no server {name} in the project"),
    )
    .hint("nothing was changed; the Hetzner console shows the names")
}

fn pin(line: &str) -> Result<String> {
    labels::pin_label(line).map_err(|_| {
        Fault::new(Code::E0802, "--host-key is not an ed25519 public key")
            .hint("pass the whole line of the server's /etc/ssh/ssh_host_ed25519_key.pub")
            .into()
    })
}
