//! A machine that is there already: its host key, and whether the stack could run there.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::time::timeout;

use crate::config::stack::{ExistingHost, Stack};
use crate::core::error::{Code, Fault, error_info};
use crate::core::report::Report;
use crate::core::value::{Address, HostKey, Port};
use crate::operator::known_host;
use crate::operator::remote::Remote;

/// How long a machine may take to show its key.
const WITHIN: Duration = Duration::from_secs(15);
/// What a machine says of itself in one line: system, processor, memory.
const SCRIPT: &str = r#". /etc/os-release; awk -v s="$PRETTY_NAME" -v m="$(uname -m)" '/^MemTotal/ {print s ", " m ", " int($2 / 1024) " MB"}' /proc/meminfo"#;

/// The ed25519 key that answers at the address. Nobody knows yet whose it is.
///
/// # Errors
/// E0501 when no such key is shown.
pub async fn host_key(address: &Address, port: Port) -> Result<HostKey> {
    let none = || {
        Fault::new(
            Code::E0501,
            format!("{address} port {port} shows no ed25519 host key"),
        )
        .hint("check the address and that sshd runs there, or give the key with --host-key")
    };
    let mut scan = Command::new("ssh-keyscan");
    scan.args([
        "-t",
        "ed25519",
        "-T",
        "5",
        "-p",
        &port.to_string(),
        "--",
        address,
    ])
    .stdin(Stdio::null())
    .kill_on_drop(true);
    let output = timeout(WITHIN, scan.output()).await.map_err(|_| none())?;
    let output = output.context("could not start `ssh-keyscan`")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut keys = lines.filter_map(|line| line.split_once(' ')?.1.trim().parse::<HostKey>().ok());
    Ok(keys.next().ok_or_else(none)?)
}

/// As `ssh-keygen -l` prints it.
pub fn fingerprint(key: &HostKey) -> String {
    let blob = key.split(' ').nth(1).unwrap_or_default();
    let blob = STANDARD.decode(blob).unwrap_or_default();
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob)))
}

/// Logs in once, and tells what is there. What does not work now is no reason to write nothing.
pub async fn tell(report: &mut Report, stack: &Stack, host: &ExistingHost) {
    report.waiting(format!("looking at {}", host.address));
    let target = known_host::existing(stack, &stack.only_host().name, host);
    let looked = async {
        let remote = Remote::open(&target).await?;
        let said = remote.output(&["sh", "-c", SCRIPT]).await;
        remote.close().await;
        said
    };
    match looked.await {
        Ok(said) => report.note(format!("{} is {}", host.address, said.trim())),
        Err(error) => report.note(format!(
            "{} could not be looked at: {}",
            host.address,
            error_info(&error).message
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compared with what `ssh-keygen -lf` prints.
    #[test]
    fn a_fingerprint_is_the_one_that_ssh_prints() {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{key}\n")).unwrap();
        let told = std::process::Command::new("ssh-keygen")
            .arg("-lf")
            .arg(file.path())
            .output()
            .unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        let print = fingerprint(&key.parse().unwrap());
        assert!(told.contains(&print) && print.len() == 50, "{told} {print}");
    }
}
