//! The Hetzner Cloud API, through the crate hcloud. planner/cloud.rs has the desired state.
//!
//! Requests are the crate's models. Answers are read by the crate where it can, and by small
//! lenient structs where a new field or value must not break a run: docs/decisions/0003.

mod actions;
mod addresses;
mod answers;
mod call;
mod catalogue;
mod cost;
mod deadline;
mod failure;
mod firewalls;
mod holdings;
pub mod labels;
mod lock;
mod memory;
mod menu;
mod networks;
mod offer;
mod power;
mod products;
mod resource;
mod server_view;
mod servers;
mod snapshots;
mod ssh_keys;
mod volumes;
mod words;
mod zones;

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::Result;
use hcloud::apis::configuration::Configuration;

pub use addresses::{AddressView, Family, ResourceHolder};
pub use catalogue::availability;
pub use cost::{Cost, Item};
pub use failure::{ApiError, ApiSources, CallError, Field, SettingSource};
pub use firewalls::{FirewallRule, FirewallView};
pub use holdings::Holdings;
pub use menu::MenuItem;
pub use networks::NetworkView;
pub use offer::Offer;
pub use resource::{ResourceKind, UNPROTECT};
pub use server_view::{ServerView, pins};
pub use servers::NewServer;
pub use snapshots::SnapshotView;
pub use ssh_keys::KeyView;
pub use volumes::VolumeView;
pub use words::{ApiCode, ServerStatus};
pub use zones::{RecordView, ZoneRecord, ZoneView};

use crate::core::error::{Code, Fault};
use crate::core::report::Progress;
use crate::core::secret::Secret;

/// Where the API lives unless the operator says otherwise.
pub const DEFAULT_ENDPOINT: &str = "https://api.hetzner.cloud/v1";

/// Waits between requests. Tests make them short.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// First wait before an action is asked about; it grows to `longest_poll`.
    pub first_poll: Duration,
    pub longest_poll: Duration,
    /// First wait before a failed request is sent again; it doubles each time.
    pub first_retry: Duration,
    /// How long an answer may take.
    pub answer: Duration,
    /// No wait before a request is sent again is longer.
    pub longest_retry: Duration,
    /// How long a firewall may still be in use after its server went.
    pub in_use: Duration,
    /// How long a server may take to shut down before its power is cut.
    pub shutdown: Duration,
    /// What every deadline is multiplied by: 1, but for a test that waits for one.
    pub patience: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_poll: Duration::from_millis(500),
            longest_poll: Duration::from_millis(2500),
            first_retry: Duration::from_secs(1),
            answer: Duration::from_secs(30),
            longest_retry: Duration::from_secs(30),
            in_use: Duration::from_mins(1),
            shutdown: Duration::from_mins(1),
            patience: 1.0,
        }
    }
}

/// The Hetzner API as a world for the engine.
pub struct Hetzner {
    /// The crate's own Debug of this prints the token: it must never be formatted.
    cfg: Configuration,
    pace: Pace,
    progress: Option<Progress>,
    sources: ApiSources,
    /// How many bytes of answers were read.
    received: AtomicU64,
    memory: memory::ListMemory,
}

impl fmt::Debug for Hetzner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hetzner({})", self.endpoint())
    }
}

impl Hetzner {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// E0301 for a token that cannot be one, E0302 for an endpoint that cannot be one.
    pub fn connect(endpoint: &str, token: &Secret) -> Result<Self> {
        Self::connect_paced(endpoint, token, Pace::default())
    }

