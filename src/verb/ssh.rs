//! `ssh`: the operator's own ssh, with the stack's pins.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Result;

use super::job::Job;
use crate::core::error::{Code, Fault};
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, command: &[String]) -> Result<u8> {
    let target = on_host::target(job).await?;
    target.pin()?;
    // It takes our place, so that signals, the terminal and its exit code are its own.
    let error = Command::new("ssh")
        .args(target.ssh_arguments())
        .args(command)
        .exec();
    Err(
        Fault::new(Code::E0404, format!("`ssh` could not be started: {error}"))
            .hint("install the OpenSSH client on this machine")
            .into(),
    )
}
