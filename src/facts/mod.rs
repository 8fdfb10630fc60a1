//! What a host says of itself, gathered in one go before a plan is made for it.

use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::core::error::{Code, Fault, code};
use crate::core::value::{HostKey, ToolVersion, checked_if_any};
use crate::host::armed::Armed;
use crate::host::cluster;
use crate::host::journal::{self, LastRun};
use crate::host::lock::{self, Freeze};
use crate::host::memory_usage;
use crate::host::mounts;
use crate::host::neighbours::NeighbourRecord;
use crate::host::own;
use crate::host::system::{Cmd, System};

pub mod app;
pub mod backups;
pub mod bucket_backups;
pub mod certificate;
pub mod imports;
pub mod patch_base;

use app::AppFacts;
use backups::Backups;
use certificate::CertificateFacts;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    pub os: Os,
    pub hostname: String,
    pub arch: String,
    /// `systemd-detect-virt`: `none`, `kvm`, `systemd-nspawn` …
    pub virt: String,
    pub cpus: usize,
    pub memory_mb: u64,
    /// What nobody uses of it, in bytes; none when the kernel does not tell.
    #[serde(default)]
    pub memory_free: Option<u64>,
    pub boot_id: String,
    pub app: AppFacts,
    #[serde(default)]
    pub backups: Backups,
    /// Absent in what an earlier version says.
    #[serde(default)]
    pub certificate: Box<CertificateFacts>,
    pub host_keys: HostKeys,
    /// The port of the stack's cluster, or the one that it is to be made with.
    #[serde(default)]
    pub cluster_port: u16,
    /// Whether the kernel knows IPv6.
    #[serde(default)]
    pub ipv6: bool,
    /// Whether /etc/hosts says where `localhost` is.
    #[serde(default)]
    pub localhost: bool,
    /// Whether something else than systemd-timesyncd sets the clock.
    #[serde(default)]
    pub other_clock: bool,
    /// What was there before the stack and goes on; nothing before the first look.
    #[serde(default)]
    pub neighbours: Box<NeighbourRecord>,
    /// Whether the first look was taken.
    #[serde(default)]
    pub was_looked_at: bool,
    pub last_run: Option<LastRun>,
    /// Since when everybody is shown the page of maintenance instead of the site; none while the site is open.
    #[serde(default)]
    pub maintenance: Option<String>,
    /// Who has locked it against changes, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<Box<Freeze>>,
    /// The dead man's switch, while it is armed.
    #[serde(default)]
    pub armed: Option<Armed>,
    /// Whether a run holds the host's lock now.
    pub busy: bool,
    /// The version of the citrino-ops that converged the host last; none where an earlier one did, which did not say.
    #[serde(default)]
    pub converged_by: Option<ToolVersion>,
    /// That no program starts from the app's folder, as a sentence; nothing where they do.
    #[serde(default)]
    pub without_programs: Vec<String>,
    /// Which of the stack's folders somebody beside root could exchange, a sentence each: an earlier version left them so, and
    /// `converge` puts it right.
    #[serde(default)]
    pub exposed: Vec<String>,
}

/// What `virt` is in containers, as systemd-detect-virt(1) names them: their kernel, clock and swap are another machine's.
pub const CONTAINERS: [&str; 9] = [
    "systemd-nspawn",
    "lxc",
    "lxc-libvirt",
    "openvz",
    "docker",
    "podman",
    "rkt",
    "wsl",
    "container-other",
];

/// A host that answers takes a second. One that does not must not keep a command waiting.
const WITHIN: Duration = Duration::from_mins(2);

/// From /etc/os-release.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Os {
    pub id: String,
    pub version: String,
    pub codename: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HostKeys {
    /// The public key that sshd serves.
    #[serde(default, deserialize_with = "checked_if_any::<_, HostKey>")]
    pub current: Option<String>,
    /// The one made to take its place. It becomes a pin: a label of the server, and a line of known_hosts.
    #[serde(default, deserialize_with = "checked_if_any::<_, HostKey>")]
    pub next: Option<String>,
}

/// Where the next host key waits for its turn.
pub const NEXT_HOST_KEY: &str = own::NEXT_HOST_KEY;
/// The one host key that sshd serves.
pub const HOST_KEY: &str = "/etc/ssh/ssh_host_ed25519_key";

/// Gathers all facts.
///
/// # Errors
/// When a file that every Linux host has cannot be read; E0405 when it takes too long.
pub async fn gather(system: &System) -> Result<Facts> {
    let too_long = |_| {
        let seconds = WITHIN.as_secs();
        Fault::new(
            Code::E0405,
            format!("the host did not tell its state within {seconds} s"),
        )
        .hint("`systemctl` or the database may hang there: look with `citrino-ops ssh`")
    };
    tokio::time::timeout(WITHIN, all(system))
        .await
        .map_err(too_long)?
}