    pub fn connect_paced(endpoint: &str, token: &Secret, pace: Pace) -> Result<Self> {
        let token = token.reveal().trim();
        if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(Fault::new(
                Code::E0301,
                "the token for the Hetzner API is empty or has invalid characters",
            )
            .hint("the token is in HCLOUD_TOKEN, or where `cloud.token` in citrino.yml says")
            .into());
        }
        let endpoint = endpoint.trim().trim_end_matches('/');
        let client = client(endpoint, pace)?;
        let mut cfg = Configuration {
            client,
            user_agent: Some(format!("citrino-ops/{}", env!("CARGO_PKG_VERSION"))),
            bearer_access_token: Some(token.to_owned()),
            ..Configuration::default()
        };
        cfg.base_path_mapping
            .insert(DEFAULT_ENDPOINT.to_owned(), endpoint.to_owned());
        Ok(Self {
            cfg,
            pace,
            progress: None,
            sources: ApiSources::default(),
            received: AtomicU64::new(0),
            memory: memory::ListMemory::default(),
        })
    }

    /// Where its token and endpoint come from, for errors.
    pub fn known_by(mut self, sources: ApiSources) -> Self {
        self.sources = sources;
        self
    }

    /// Has the progress of actions told.
    pub fn telling(mut self, progress: Progress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// A deadline, as long as it is here.
    fn within(&self, deadline: Duration) -> Duration {
        deadline.mul_f64(self.pace.patience)
    }

    /// Says what is waited for.
    fn show(&self, doing: &str, percent: i64) {
        if let Some(tell) = &self.progress {
            tell(doing, percent);
        }
    }

    pub fn endpoint(&self) -> &str {
        self.cfg.get_default_base_path()
    }
}

fn client(endpoint: &str, pace: Pace) -> Result<reqwest::Client> {
    let local = check_endpoint(endpoint)?;
    let mut builder = reqwest::Client::builder()
        .use_rustls_tls()
        // The binary is static: libc's resolver is not in it.
        .hickory_dns(true)
        .connect_timeout(pace.answer.min(Duration::from_secs(10)))
        .timeout(pace.answer)
        // The API never redirects; following one could carry the token elsewhere.
        .redirect(reqwest::redirect::Policy::none());
    if local {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| {
        Fault::new(
            Code::E0302,
            format!("could not set up an HTTP client for the Hetzner API: {error}"),
        )
        .into()
    })
}

/// Whether the endpoint is on this machine. Elsewhere it must be https, or anybody on the way
/// could read the token.
fn check_endpoint(endpoint: &str) -> Result<bool> {
    let wrong = |why: &str| {
        Fault::new(
            Code::E0302,
            format!("the endpoint `{endpoint}` of the Hetzner API {why}"),
        )
        .hint(format!(
            "set HCLOUD_ENDPOINT or cloud.endpoint to something like {DEFAULT_ENDPOINT}"
        ))
    };
    let url = reqwest::Url::parse(endpoint).map_err(|_| wrong("is not a URL"))?;
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let local = host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(local),
        "http" if local => Ok(true),
        "http" => Err(wrong("is plain http: the token would be sent unencrypted").into()),
        _ => Err(wrong("is neither http nor https").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(endpoint: &str, token: &str) -> String {
        let error = Hetzner::connect(endpoint, &Secret::new(token)).unwrap_err();
        let trouble = crate::core::error::error_info(&error);
        format!("{} {}", trouble.code, trouble.message)
    }

    #[test]
    fn the_token_is_trimmed_and_never_printed() {
        let api = Hetzner::connect("http://127.0.0.1:1/v1/", &Secret::new(" s3cr3t\n")).unwrap();
        assert_eq!(api.cfg.bearer_access_token.as_deref(), Some("s3cr3t"));
        assert_eq!(format!("{api:?}"), "Hetzner(http://127.0.0.1:1/v1)");
    }

    #[test]
    fn bad_tokens_and_endpoints_are_refused_before_anything_is_sent() {
        assert!(refused(DEFAULT_ENDPOINT, " \n").starts_with(Code::E0301.as_str()));
        assert!(refused(DEFAULT_ENDPOINT, "two words").starts_with(Code::E0301.as_str()));
        assert!(refused("nowhere", "t").contains("is not a URL"));
        assert!(refused("ftp://127.0.0.1", "t").contains("neither"));
        assert!(refused("http://api.example.com/v1", "t").contains("unencrypted"));
    }
}
