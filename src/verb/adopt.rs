//! `adopt`: takes into the stack what has its names and belongs to nobody.

use anyhow::Result;

use super::job::Job;
use crate::cli::Adopt;
use crate::core::error::{Code, Fault, exit};
use crate::hetzner::labels;
use crate::planner::cloud;

pub async fn run(job: &mut Job<'_>, options: &Adopt) -> Result<u8> {
    let api = job.api()?;
    let pin = options.host_key.as_deref().map(pin).transpose()?;
    let server = options.server.as_deref();
    let steps = cloud::adopt(&job.stack, &job.keys, server, pin.as_deref());
    let preview = job.look_at_cloud(&api, steps.clone()).await?;
    if preview.is_empty() {
        job.report
            .note("there is nothing to take in: what has the stack's names is the stack's");
        return Ok(exit::OK);
    }
    let planned = preview.planned();
    let takes_server = planned.iter().any(|step| step.name.starts_with("adopt server "));
    if takes_server && pin.is_none() {
        job.show(&preview)?;
        return Err(Fault::new(Code::E0802, "a server is to be taken in, and its host key is not known: whoever answers in its place could not be told from it")
            .hint("print it in the server's console with `cat /etc/ssh/ssh_host_ed25519_key.pub`, and give the line with --host-key \"ssh-ed25519 AAAA…\"")
            .into());
    }
    api.check_writable().await?;
    if !options.yes.yes {
        job.show(&preview)?;
        job.report.forget_preview();
    }
    job.confirm(
        options.yes.yes,
        "this makes resources of the project part of the stack",
        "Take them in?",
    )
    .await?;
    job.run_cloud(&api, steps).await?;
    job.report
        .note("`citrino-ops plan` shows what differs from the wishes now");
    Ok(exit::OK)
}

fn pin(line: &str) -> Result<String> {
    labels::pin_label(line).map_err(|_| {
        Fault::new(Code::E0802, "--host-key is no ed25519 public key")
            .hint("give the whole line of the server's /etc/ssh/ssh_host_ed25519_key.pub")
            .into()
    })
}
