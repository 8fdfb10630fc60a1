//! What one operator wants: the types of citrino.yml.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::profile;
use super::text::{self, Unreadable};
use super::yaml::Document;
use crate::core::app_profile::AppProfile;
use crate::core::digest;
use crate::core::error::{Code, Fault};
use crate::core::role::Roles;
use crate::core::value::{
    Address, Cidr, DatabaseName, Domain, Email, HostKey, HostName, HttpUrl, Login, Money, Port,
    PrivateNetwork, RoleName, StackName, Variable, WholeNumber, Word,
};

mod backup;
mod check;
mod environment;
mod memory;
mod source;
mod system;

pub use backup::{BackupSettings, S3};
pub use source::SecretSource;
pub use system::SYSTEMS;

/// One citrino.yml. Unknown keys are refused with the nearest known one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// Names and labels everything.
    #[serde(rename = "stack")]
    pub name: StackName,
    pub domain: Domain,
    #[serde(default)]
    pub cloud: Option<Cloud>,
    #[serde(default)]
    pub host: Option<ExistingHost>,
    #[serde(default)]
    pub tls: Tls,
    #[serde(default)]
    pub app: App,
    #[serde(default)]
    pub database: DatabaseSettings,
    #[serde(default)]
    pub secrets: BTreeMap<Variable, SecretSource>,
    #[serde(default)]
    pub backup: BackupSettings,
    #[serde(default)]
    pub alerts: Alerts,
    /// What is known of the app: `app.profile`, else Citrino's.
    #[serde(skip)]
    pub profile: Arc<AppProfile>,
    /// The folder of citrino.yml: relative paths in it start here.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The SHA-256 of the text it was read from.
    #[serde(skip)]
    pub digest: String,
}

/// The server to make at Hetzner.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cloud {
    pub server_type: Word,
    pub location: Word,
    pub image: Word,
    #[serde(default)]
    pub backups: bool,
    /// Public keys that may log in, as files.
    pub ssh_keys: Vec<PathBuf>,
    #[serde(default = "Cidr::anywhere")]
    pub allow_ssh_from: Vec<Cidr>,
    /// Keeps the API from deleting the server, its addresses and its volume.
    #[serde(default = "yes")]
    pub protect: bool,
    /// A private network of the stack's hosts, as `10.0.0.0/16`.
    #[serde(default)]
    pub network: Option<PrivateNetwork>,
    /// A volume of so many GB for the database. <https://docs.hetzner.cloud>: it has 10 to 10240.
    #[serde(default)]
    pub volume_gb: Option<WholeNumber<10, 10_240>>,
    /// Whether the host has an IPv4 address. Without one it is refused.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub ipv4: bool,
    /// The zone of `domain` in Hetzner's DNS: its records are led to the host.
    #[serde(default)]
    pub dns: Option<Dns>,
    /// EUR, net, of everything that the stack costs in a month.
    #[serde(default)]
    pub max_monthly_eur: Option<Money>,
    /// The API's address; `HCLOUD_ENDPOINT` goes before it, Hetzner's public API is the default.
    #[serde(default)]
    pub endpoint: Option<HttpUrl>,
    /// Where the API token comes from; `HCLOUD_TOKEN` goes before it.
    #[serde(default)]
    pub token: Option<SecretSource>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    pub zone: Domain,
    /// In seconds; the API takes 60 or more.
    #[serde(default = "ttl")]
    pub ttl: Ttl,
}

pub type Ttl = WholeNumber<60, 2_147_483_647>;

/// One host of a stack. What is made for it, and what is kept of it, has its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub stack: StackName,
    pub name: HostName,
    pub roles: Roles,
    /// Whether the stack has no other: then whatever server the stack has is this one.
    pub is_only: bool,
}

/// A machine that is already there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExistingHost {
    pub address: Address,
    #[serde(default = "ssh_port")]
    pub port: Port,
    #[serde(default = "Login::root")]
    pub user: Login,
    /// The host's ed25519 public key, as `ssh-ed25519 AAAA…`: pinned before the first packet.
    pub host_key: HostKey,
    #[serde(default)]
    pub identity: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Issuer {
    /// The host itself: for rehearsals, and behind a proxy that has a certificate of its own.
    SelfSigned,
    Letsencrypt,
    Acme,
    #[default]
    None,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    #[serde(default)]
    pub issuer: Issuer,
    #[serde(default)]
    pub email: Option<Email>,
    /// The directory URL of an ACME server, for `issuer: acme`.
    #[serde(default)]
    pub url: Option<HttpUrl>,
    /// A CA certificate to trust that server by.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

/// How nginx serves TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Https {
    /// Browsers are told to never come without TLS again, since they trust the certificate.
    pub hsts: bool,
}

