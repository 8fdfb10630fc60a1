//! The settings: a YAML file for the server, the environment for the database and the release.

mod bind;
mod chat;
mod database;
mod environment;
mod origin;
mod pool;
mod range;
mod token;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

pub use bind::Bind;
pub use chat::{Access, Chat, Key, Provider};
pub use database::Database;
pub use origin::Origin;
pub use pool::Pool;
pub use token::Token;

use crate::catalog::contact::{ContactPart, PARTS};
use range::between;

/// The settings file. Each key may be left out.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where to listen: `127.0.0.1:5001` or `unix:/run/citrino/blue/app.sock`.
    pub bind: Bind,
    /// Threads that run requests.
    pub workers: usize,
    /// Seconds until a request is answered with 504.
    pub request_timeout_s: u64,
    /// Seconds that an idle connection stays open.
    pub keep_alive_s: u64,
    /// Connections open at once; more wait in the kernel's queue.
    pub max_connections: usize,
    /// Connections to the database.
    pub pool: Pool,
    /// Seconds that requests in flight get after SIGTERM.
    pub shutdown_timeout_s: u64,
    /// Largest request body, in bytes.
    pub body_limit_bytes: usize,
    /// Requests that one client may make.
    pub rate_limit: RateLimit,
    /// The token that a client must send; without one, everybody is answered.
    pub token: Option<Token>,
    /// Whether requests from the host itself need no token. Only safe if every proxy on this host names its clients.
    pub token_spares_host: bool,
    /// Origins whose pages may send requests: `https://citrino.example`.
    pub cors: Vec<Origin>,
    /// Seconds that the list of services is kept.
    pub cache_s: u64,
    /// Whether answers come from the copy of the catalogue in memory. Without it they are the same and take longer.
    pub from_memory: bool,
    /// What of a seller's contact is shown.
    pub contact: Vec<ContactPart>,
    /// The providers of the chat.
    pub chat: Chat,
}

/// A token bucket for each client that is not on this host.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimit {
    /// Tokens that come in; 0 means no limit.
    pub per_second: u32,
    /// Tokens that a client starts with, which is also the maximum.
    pub burst: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            bind: Bind::default(),
            workers: 2,
            request_timeout_s: 30,
            keep_alive_s: 75,
            max_connections: 1024,
            pool: Pool::default(),
            shutdown_timeout_s: 30,
            body_limit_bytes: 64 * 1024,
            rate_limit: RateLimit::default(),
            token: None,
            token_spares_host: false,
            cors: Vec::new(),
            cache_s: 30,
            from_memory: true,
            contact: PARTS.to_vec(),
            chat: Chat::default(),
        }
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        RateLimit {
            per_second: 50,
            burst: 200,
        }
    }
}

impl Settings {
    /// The defaults, overridden by the file, overridden by the environment. Unknown keys and values out of range are refused
    /// by name.
    pub fn read(path: Option<&Path>) -> Result<Self> {
        let shown = path.map_or("the environment".into(), |path| path.display().to_string());
        let file = match path {
            Some(path) => {
                std::fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?
            }
            None => String::new(),
        };
        let settings = Self::parse(&file, std::env::vars());
        settings.with_context(|| format!("{shown} does not give valid settings"))
    }

    fn parse(file: &str, environment: impl Iterator<Item = (String, String)>) -> Result<Self> {
        // Parsed by itself, the file gives the line of a fault. After merging with the environment the lines are lost.
        let _: Option<Settings> = serde_yaml::from_str(file)?;
        let merged = environment::overlay(serde_yaml::from_str(file)?, environment);
        let mut settings: Settings = serde_yaml::from_value(merged)?;
        settings.validate()?;
        settings.chat.within(settings.request_timeout_s);
        Ok(settings)
    }

