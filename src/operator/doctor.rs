//! Reach: the operator's own machine, as far as the stack depends on it.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use nix::sys::statvfs::statvfs;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::process::Command;
use tokio::time::timeout;

/// A program that waits for a person says nothing of the machine.
const WITHIN: Duration = Duration::from_secs(5);
/// A certificate or a signed request is refused by more.
const SKEW_S: i64 = 30;
/// What a build of the app and a backup take at least.
const FREE_MB: u64 = 2048;
/// The first release of OpenSSH that has all settings that pin a host.
const OLDEST_SSH: u32 = 8;

/// What was looked at, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineRow {
    pub name: &'static str,
    /// What it is like.
    pub told: String,
    /// What to type; none where nothing is wrong.
    pub next: Option<String>,
}

impl MachineRow {
    pub fn good(name: &'static str, told: impl Into<String>) -> Self {
        Self {
            name,
            told: told.into(),
            next: None,
        }
    }

    pub fn bad(name: &'static str, told: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            name,
            told: told.into(),
            next: Some(next.into()),
        }
    }
}

async fn said(program: &str, words: &[&str]) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).kill_on_drop(true);
    timeout(WITHIN, command.output()).await.ok()?.ok()
}

/// The client that every connection is made with.
pub async fn ssh() -> MachineRow {
    const NAME: &str = "ssh client";
    let install = "install the OpenSSH client, such as `apt install openssh-client`";
    let Some(output) = said("ssh", &["-V"]).await else {
        return MachineRow::bad(NAME, "there is none", install);
    };
    let version = String::from_utf8_lossy(&output.stderr);
    let version = version
        .split([',', '\n'])
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned();
    match major(&version) {
        Some(major) if major >= OLDEST_SSH => MachineRow::good(NAME, version),
        _ => MachineRow::bad(
            NAME,
            version,
            format!("install OpenSSH {OLDEST_SSH} or newer"),
        ),
    }
}

/// `OpenSSH_9.2p1`
fn major(version: &str) -> Option<u32> {
    let number = version.strip_prefix("OpenSSH_")?.split('.').next()?;
    number.parse().ok()
}

/// Whether somebody could log in from here: a private key lies beside one of these, or the agent holds one.
pub async fn login(public: &[std::path::PathBuf]) -> MachineRow {
    const NAME: &str = "key to log in";
    let private = public.iter().map(|path| path.with_extension(""));
    if let Some(found) = private.into_iter().find(|path| path.is_file()) {
        return MachineRow::good(NAME, found.display().to_string());
    }
    let listed = said("ssh-add", &["-l"])
        .await
        .filter(|output| output.status.success());
    match listed {
        Some(output) => {
            let count = String::from_utf8_lossy(&output.stdout).lines().count();
            MachineRow::good(NAME, format!("keys in ssh's agent: {count}"))
        }
        None => MachineRow::bad(
            NAME,
            "no private key of the stack is here, and ssh's agent holds none",
            "`ssh-add FILE`, or name a key of this machine in `cloud.ssh_keys`",
        ),
    }
}

/// This clock beside the one of whoever sent this `Date`.
pub fn clock(date: Option<&str>, now: OffsetDateTime) -> Option<MachineRow> {
    const NAME: &str = "clock";
    let there = OffsetDateTime::parse(&date?.replace("GMT", "+0000"), &Rfc2822).ok()?;
    let skew = (now - there).whole_seconds();
    if skew.abs() <= SKEW_S {
        return Some(MachineRow::good(
            NAME,
            format!("{} s beside the API's", skew.abs()),
        ));
    }
    let which = if skew > 0 { "ahead of" } else { "behind" };
    Some(MachineRow::bad(
        NAME,
        format!("{} s {which} the API's", skew.abs()),
        "`timedatectl set-ntp true`: backups and certificates are dated by clocks",
    ))
}

/// What an HTTP server says that the time is.
pub async fn date_of(url: &str) -> Option<String> {
    let client = reqwest::Client::builder().timeout(WITHIN).build().ok()?;
    let answer = client.head(url).send().await.ok()?;
    let date = answer.headers().get("date")?.to_str().ok()?;
    Some(date.to_owned())
}

/// Room for a build and a copy of a backup.
pub fn space(folder: &Path) -> Option<MachineRow> {
    const NAME: &str = "free space";
    let found = statvfs(folder).ok()?;
    let free = (found.blocks_available() * found.fragment_size()) >> 20;
    let told = format!("{free} MB");
    Some(if free >= FREE_MB {
        MachineRow::good(NAME, told)
    } else {
        MachineRow::bad(
            NAME,
            told,
            format!(
                "a build and a copy of a backup need {FREE_MB} MB in {}",
                folder.display()
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_clock_is_wrong_in_both_directions() {
        let now = datetime!(2026-11-30 12:00 UTC);
        let row = |date: &str| clock(Some(date), now).unwrap();
        assert_eq!(row("Mon, 30 Nov 2026 11:59:50 GMT").next, None);
        let ahead = row("Mon, 30 Nov 2026 11:00:00 GMT");
        assert!(
            ahead.next.is_some() && ahead.told == "3600 s ahead of the API's",
            "{ahead:?}"
        );
        assert!(row("Mon, 30 Nov 2026 12:01:00 GMT").told.contains("behind"));
        assert_eq!(clock(Some("yesterday"), now), None);
    }

    #[test]
    fn a_version_of_ssh_is_read_by_its_first_number() {
        assert_eq!(major("OpenSSH_9.2p1 Debian-2"), Some(9));
        assert_eq!(major("OpenSSH_10.0p1"), Some(10));
        assert_eq!(major("Sun_SSH_1.1"), None);
    }
}