impl Tls {
    /// None where no certificate is made. A certificate's place on the host is the same for all
    /// issuers; playbooks/tls.yml knows it.
    pub fn https(&self) -> Option<Https> {
        match self.issuer {
            Issuer::SelfSigned => Some(Https { hsts: false }),
            Issuer::Letsencrypt | Issuer::Acme | Issuer::None => None,
        }
    }
}

/// The app server's own settings: what Gunicorn's were. The app refuses numbers that are out of these ranges.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct App {
    /// A file that says which app this is, relative to citrino.yml; Citrino when it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<PathBuf>,
    /// Loopback port on which the live slot answers.
    pub port: Port,
    /// Threads that serve requests.
    pub workers: WholeNumber<1, 256>,
    pub request_timeout_s: WholeNumber<1, 3600>,
    pub keep_alive_s: WholeNumber<1, 3600>,
    pub max_connections: WholeNumber<1, 100_000>,
    /// Database connections of one slot. Two slots run during a deploy.
    pub pool: WholeNumber<1, 1000>,
    /// What a slot may take of the host's memory, in MB.
    pub memory_max_mb: WholeNumber<1, 1_048_576>,
    /// How many seconds a new release must answer well before it takes over; 0 is not at all.
    pub min_healthy_s: WholeNumber<0, 86_400>,
    /// How many seconds a new release may take until it answers: it opens its pool first.
    pub ready_within_s: WholeNumber<1, 86_400>,
    /// How many seconds its migrations may take, all of them.
    pub migrate_within_s: WholeNumber<1, 604_800>,
    /// Loads the seeded example data with each deploy, beside whatever else is there: for rehearsals.
    pub demo_data: bool,
    /// Plain settings for the app's environment.
    pub env: BTreeMap<Variable, String>,
}

/// The ranges are `PostgreSQL`'s own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseSettings {
    /// The profile's, when it is not given; so is `user`.
    pub name: DatabaseName,
    pub user: RoleName,
    pub max_connections: WholeNumber<5, 262_143>,
    pub shared_buffers_mb: WholeNumber<1, 8_388_607>,
    pub effective_cache_size_mb: WholeNumber<1, 16_777_215>,
    pub work_mem_mb: WholeNumber<1, 2_097_151>,
    pub maintenance_work_mem_mb: WholeNumber<1, 2_097_151>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    pub email: Vec<Email>,
}

impl Default for App {
    fn default() -> Self {
        Self {
            profile: None,
            port: Port::APP,
            workers: WholeNumber::near(2),
            request_timeout_s: WholeNumber::near(30),
            keep_alive_s: WholeNumber::near(75),
            max_connections: WholeNumber::near(1000),
            pool: WholeNumber::near(10),
            memory_max_mb: WholeNumber::near(300),
            min_healthy_s: WholeNumber::near(5),
            ready_within_s: WholeNumber::near(30),
            migrate_within_s: WholeNumber::near(900),
            demo_data: false,
            env: BTreeMap::new(),
        }
    }
}

impl Default for DatabaseSettings {
    /// The sizes of the production plan for a host of 2 GB.
    fn default() -> Self {
        let shipped = AppProfile::default().database;
        Self {
            name: shipped.name,
            user: shipped.role,
            max_connections: WholeNumber::near(50),
            shared_buffers_mb: WholeNumber::near(256),
            effective_cache_size_mb: WholeNumber::near(1024),
            work_mem_mb: WholeNumber::near(4),
            maintenance_work_mem_mb: WholeNumber::near(64),
        }
    }
}

fn yes() -> bool {
    true
}

/// Short enough that a host that moved is found within minutes.
fn ttl() -> Ttl {
    WholeNumber::near(300)
}

fn ssh_port() -> Port {
    Port::SSH
}

