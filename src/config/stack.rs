//! What one operator wants: the types of citrino.yml.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::paths::ConfigPaths;
use super::profile;
use super::text::{self, Unreadable};
use super::yaml::Document;
use crate::core::app_profile::AppProfile;
use crate::core::digest;
use crate::core::error::{Code, Fault};
use crate::core::role::Roles;
use crate::core::value::{Domain, HostName, Login, Port, StackName, Variable};

mod alerts;
mod app;
mod backup;
mod check;
mod cloud;
mod environment;
mod hardening;
mod hooks;
mod memory;
mod monitoring;
mod source;
mod system;
mod tls;

pub use alerts::{Alerts, Notify, Relay, RelayTls, UrlSource};
pub use app::{App, DatabaseSettings};
pub use backup::{BackupSettings, S3};
pub use cloud::{Cloud, Dns, ExistingHost, Ttl};
pub use environment::PASSWORD as DATABASE_PASSWORD;
pub use hardening::Hardening;
pub use hooks::HookSettings;
pub use monitoring::{METRICS_USER, Monitoring};
pub use source::SecretSource;
pub use system::SYSTEMS;
pub use tls::{Https, Issuer, Tls};

/// One citrino.yml. Unknown keys are refused with the nearest known one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// The name and label of everything: the server is called so, and a second stack needs another name.
    #[serde(rename = "stack")]
    #[schemars(extend("x-applied" = "cloud host"))]
    pub name: StackName,
    /// The name that users type. It must point to the host, in your DNS or by `cloud.dns`.
    #[schemars(extend("x-applied" = "cloud nginx app"))]
    pub domain: Domain,
    /// A server at Hetzner, which `provision` makes. A stack has this section or `host`.
    #[serde(default)]
    pub cloud: Option<Cloud>,
    /// A machine that is there already. A stack has this section or `cloud`.
    #[serde(default)]
    pub host: Option<ExistingHost>,
    /// How the site is encrypted.
    #[serde(default)]
    pub tls: Tls,
    /// The app server.
    #[serde(default)]
    pub app: App,
    /// PostgreSQL and its sizes. The defaults are for a host of 2 GB.
    #[serde(default)]
    pub database: DatabaseSettings,
    /// Secrets of the app, by the name of the environment variable that it reads. Their values stand elsewhere. With `DB_PASSWORD` the app logs in to the database with a password.
    #[serde(default)]
    #[schemars(extend("x-applied" = "app"))]
    pub secrets: BTreeMap<Variable, SecretSource>,
    /// When backups are taken and proven, how long they are kept, and where.
    #[serde(default)]
    pub backup: BackupSettings,
    /// Who gets alerts by mail when something fails, and who notices when the host no longer checks itself.
    #[serde(default)]
    pub alerts: Alerts,
    /// Figures for Prometheus, and who may read them.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// Webhooks that hear of deploys, failures and recoveries.
    #[serde(default)]
    #[schemars(extend("x-applied" = "host"))]
    #[schemars(extend("x-takes" = "a list; each is `{ url, format, events }`. `url` is an URL or names where it comes from, by `env`, `file` or `command`; it is kept as a secret. `format` is `json` (the default), `slack` or `ntfy`. `events` is a list of `failure`, `recovery`, `deploy`, `rollback`; the default is all"))]
    pub notify: Vec<Notify>,
    /// How the host defends itself beyond what every host of a stack does.
    #[serde(default)]
    pub hardening: Hardening,
    /// The programs in the folder `hooks` beside citrino.yml, which run before and after a deploy and a rollback.
    #[serde(default)]
    pub hooks: HookSettings,
    /// What is known of the app: `app.profile`, else Citrino's.
    #[serde(skip)]
    pub profile: Arc<AppProfile>,
    /// The folder of citrino.yml: relative paths in it start here.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The SHA-256 of the text it was read from, of each file.
    #[serde(skip)]
    pub digest: String,
    /// Where each key that is written stands, as `FILE:LINE`.
    #[serde(skip)]
    pub origins: BTreeMap<String, String>,
}

