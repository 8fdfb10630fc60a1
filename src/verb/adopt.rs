//! `adopt`: takes into the stack what has its names and belongs to nobody.

use anyhow::Result;

use super::job::Job;
use crate::cli::Adopt;
use crate::core::error::{Code, Fault, exit};
use crate::hetzner::{ServerView, labels};
use crate::planner::cloud;
use crate::verb::consent;
use crate::verb::on_cloud;

pub async fn run(job: &mut Job<'_>, options: &Adopt) -> Result<u8> {
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
    api.check_writable().await?;
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