/// What stands in for a key that must be there and is missing or wrong, so that all other faults are found too.
fn stand_in(path: &str) -> Option<&'static str> {
    Some(match path {
        "stack" => "stack",
        "domain" | "cloud.dns.zone" => "example.com",
        "cloud.server_type" | "cloud.location" | "cloud.image" | "backup.s3.bucket" => "word",
        "cloud.ssh_keys" => "[key.pub]",
        "host.address" => "203.0.113.1",
        "host.host_key" => "ssh-ed25519 AAAA",
        "backup.s3.key_id" | "backup.s3.secret" => "{ env: NAME }",
        _ => return None,
    })
}

impl Stack {
    /// Where users find it.
    pub fn public_url(&self) -> String {
        let scheme = if self.tls.https().is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.domain)
    }

    /// Reads and checks a citrino.yml; nothing else is touched.
    ///
    /// # Errors
    /// E0101 when it cannot be read, E0102 with file, line and key when it is wrong.
    pub fn load(path: &Path) -> Result<Self> {
        let text = text::read(path).map_err(|unreadable| {
            let message = format!("{} {}", path.display(), unreadable.why());
            match unreadable {
                Unreadable::Absent(_) => Fault::new(Code::E0101, message).hint(
                    "name the file with `-c FILE`; `citrino-ops explain E0101` shows a minimal one",
                ),
                Unreadable::Unfit(_) => Fault::new(Code::E0102, message),
            }
        })?;
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        Self::read(&text, &path.display().to_string(), folder)
    }

    /// The same from text; `file` is what errors call it.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        Self::read(text, file, Path::new("."))
    }

    fn read(text: &str, file: &str, folder: &Path) -> Result<Self> {
        let mut document = Document::parse(&text::plain(text), file);
        // What is no YAML at all has no keys that could be missing.
        let mut stack: Option<Self> = document
            .is_yaml()
            .then(|| document.typed(stand_in))
            .flatten();
        let mut faults = Vec::new();
        if let Some(stack) = &mut stack {
            folder.clone_into(&mut stack.folder);
            faults.extend(stack.take_profile(&mut document));
            check::check(stack, &mut document);
        }
        faults.splice(0..0, document.faults());
        if !faults.is_empty() {
            return Err(Fault::new(Code::E0102, faults.join("\n")).into());
        }
        let Some(mut stack) = stack else {
            let message = format!("{file} has faults that could not be told apart");
            return Err(Fault::new(Code::E0102, message).into());
        };
        stack.digest = digest::sha256(text.as_bytes());
        Ok(stack)
    }

    /// Reads the profile that `app.profile` names, and takes from it what citrino.yml does not say. Gives the profile's own
    /// faults.
    fn take_profile(&mut self, file: &mut Document) -> Option<String> {
        let path = self.resolve(self.app.profile.as_deref()?);
        match profile::load(&path) {
            Ok(profile) => self.profile = Arc::new(profile),
            Err(profile::Refused::Unreadable(why)) => {
                file.refuse(&["app", "profile"], why);
                return None;
            }
            Err(profile::Refused::Faults(faults)) => return Some(faults),
        }
        let database = file.root().get("database");
        let says = |key: &str| database.is_some_and(|entry| entry.value.get(key).is_some());
        if !says("name") {
            self.database.name = self.profile.database.name.clone();
        }
        if !says("user") {
            self.database.user = self.profile.database.role.clone();
        }
        None
    }

    /// The hosts of the stack: today one, with every role.
    pub fn hosts(&self) -> Vec<Host> {
        vec![self.only_host()]
    }

    /// The host of a stack that has one. It is called like the stack, so its server, its addresses and the files that
    /// this machine keeps of it have the names that they had before hosts had any.
    pub fn only_host(&self) -> Host {
        Host {
            stack: self.name.clone(),
            name: HostName::from(&self.name),
            roles: Roles::every(),
            is_only: true,
        }
    }

    /// Where sshd of the host listens.
    pub fn ssh_port(&self) -> Port {
        self.host.as_ref().map_or_else(ssh_port, |host| host.port)
    }

    /// Who logs in to the host.
    pub fn login(&self) -> Login {
        let host = self.host.as_ref();
        host.map_or_else(Login::root, |host| host.user.clone())
    }

    /// A path of citrino.yml as the operator's machine knows it: `~` is the home, a relative path
    /// starts at citrino.yml.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        if let Ok(rest) = path.strip_prefix("~")
            && let Some(home) = std::env::var_os("HOME")
        {
            return PathBuf::from(home).join(rest);
        }
        self.folder.join(path)
    }
}

#[cfg(test)]
mod tests;
