//! apt-get without questions, which waits for the lock instead of failing on it.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::host::system::{Cmd, Output, System};

/// How long another apt may hold a lock. On the first boot of a cloud server apt-daily.service
/// fetches lists and unattended-upgrades installs; both take minutes.
const LOCK_WAIT: Duration = Duration::from_mins(10);
const PAUSE: Duration = Duration::from_secs(2);

/// `--force-confold`: a configuration file on the host is the wish of another step and never
/// replaced by the one of a package (dpkg(1)). needrestart(1) must not ask which services to restart.
fn apt_get(args: &[&str]) -> Cmd {
    let options = [
        "apt-get",
        "-y",
        "-o",
        "DPkg::Lock::Timeout=600",
        "-o",
        "Dpkg::Use-Pty=0",
        "-o",
        "Dpkg::Options::=--force-confold",
    ];
    quiet(Cmd::new(options.iter().chain(args).copied()))
}

fn quiet(cmd: Cmd) -> Cmd {
    cmd.env("DEBIAN_FRONTEND", "noninteractive")
        .env("NEEDRESTART_MODE", "a")
        .env("APT_LISTCHANGES_FRONTEND", "none")
}

/// Runs apt-get. `DPkg::Lock::Timeout` waits for dpkg's locks only, so the locks of the lists and of the
/// archives are waited for here.
pub async fn run(system: &System, args: &[&str]) -> Result<Output> {
    let begun = Instant::now();
    loop {
        let output = system.run(&apt_get(args)).await?;
        if output.ok() || !is_locked(&output.stderr) || begun.elapsed() > LOCK_WAIT {
            return Ok(output);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Fetches the lists of all repositories.
pub async fn update(system: &System) -> Result<()> {
    run(system, &["update"]).await?.success()?;
    Ok(())
}

/// Finishes what a killed dpkg left half done.
pub async fn configure_all(system: &System) -> Result<()> {
    let argv = ["dpkg", "--force-confold", "--configure", "-a"];
    system.run(&quiet(Cmd::new(argv))).await?.success()?;
    Ok(())
}

fn is_locked(stderr: &str) -> bool {
    stderr.contains("Could not get lock") || stderr.contains("Unable to lock directory")
}

/// Whether the lists are missing or older than the repository that they speak of.
pub fn lists_are_stale(stderr: &str) -> bool {
    [
        "Unable to locate package",
        "has no installation candidate",
        "Couldn't find any package by",
        "Failed to fetch",
        "Unable to fetch some archives",
        "Hash Sum mismatch",
    ]
    .iter()
    .any(|sign| stderr.contains(sign))
}

/// Whether a dpkg before this one was killed.
pub fn was_interrupted(stderr: &str) -> bool {
    stderr.contains("dpkg was interrupted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_apart_why_apt_failed() {
        let locked = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1234 (apt-get)\nE: Unable to lock directory /var/lib/apt/lists/";
        let absent = "E: Unable to locate package postgresql-15";
        let virtual_only = "E: Package 'postgresql-15' has no installation candidate";
        let gone = "E: Failed to fetch http://mirror/pool/main/n/nginx/nginx_1.22.1-9_amd64.deb  404  Not Found [IP: 192.0.2.1 80]\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?";
        let killed = "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.";
        let full = "E: You don't have enough free space in /var/cache/apt/archives/.";
        assert!(is_locked(locked) && !lists_are_stale(locked));
        assert!(lists_are_stale(absent) && lists_are_stale(virtual_only) && lists_are_stale(gone));
        assert!(was_interrupted(killed) && !lists_are_stale(killed));
        assert!(!is_locked(full) && !lists_are_stale(full) && !was_interrupted(full));
    }
}
