//! Is the system kept up: its clock, its updates, and whether what runs is what is installed.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::super::program::run_if_there;
use crate::core::engine::CheckResult;
use crate::facts::HOST_KEY;
use crate::host::system::{Cmd, System};

/// What a package leaves when the system must be started anew for it.
const REBOOT: &str = "/run/reboot-required";
/// Which packages they are, one a line.
const REBOOT_FOR: &str = "/run/reboot-required.pkgs";
/// unattended-upgrades touches it when it has run to its end.
const UPGRADED: &str = "/var/lib/apt/periodic/unattended-upgrades-stamp";

/// The clock is set by a time server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {}

/// No update waits for a reboot.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reboot {}

/// Security updates are installed before they are this old.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityUpdates {
    pub max_days: u64,
}

/// The unit runs the newest version of its package that the archive offers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newest {
    pub package: String,
    pub unit: String,
}

impl Clock {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let show = [
            "timedatectl",
            "show",
            "--property=NTPSynchronized",
            "--value",
        ];
        let Some(output) = run_if_there(system, &Cmd::new(show)).await? else {
            return Ok(CheckResult::differs("timedatectl is not on the host"));
        };
        Ok(match output.success()?.stdout.trim() {
            "yes" => CheckResult::same(),
            _ => CheckResult::differs("the clock is not set by a time server"),
        })
    }
}

impl Reboot {
    pub fn answer(&self, system: &System) -> Result<CheckResult> {
        let Some(since) = system.stat(REBOOT)? else {
            return Ok(CheckResult::same());
        };
        let packages = system.read_text(REBOOT_FOR)?.unwrap_or_default();
        let mut packages: Vec<&str> = packages.lines().collect();
        packages.sort_unstable();
        packages.dedup();
        let whose = match packages.as_slice() {
            [] => "an update".to_owned(),
            packages => packages.join(", "),
        };
        let days = days_since(since.modified);
        Ok(CheckResult::differs(format!(
            "{whose} waits for a reboot, for {days} days"
        )))
    }
}

impl SecurityUpdates {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let simulate = ["apt-get", "--simulate", "--quiet", "upgrade"];
        let Some(output) = run_if_there(system, &Cmd::new(simulate)).await? else {
            return Ok(CheckResult::differs("apt is not on the host"));
        };
        let printed = output.success()?.stdout;
        let waiting = security(&printed);
        // Each is installed in the night after it came: it is late when no night was.
        let last = system.stat(UPGRADED)?.or(system.stat(HOST_KEY)?);
        let days = last.map_or(0, |last| days_since(last.modified));
        if waiting.is_empty() || days <= self.max_days {
            return Ok(CheckResult::same());
        }
        Ok(CheckResult::differs(format!(
            "security updates wait ({}), and none was installed for {days} days",
            waiting.join(", ")
        )))
    }
}

/// The packages for which the archive has a security update: `Inst openssl [3.0.1] (3.0.2 Debian-Security:12/stable [amd64])`.
fn security(printed: &str) -> Vec<&str> {
    let lines = printed
        .lines()
        .filter_map(|line| line.strip_prefix("Inst "));
    lines
        .filter(|line| line.to_ascii_lowercase().contains("-security"))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

impl Newest {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let policy = Cmd::new(["apt-cache", "policy", &self.package]);
        let Some(output) = run_if_there(system, &policy).await? else {
            return Ok(CheckResult::differs("apt is not on the host"));
        };
        let printed = output.success()?.stdout;
        let package = &self.package;
        let what = match (
            version(&printed, "Installed:"),
            version(&printed, "Candidate:"),
        ) {
            (None, _) => format!("{package} is not installed"),
            (Some(installed), Some(newer)) if installed != newer => {
                format!("{package} {installed} is installed, and the archive has {newer}")
            }
            _ if self.runs_what_was_replaced(system).await? => format!(
                "{package} was updated, and {} still runs the version before",
                self.unit
            ),
            _ => return Ok(CheckResult::same()),
        };
        Ok(CheckResult::differs(what))
    }

    /// Of a program whose file was replaced the kernel says so.
    async fn runs_what_was_replaced(&self, system: &System) -> Result<bool> {
        let show = Cmd::new([
            "systemctl",
            "show",
            "--property=MainPID",
            "--value",
            "--",
            &self.unit,
        ]);
        let Some(output) = run_if_there(system, &show).await? else {
            return Ok(false);
        };
        let pid = output.success()?.stdout.trim().to_owned();
        if pid.is_empty() || pid == "0" {
            return Ok(false);
        }
        let program = system.read_link(format!("/proc/{pid}/exe"))?;
        Ok(program.is_some_and(|program| was_replaced(&program)))
    }
}

fn was_replaced(program: &Path) -> bool {
    program.to_string_lossy().ends_with(" (deleted)")
}

/// A line of what `apt-cache policy` prints; none where there is no such version.
fn version<'p>(printed: &'p str, title: &str) -> Option<&'p str> {
    let mut lines = printed.lines().map(str::trim);
    let found = lines.find_map(|line| line.strip_prefix(title))?.trim();
    (found != "(none)").then_some(found)
}

fn days_since(then: SystemTime) -> u64 {
    const DAY: u64 = 24 * 60 * 60;
    // A time of the future is of today.
    let passed = then.elapsed().unwrap_or(Duration::ZERO);
    passed.as_secs() / DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_security_update_is_told_by_where_it_comes_from() {
        // Printed by apt 2.6 on Debian 12 and by apt 2.4 on Ubuntu 22.04.
        let printed = "Reading package lists...\n\
            Inst libssl3 [3.0.14-1] (3.0.15-1~deb12u1 Debian-Security:12/stable-security [amd64])\n\
            Inst tzdata [2024a] (2024b Debian:12.8/stable, Debian:12-updates/stable-updates [all])\n\
            Inst curl [7.81.0-1] (7.81.0-1ubuntu1.20 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64])\n\
            Conf libssl3 (3.0.15-1~deb12u1 Debian-Security:12/stable-security [amd64])\n";
        assert_eq!(security(printed), ["libssl3", "curl"]);
        assert!(security("").is_empty());
    }

    #[test]
    fn what_is_installed_is_compared_with_what_can_be_had() {
        let printed =
            "nginx:\n  Installed: 1.22.1-9\n  Candidate: 1.22.1-9+deb12u1\n  Version table:\n";
        assert_eq!(version(printed, "Installed:"), Some("1.22.1-9"));
        assert_eq!(version(printed, "Candidate:"), Some("1.22.1-9+deb12u1"));
        assert_eq!(version("x:\n  Installed: (none)\n", "Installed:"), None);
        assert_eq!(version("", "Candidate:"), None);
    }

    #[test]
    fn a_program_that_was_replaced_says_so() {
        assert!(was_replaced(Path::new("/usr/sbin/nginx (deleted)")));
        assert!(!was_replaced(Path::new("/usr/sbin/nginx")));
    }

    #[test]
    fn a_reboot_is_asked_for_by_the_packages_that_want_it() {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        let answer = |system: &System| Reboot {}.answer(system).unwrap().change;
        assert!(answer(&system).is_none());
        std::fs::create_dir_all(folder.path().join("run")).unwrap();
        std::fs::write(folder.path().join("run/reboot-required"), "").unwrap();
        std::fs::write(
            folder.path().join("run/reboot-required.pkgs"),
            "linux-image\nlibc6\nlibc6\n",
        )
        .unwrap();
        assert_eq!(
            answer(&system).unwrap().what,
            ["libc6, linux-image waits for a reboot, for 0 days"]
        );
    }
}