/// One host of a stack. What is made for it, and what is kept of it, has its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub stack: StackName,
    pub name: HostName,
    pub roles: Roles,
    /// Whether the stack has no other: then whatever server the stack has is this one.
    pub is_only: bool,
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
        "alerts.relay.host" => "mail.example.com",
        "backup.s3.key_id" | "backup.s3.secret" => "{ env: NAME }",
        _ => return None,
    })
}

/// What to do when citrino.yml is not there.
const ABSENT: &str = "name the file with `-c FILE`, or let `init` write one; `citrino-ops explain E0101` shows a minimal one";

fn file_of(path: &Path, if_absent: &str) -> Result<String> {
    text::read(path).map_err(|unreadable| {
        let message = format!("{} {}", path.display(), unreadable.why());
        let fault = match unreadable {
            Unreadable::Absent(_) => Fault::new(Code::E0101, message).hint(if_absent),
            Unreadable::Unfit(_) => Fault::new(Code::E0102, message),
        };
        fault.into()
    })
}

/// What to do when the file of an environment is not there: `init` writes none.
fn absent_environment(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "create {name} with at least a `stack:` of its own; `citrino-ops docs environments` shows one"
    )
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

    /// Reads and checks a citrino.yml, with the file of the environment on top of it; nothing else is touched.
    ///
    /// # Errors
    /// E0101 when a file cannot be read, E0102 with file, line and key when one is wrong.
    pub fn load(paths: &ConfigPaths) -> Result<Self> {
        let mut document = Document::default();
        let mut digests = Vec::new();
        let main = (&paths.main, ABSENT.to_owned());
        let environment = paths.environment.as_ref();
        let environment = environment.map(|path| (path, absent_environment(path)));
        for (path, if_absent) in std::iter::once(main).chain(environment) {
            let text = file_of(path, &if_absent)?;
            digests.push(digest::sha256(text.as_bytes()));
            let file = path.display().to_string();
            document = document.under(Document::parse(&text::plain(&text), file));
        }
        let folder = match paths.main.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let environment = paths.environment.as_deref();
        let mut stack = Self::read(document, folder, environment)?;
        stack.digest = digests.join(" ");
        Ok(stack)
    }

    /// The same from text; `file` is what errors call it.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        let document = Document::parse(&text::plain(text), file);
        let mut stack = Self::read(document, Path::new("."), None)?;
        stack.digest = digest::sha256(text.as_bytes());
        Ok(stack)
    }

    fn read(mut document: Document, folder: &Path, environment: Option<&Path>) -> Result<Self> {
        // What is no YAML at all has no keys that could be missing.
        let mut stack: Option<Self> = document
            .is_yaml()
            .then(|| document.typed(stand_in))
            .flatten();
        let mut faults = Vec::new();
        if let Some(stack) = &mut stack {
            folder.clone_into(&mut stack.folder);
            stack.origins = document.origins();
            faults.extend(stack.take_profile(&mut document));
            check::check(stack, &mut document);
            if let Some(environment) = environment {
                check::has_a_name_of_its_own(stack, environment, &mut document);
            }
        }
        let file = document.name();
        faults.splice(0..0, document.faults());
        if !faults.is_empty() {
            return Err(Fault::new(Code::E0102, faults.join("\n")).into());
        }
        let message = format!("{file} has errors that could not be located");
        stack.ok_or_else(|| Fault::new(Code::E0102, message).into())
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
        self.host.as_ref().map_or(Port::SSH, |host| host.port)
    }

    /// Who logs in to the host.
    pub fn login(&self) -> Login {
        let host = self.host.as_ref();
        host.map_or_else(Login::root, |host| host.user.clone())
    }

    /// The error with the line of citrino.yml that says the key.
    pub fn located(&self, key: &str, error: anyhow::Error) -> anyhow::Error {
        match self.origins.get(key) {
            Some(place) => error.context(place.clone()),
            None => error,
        }
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
