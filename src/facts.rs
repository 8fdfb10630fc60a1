//! What a host says of itself, gathered in one go before a plan is made for it.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::armed::Armed;
use crate::journal::{self, LastRun};
use crate::lock;
use crate::system::{Cmd, System, mode_of};

/// Where releases, slots and the live link are, as the production plan lays the host out.
pub const APP_FOLDER: &str = "/home/citrino/citrino";
/// The unit that each slot is an instance of.
pub const UNIT: &str = "/etc/systemd/system/citrino@.service";
/// The app's environment, secrets included.
pub const ENVIRONMENT: &str = "/home/citrino/citrino/.env";
/// How the app serves.
pub const SETTINGS: &str = "/etc/citrino/app.yml";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    pub os: Os,
    pub hostname: String,
    pub arch: String,
    /// `systemd-detect-virt`: `none`, `kvm`, `systemd-nspawn` …
    pub virt: String,
    pub cpus: usize,
    pub memory_mb: u64,
    pub boot_id: String,
    pub app: AppFacts,
    pub host_keys: HostKeys,
    pub last_run: Option<LastRun>,
    /// The dead man's switch, while it is armed.
    #[serde(default)]
    pub armed: Option<Armed>,
    /// Whether a run holds the host's lock now.
    pub busy: bool,
}

/// From /etc/os-release.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Os {
    pub id: String,
    pub version: String,
    pub codename: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AppFacts {
    /// Whether `converge` has put the app's unit and environment there.
    pub prepared: bool,
    /// The slot that nginx talks to.
    pub live: Option<String>,
    /// The release that each slot points at.
    pub slots: BTreeMap<String, String>,
    pub releases: Vec<Release>,
    /// Folders beside them that are no whole release: what a run that was cut off has left.
    #[serde(default)]
    pub torn: Vec<String>,
}

impl AppFacts {
    /// The release that serves.
    pub fn live_release(&self) -> Option<&str> {
        let slot = self.live.as_ref()?;
        self.slots.get(slot).map(String::as_str)
    }
}

/// One version of the app on a host: its manifest, `release.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub id: String,
    pub sha256: String,
    /// The commit it was built from, with `-dirty` when the tree had changes; empty when unknown.
    pub commit: String,
    pub built_at: String,
    pub size_bytes: u64,
    /// Set by the last step of a deploy that went well.
    #[serde(default)]
    pub good: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HostKeys {
    /// The public key that sshd serves.
    pub current: Option<String>,
    /// The one made to take its place.
    pub next: Option<String>,
}

/// Where the next host key waits for its turn.
pub const NEXT_HOST_KEY: &str = "/etc/ssh/citrino_next_host_key";
/// The one host key that sshd serves.
pub const HOST_KEY: &str = "/etc/ssh/ssh_host_ed25519_key";

/// Gathers all facts.
///
/// # Errors
/// When a file that every Linux host has cannot be read.
pub async fn gather(system: &System) -> Result<Facts> {
    Ok(Facts {
        os: os(system)?,
        hostname: line(system, "/proc/sys/kernel/hostname")?,
        arch: std::env::consts::ARCH.to_owned(),
        virt: virt(system).await?,
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        memory_mb: memory_mb(system)?,
        boot_id: line(system, "/proc/sys/kernel/random/boot_id")?,
        app: app(system)?,
        host_keys: HostKeys {
            current: public_key(system, HOST_KEY)?,
            next: public_key(system, NEXT_HOST_KEY)?,
        },
        last_run: journal::last_run(system)?,
        armed: Armed::read(system)?,
        busy: lock::is_held(system)?,
    })
}

fn line(system: &System, path: &str) -> Result<String> {
    Ok(system
        .read_text(path)?
        .unwrap_or_default()
        .trim()
        .to_owned())
}

fn os(system: &System) -> Result<Os> {
    let text = system.read_text("/etc/os-release")?.unwrap_or_default();
    let value = |key: &str| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.trim_matches('"').to_owned())
            .unwrap_or_default()
    };
    Ok(Os {
        id: value("ID"),
        version: value("VERSION_ID"),
        codename: value("VERSION_CODENAME"),
    })
}

/// Exits with 1 and says `none` on bare metal, so the words count and not the code.
async fn virt(system: &System) -> Result<String> {
    let output = system.run(&Cmd::new(["systemd-detect-virt"])).await?;
    Ok(output.stdout.trim().to_owned())
}

fn memory_mb(system: &System) -> Result<u64> {
    let text = system.read_text("/proc/meminfo")?.unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    Ok(kib.unwrap_or(0) / 1024)
}

fn public_key(system: &System, path: &str) -> Result<Option<String>> {
    let text = system.read_text(format!("{path}.pub"))?;
    // Without the comment: key type and key are what a known_hosts file has. A file that a crash left
    // empty is no key.
    let words = text.map(|text| {
        text.split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    });
    Ok(words.filter(|words| !words.is_empty()))
}

fn app(system: &System) -> Result<AppFacts> {
    let there = |path: &str| system.stat(path).map(|found| found.is_some());
    let mut facts = AppFacts {
        prepared: there(UNIT)? && there(ENVIRONMENT)?,
        live: link_name(system, "live")?,
        ..AppFacts::default()
    };
    for slot in ["blue", "green"] {
        if let Some(release) = link_name(system, &format!("slots/{slot}"))? {
            facts.slots.insert(slot.to_owned(), release);
        }
    }
    (facts.releases, facts.torn) = brought(system)?;
    Ok(facts)
}

/// The last part of where a link points.
fn link_name(system: &System, link: &str) -> Result<Option<String>> {
    let path = format!("{APP_FOLDER}/{link}");
    if system.stat(&path)?.is_none() {
        return Ok(None);
    }
    let target = std::fs::read_link(system.path(&path))?;
    Ok(target
        .file_name()
        .map(|name| name.to_string_lossy().into_owned()))
}

/// Where the binary of a release is.
pub fn binary(release: &str) -> String {
    format!("{APP_FOLDER}/releases/{release}/citrino-app")
}

/// Every release with a whole manifest, newest first: ids begin with the time.
///
/// # Errors
/// When the folder of the releases cannot be read.
pub fn releases(system: &System) -> Result<Vec<Release>> {
    Ok(brought(system)?.0)
}

/// The releases, newest first, and the folders that are none.
fn brought(system: &System) -> Result<(Vec<Release>, Vec<String>)> {
    let folder = format!("{APP_FOLDER}/releases");
    let (mut whole, mut torn) = (Vec::new(), Vec::new());
    if system.stat(&folder)?.is_none() {
        return Ok((whole, torn));
    }
    for entry in std::fs::read_dir(system.path(&folder))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        match release(system, &name)? {
            Some(release) => whole.push(release),
            None => torn.push(name),
        }
    }
    whole.sort_by(|a, b| b.id.cmp(&a.id));
    torn.sort();
    Ok((whole, torn))
}

/// `None` when its manifest is not whole; and one whose binary was touched is brought anew.
fn release(system: &System, name: &str) -> Result<Option<Release>> {
    let folder = format!("{APP_FOLDER}/releases/{name}");
    let manifest = system.read_text(format!("{folder}/release.json"))?;
    let manifest = manifest.and_then(|text| serde_json::from_str::<Release>(&text).ok());
    let Some(mut release) = manifest else {
        return Ok(None);
    };
    release.good = system.stat(format!("{folder}/good"))?.is_some();
    let found = system
        .stat(binary(name))?
        .filter(|found| mode_of(found) == 0o755);
    Ok(found
        .filter(|found| found.len() == release.size_bytes)
        .map(|_| release))
}