async fn all(system: &System) -> Result<Facts> {
    let mut exposed = exposed(system)?;
    let app = known(app::gather(system).await, &mut exposed)?;
    let backups = known(backups::gather(system), &mut exposed)?;
    let certificate = known(CertificateFacts::gather(system), &mut exposed)?;
    let cluster_port = known(cluster::own_port(system).map(Some), &mut exposed)?;
    let neighbours = neighbours(system)?;
    // Before the journal: whoever finds the switch gone finds there how it went off.
    let armed = Armed::read(system)?;
    Ok(Facts {
        os: os(system)?,
        hostname: line(system, "/proc/sys/kernel/hostname")?,
        arch: std::env::consts::ARCH.to_owned(),
        virt: virt(system).await?,
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        memory_mb: memory_mb(system)?,
        memory_free: memory_usage::memory(system)?.map(|memory| memory.all - memory.used),
        boot_id: line(system, "/proc/sys/kernel/random/boot_id")?,
        app,
        backups,
        certificate: Box::new(certificate),
        host_keys: HostKeys {
            current: public_key(system, HOST_KEY)?,
            next: public_key(system, NEXT_HOST_KEY)?,
        },
        cluster_port: cluster_port.unwrap_or(cluster::FIRST_PORT),
        ipv6: system.stat("/proc/1/net/if_inet6")?.is_some(),
        localhost: names_localhost(&system.read_text("/etc/hosts")?.unwrap_or_default()),
        other_clock: other_clock(system)?,
        was_looked_at: neighbours.is_some(),
        neighbours: Box::new(neighbours.unwrap_or_default()),
        last_run: journal::last_run(system)?,
        maintenance: maintenance(system)?,
        freeze: lock::freeze(system)?.map(Box::new),
        armed,
        busy: lock::is_held(system)?,
        converged_by: converged_by(system)?,
        without_programs: mounts::without_programs(system, &[system.app().folder.to_string()])?,
        exposed,
    })
}

fn maintenance(system: &System) -> Result<Option<String>> {
    let page = system.stat(own::MAINTENANCE)?;
    let since = page.map(|page| OffsetDateTime::from(page.modified));
    Ok(since.and_then(|since| since.format(&Rfc3339).ok()))
}

/// What lies where somebody else could have put it is not known: then that is told, and every verb still ends with a sentence.
fn known<T: Default>(found: Result<T>, exposed: &mut Vec<String>) -> Result<T> {
    match found {
        Err(error) if code(&error) == Code::E0409 => {
            exposed.push(format!("{error:#}"));
            Ok(T::default())
        }
        found => found,
    }
}

/// What root would refuse to write to.
fn exposed(system: &System) -> Result<Vec<String>> {
    let app = system.app();
    let places = [
        app.releases(),
        app.slots(),
        app.backups(),
        app.incoming(),
        app.imports(),
    ];
    let mut told = Vec::new();
    for place in places {
        told.extend(system.exposed(place)?.filter(|why| !told.contains(why)));
    }
    Ok(told)
}

/// What goes on of the neighbours: a site whose file is gone would keep nginx from its configuration.
fn neighbours(system: &System) -> Result<Option<NeighbourRecord>> {
    let Some(mut record) = NeighbourRecord::read(system)? else {
        return Ok(None);
    };
    for site in std::mem::take(&mut record.sites) {
        if system.stat(system.resolve(&*site.path)?)?.is_some() {
            record.sites.insert(site);
        }
    }
    Ok(Some(record))
}

/// Whoever sets the clock stays: its package and that of systemd-timesyncd exclude each other.
fn other_clock(system: &System) -> Result<bool> {
    for program in ["chronyd", "ntpd", "openntpd"] {
        if system.stat(format!("/usr/sbin/{program}"))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn names_localhost(hosts: &str) -> bool {
    let bare = |line: &str| line.split('#').next().unwrap_or_default().to_owned();
    hosts.lines().map(bare).any(|line| {
        line.split_whitespace()
            .skip(1)
            .any(|name| name == "localhost")
    })
}

/// What is no version says nothing; the next `converge` writes it anew.
fn converged_by(system: &System) -> Result<Option<ToolVersion>> {
    let text = system.read_text(own::CONVERGED)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn line(system: &System, path: &str) -> Result<String> {
    Ok(system
        .read_text(path)?
        .unwrap_or_default()
        .trim()
        .to_owned())
}

fn os(system: &System) -> Result<Os> {
    // On every distribution a link to what the package brings.
    let file = system.resolve("/etc/os-release")?;
    let text = system.read_text(file)?.unwrap_or_default();
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

/// Of a container, its own.
fn memory_mb(system: &System) -> Result<u64> {
    const MB: u64 = 1 << 20;
    let memory = memory_usage::memory(system)?;
    Ok(memory.map_or(0, |memory| memory.all / MB))
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
    Ok(words.filter(|words| words.parse::<HostKey>().is_ok()))
}
