//! What one operator wants: the types of citrino.yml.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::digest;
use crate::core::error::{Code, Fault};

mod backup;
mod check;

pub use backup::{Backup, S3};

/// One citrino.yml. Unknown keys are refused with the nearest known one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// Names and labels everything.
    #[serde(rename = "stack")]
    pub name: String,
    pub domain: String,
    #[serde(default)]
    pub cloud: Option<Cloud>,
    #[serde(default)]
    pub host: Option<ExistingHost>,
    #[serde(default)]
    pub tls: Tls,
    #[serde(default)]
    pub app: App,
    #[serde(default)]
    pub database: Database,
    #[serde(default)]
    pub secrets: BTreeMap<String, Source>,
    #[serde(default)]
    pub backup: Backup,
    #[serde(default)]
    pub alerts: Alerts,
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
    pub server_type: String,
    pub location: String,
    pub image: String,
    #[serde(default)]
    pub backups: bool,
    /// Public keys that may log in, as files.
    pub ssh_keys: Vec<PathBuf>,
    #[serde(default = "anywhere")]
    pub allow_ssh_from: Vec<String>,
    /// Keeps the API from deleting the server, its addresses and its volume.
    #[serde(default = "yes")]
    pub protect: bool,
    /// A private network of the stack's hosts, as `10.0.0.0/16`.
    #[serde(default)]
    pub network: Option<String>,
    /// A volume of so many GB for the database.
    #[serde(default)]
    pub volume_gb: Option<u32>,
    /// The zone of `domain` in Hetzner's DNS: its records are led to the host.
    #[serde(default)]
    pub dns: Option<Dns>,
    /// EUR, net, of everything that the stack costs in a month.
    #[serde(default)]
    pub max_monthly_eur: Option<f64>,
    /// The API's address; `HCLOUD_ENDPOINT` goes before it, Hetzner's public API is the default.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Where the API token comes from; `HCLOUD_TOKEN` goes before it.
    #[serde(default)]
    pub token: Option<Source>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    pub zone: String,
    /// In seconds.
    #[serde(default = "ttl")]
    pub ttl: u32,
}

/// One host of a stack. There is one today; what a host needs is named after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    pub name: String,
    /// What it is there for.
    pub role: String,
}

/// A machine that is already there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExistingHost {
    pub address: String,
    #[serde(default = "ssh_port")]
    pub port: u16,
    #[serde(default = "root")]
    pub user: String,
    /// The host's ed25519 public key, as `ssh-ed25519 AAAA…`: pinned before the first packet.
    pub host_key: String,
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
    pub email: Option<String>,
    /// The directory URL of an ACME server, for `issuer: acme`.
    #[serde(default)]
    pub url: Option<String>,
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

/// The app server's own settings: what Gunicorn's were.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct App {
    /// Loopback port on which the live slot answers.
    pub port: u16,
    /// Threads that serve requests.
    pub workers: u16,
    pub request_timeout_s: u32,
    pub keep_alive_s: u32,
    pub max_connections: u32,
    /// Database connections of one slot. Two slots run during a deploy.
    pub pool: u16,
    /// What a slot may take of the host's memory, in MB.
    pub memory_max_mb: u32,
    /// How many seconds a new release must answer well before it takes over; 0 is not at all.
    pub min_healthy_s: u32,
    /// How many seconds a new release may take until it answers: it opens its pool first.
    pub ready_within_s: u32,
    /// How many seconds its migrations may take, all of them.
    pub migrate_within_s: u32,
    /// Loads the seeded example data with each deploy, beside whatever else is there: for rehearsals.
    pub demo_data: bool,
    /// Plain settings for the app's environment.
    pub env: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    pub name: String,
    pub user: String,
    pub max_connections: u16,
    pub shared_buffers_mb: u32,
    pub effective_cache_size_mb: u32,
    pub work_mem_mb: u32,
    pub maintenance_work_mem_mb: u32,
}

/// Where a secret comes from: exactly one of three.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "SourceKeys")]
pub enum Source {
    /// An environment variable of the operator.
    Env(String),
    /// A file, relative to citrino.yml.
    File(PathBuf),
    /// A command line for `sh -c`.
    Command(String),
}

/// A source as it is written: a mapping with one key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SourceKeys {
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

/// What stands in the place of a source. Whoever writes the secret itself there must not read it in
/// an error.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Keys(SourceKeys),
    Else(serde::de::IgnoredAny),
}

impl TryFrom<Written> for Source {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let keys = match written {
            Written::Keys(keys) => keys,
            Written::Else(_) => SourceKeys::default(),
        };
        match (keys.env, keys.file, keys.command) {
            (Some(name), None, None) => Ok(Source::Env(name)),
            (None, Some(path), None) => Ok(Source::File(path)),
            (None, None, Some(line)) => Ok(Source::Command(line)),
            _ => Err("a secret is not written here: name where it comes from, by exactly one of `env`, `file`, `command`".to_owned()),
        }
    }
}

