//! Is the system kept up: its clock, its updates, and whether what runs is what is installed.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::super::program::run_if_there;
use super::http::text;
use crate::core::engine::CheckResult;
use crate::facts::HOST_KEY;
use crate::host::system::{Cmd, System};

/// What a package leaves when the system must be started anew for it.
const REBOOT: &str = "/run/reboot-required";
/// Which packages they are, one a line.
const REBOOT_FOR: &str = "/run/reboot-required.pkgs";
/// When the host shuts down, and how, while that is set.
const SCHEDULED: &str = "/run/systemd/shutdown/scheduled";
/// How many nights a reboot may take that is made by itself.
const NIGHTS: u64 = 2;
/// unattended-upgrades touches it when it has run to its end.
const UPGRADED: &str = "/var/lib/apt/periodic/unattended-upgrades-stamp";

/// The clock is set by a time server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {}

/// No update waits for a reboot that nobody will make.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reboot {
    /// The time of day at which the host reboots by itself.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    pub at: Option<String>,
}

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
        if let Some(hours) = hours_until_reboot(system)? {
            return Ok(CheckResult::same().with_figure(hours, "h until the reboot", None));
        }
        let days = days_since(since.modified);
        // The run of updates that finds it waiting is that of the next night, and sets the time.
        if self.at.is_some() && days < NIGHTS {
            return Ok(CheckResult::same());
        }
        let whose = waiting_for_reboot(system)?;
        let but = self
            .at
            .as_ref()
            .map(|at| format!(", and the host did not reboot at {at}"));
        let but = but.unwrap_or_default();
        Ok(CheckResult::differs(format!(
            "{whose} waits for a reboot, for {days} days{but}"
        )))
    }
}

fn waiting_for_reboot(system: &System) -> Result<String> {
    let packages = system.read_text(REBOOT_FOR)?.unwrap_or_default();
    let mut packages: Vec<&str> = packages.lines().collect();
    packages.sort_unstable();
    packages.dedup();
    Ok(match packages.as_slice() {
        [] => "an update".to_owned(),
        packages => packages.join(", "),
    })
}

/// As `shutdown -r TIME` leaves it; none of a time that is over, and of another end than a reboot.
fn hours_until_reboot(system: &System) -> Result<Option<f64>> {
    let text = system.read_text(SCHEDULED)?.unwrap_or_default();
    let value = |key: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        lines.find(|(name, _)| *name == key).map(|(_, value)| value)
    };
    let at = value("USEC").and_then(|at| at.parse().ok());
    let at = at.filter(|_| value("MODE") == Some("reboot"));
    let at = at.map(|at| SystemTime::UNIX_EPOCH + Duration::from_micros(at));
    let left = at.and_then(|at| at.duration_since(SystemTime::now()).ok());
    Ok(left.map(|left| (left.as_secs_f64() / 360.0).round() / 10.0))
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
        let answer = |system: &System| Reboot::default().answer(system).unwrap().change;
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
        let at_night: Reboot = serde_yaml::from_str("at: '04:30'").unwrap();
        assert!(at_night.answer(&system).unwrap().change.is_none());
        let never: Reboot = serde_yaml::from_str("at: ''").unwrap();
        assert!(never.answer(&system).unwrap().change.is_some());
        // Two nights went by.
        let place = folder.path().join("run/reboot-required");
        let long_ago = SystemTime::now() - Duration::from_hours(50);
        std::fs::File::open(place)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        let late = at_night.answer(&system).unwrap().change.unwrap();
        assert!(late.what[0].ends_with("for 2 days, and the host did not reboot at 04:30"));
    }

    #[test]
    fn a_reboot_that_is_set_is_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        let run = folder.path().join("run/systemd/shutdown");
        std::fs::create_dir_all(&run).unwrap();
        std::fs::write(folder.path().join("run/reboot-required"), "").unwrap();
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let set = |hours: i64, mode: &str| {
            let at = i64::try_from(now.as_micros()).unwrap() + hours * 3_600_000_000;
            let text = format!("USEC={at}\nWARN_WALL=1\nMODE={mode}\n");
            std::fs::write(run.join("scheduled"), text).unwrap();
            Reboot::default().answer(&system).unwrap()
        };
        let soon = set(5, "reboot");
        assert!(soon.change.is_none());
        assert!((soon.figure.unwrap().value - 5.0).abs() < 0.11);
        assert!(set(5, "poweroff").change.is_some());
        assert!(set(-5, "reboot").change.is_some());
    }
}