    /// How long a request may take.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_s)
    }

    fn validate(&self) -> Result<()> {
        between("workers", self.workers, 1, 256)?;
        between("request_timeout_s", self.request_timeout_s, 1, 3600)?;
        between("keep_alive_s", self.keep_alive_s, 1, 3600)?;
        between("max_connections", self.max_connections, 1, 100_000)?;
        between("shutdown_timeout_s", self.shutdown_timeout_s, 1, 3600)?;
        between(
            "body_limit_bytes",
            self.body_limit_bytes,
            1024,
            16 * 1024 * 1024,
        )?;
        between(
            "rate_limit.per_second",
            self.rate_limit.per_second,
            0,
            100_000,
        )?;
        between("rate_limit.burst", self.rate_limit.burst, 1, 100_000)?;
        between("cache_s", self.cache_s, 0, 86_400)?;
        between("pool.max", self.pool.max, 1, 1000)?;
        between(
            "pool.acquire_timeout_s",
            self.pool.acquire_timeout_s,
            1,
            3600,
        )?;
        between(
            "pool.statement_timeout_s",
            self.pool.statement_timeout_s,
            1,
            3600,
        )?;
        self.chat.validate()
    }
}

/// The settings in force as YAML, with every secret left out.
pub fn describe(settings: &Settings, database: &Database) -> Result<String> {
    #[derive(Serialize)]
    struct Shown<'a> {
        #[serde(flatten)]
        settings: &'a Settings,
        database: serde_yaml::Value,
        release: String,
    }
    let shown = Shown {
        settings,
        database: database.shown(),
        release: release(),
    };
    serde_yaml::to_string(&shown).context("the settings cannot be printed")
}

/// The id of the release that runs, as the deployer named it in `CITRINO_RELEASE`; `local` without one.
pub fn release() -> String {
    std::env::var("CITRINO_RELEASE")
        .ok()
        .filter(|id| !id.trim().is_empty())
        .unwrap_or_else(|| "local".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings> {
        Settings::parse(text, std::iter::empty())
    }

    #[test]
    fn the_environment_has_the_last_word() {
        let given = [
            ("CITRINO_APP_WORKERS", "5"),
            ("CITRINO_APP_POOL__MAX", "9"),
            ("CITRINO_RELEASE", "7"),
        ];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::parse("workers: 3\npool: {max: 4}\n", given.into_iter()).unwrap();
        assert_eq!((settings.workers, settings.pool.max), (5, 9));
        let wrong = [("CITRINO_APP_WROKERS".to_owned(), "5".to_owned())];
        let error = Settings::parse("", wrong.into_iter()).unwrap_err();
        assert!(format!("{error:#}").contains("wrokers"), "{error:#}");
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        let settings = parse("# nothing\n").unwrap();
        assert_eq!(settings.workers, 2);
        assert_eq!(settings.bind.to_string(), "127.0.0.1:5001");
    }

    #[test]
    fn keys_are_read() {
        let settings = parse("bind: unix:/run/x.sock\nworkers: 3\npool: {max: 4}\n").unwrap();
        assert_eq!(settings.bind.to_string(), "unix:/run/x.sock");
        assert_eq!(
            (
                settings.workers,
                settings.pool.max,
                settings.pool.acquire_timeout_s
            ),
            (3, 4, 5)
        );
    }

    #[test]
    fn unknown_keys_are_refused_by_name() {
        let error = format!("{:#}", parse("workers: 2\nwrokers: 3\n").unwrap_err());
        assert!(
            error.contains("wrokers") && error.contains("line 2"),
            "{error}"
        );
        let error = format!("{:#}", parse("pool: {size: 3}\n").unwrap_err());
        assert!(error.contains("size"), "{error}");
    }

    #[test]
    fn what_of_a_contact_is_shown_is_a_list() {
        let given = [("CITRINO_APP_CONTACT", "[name, email]")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::parse("", given.into_iter()).unwrap();
        assert_eq!(settings.contact, [ContactPart::Name, ContactPart::Email]);
        assert_eq!(parse("contact: []\n").unwrap().contact, []);
        let error = format!("{:#}", parse("contact: [fax]\n").unwrap_err());
        assert!(error.contains("fax"), "{error}");
    }

    #[test]
    fn values_out_of_range_are_refused_by_name() {
        let error = format!("{:#}", parse("workers: 0\n").unwrap_err());
        assert!(error.contains("workers is 0"), "{error}");
        let error = format!("{:#}", parse("bind: somewhere\n").unwrap_err());
        assert!(error.contains("somewhere"), "{error}");
    }
}