impl From<Source> for SourceKeys {
    fn from(source: Source) -> Self {
        let mut keys = Self::default();
        match source {
            Source::Env(name) => keys.env = Some(name),
            Source::File(path) => keys.file = Some(path),
            Source::Command(line) => keys.command = Some(line),
        }
        keys
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    pub email: Vec<String>,
}

impl Default for App {
    fn default() -> Self {
        Self {
            port: 5001,
            workers: 2,
            request_timeout_s: 30,
            keep_alive_s: 75,
            max_connections: 1000,
            pool: 10,
            memory_max_mb: 300,
            min_healthy_s: 5,
            ready_within_s: 30,
            migrate_within_s: 900,
            demo_data: false,
            env: BTreeMap::new(),
        }
    }
}

impl Default for Database {
    /// The sizes of the production plan for a host of 2 GB.
    fn default() -> Self {
        Self {
            name: "citrino_prod".to_owned(),
            user: "citrino_user".to_owned(),
            max_connections: 50,
            shared_buffers_mb: 256,
            effective_cache_size_mb: 1024,
            work_mem_mb: 4,
            maintenance_work_mem_mb: 64,
        }
    }
}

fn anywhere() -> Vec<String> {
    vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()]
}

fn yes() -> bool {
    true
}

/// Short enough that a host that moved is found within minutes.
fn ttl() -> u32 {
    300
}

fn ssh_port() -> u16 {
    22
}

fn root() -> String {
    "root".to_owned()
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
        let text = std::fs::read_to_string(path).map_err(|error| {
            Fault::new(
                Code::E0101,
                format!("{} could not be read: {error}", path.display()),
            )
            .hint("name the file with `-c FILE`; examples/ has one to start from")
        })?;
        let mut stack = Self::parse(&text, &path.display().to_string())?;
        stack.folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(stack)
    }

    /// The same from text; `file` is what errors call it.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        let mut stack: Self =
            serde_yaml::from_str(text).map_err(|error| explain_yaml(&error, file))?;
        stack.check(text, file)?;
        stack.digest = digest::sha256(text.as_bytes());
        Ok(stack)
    }

    /// The hosts that the cloud has for this stack.
    pub fn hosts(&self) -> Vec<HostName> {
        vec![HostName {
            name: self.name.clone(),
            role: "host".to_owned(),
        }]
    }

    /// Where sshd of the host listens.
    pub fn ssh_port(&self) -> u16 {
        self.host.as_ref().map_or_else(ssh_port, |host| host.port)
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

/// An error of serde as one sentence with file and line, and the nearest known key.
fn explain_yaml(error: &serde_yaml::Error, file: &str) -> Fault {
    let text = error.to_string();
    let at = error
        .location()
        .map_or(String::new(), |at| format!(":{}", at.line()));
    let message = text.split(" at line ").next().unwrap_or(&text);
    let fault = Fault::new(Code::E0102, format!("{file}{at}: {message}"));
    match nearest_key(message) {
        Some(key) => fault.hint(format!("did you mean `{key}`?")),
        None => fault,
    }
}

/// From serde's "unknown field `a`, expected one of `b`, `c`": the key that is most like `a`.
pub fn nearest_key(message: &str) -> Option<String> {
    let (_, rest) = message
        .split_once("unknown field `")
        .or_else(|| message.split_once("unknown variant `"))?;
    let (wrong, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2);
    known
        .map(|key| (strsim::jaro_winkler(wrong, key), key))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "stack: prod\ndomain: example.com\nhost: { address: 203.0.113.7, host_key: ssh-ed25519 AAAA }\n";

    fn refusal(more: &str) -> String {
        let error = Stack::parse(&format!("{LEAST}{more}"), "citrino.yml").unwrap_err();
        let trouble = crate::core::error::error_info(&error);
        format!(
            "{} {} [{}]",
            trouble.code,
            trouble.message,
            trouble.hint.unwrap_or_default()
        )
    }

    #[test]
    fn the_least_file_loads() {
        let stack = Stack::parse(LEAST, "citrino.yml").unwrap();
        assert_eq!(stack.app.port, 5001);
        assert_eq!(stack.database.name, "citrino_prod");
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        let text = refusal("app: { prot: 80 }\n");
        assert!(
            text.starts_with("E0102 citrino.yml:4: app: unknown field `prot`"),
            "{text}"
        );
        assert!(text.ends_with("[did you mean `port`?]"), "{text}");
    }

    #[test]
    fn values_are_checked_with_their_line() {
        for (more, wished) in [
            ("app: { pool: 40 }\n", "citrino.yml:4: `pool` is 40"),
            ("backup:\n  at: 3am\n", "citrino.yml:5: `at` is `3am`"),
            (
                "database: { name: Robert;drop }\n",
                "citrino.yml:4: `database`",
            ),
            (
                "tls: { issuer: letsencrypt }\n",
                "citrino.yml:4: `tls` needs `email`",
            ),
            ("secrets: { A B: { env: X } }\n", "`A B` is no name"),
        ] {
            let text = refusal(more);
            assert!(text.contains(wished), "{text}");
        }
    }
}
