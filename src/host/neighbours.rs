//! What a host had before the stack came to it, as far as it goes on: what an operator agreed to, which of nginx's files stay
//! served, who is let into the cluster beside the app, and how strict sshd was.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::own::{NEIGHBOURS, STATE};
use super::system::System;
use crate::core::value::HostPath;

/// What stands in the first line of each file that is made from a template.
const MARK: &str = "# Made by citrino-ops";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NeighbourRecord {
    /// Sentences of the first look that somebody said yes to.
    pub agreed: BTreeSet<String>,
    pub sites: BTreeSet<NginxSite>,
    /// TCP ports that others listen on behind the firewall.
    pub ports: BTreeSet<u16>,
    /// Where others have databases in the stack's cluster.
    pub cluster: Option<SharedCluster>,
    pub sshd: SshdLimits,
}

/// A file of nginx's that is not the stack's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NginxSite {
    pub path: HostPath,
    /// Whether it answers whoever asks port 80, or 443, for a name that nobody has.
    pub default_http: bool,
    pub default_https: bool,
}

/// Who came into the cluster before, and from where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedCluster {
    pub hba: Vec<String>,
    pub ident: Vec<String>,
    pub listen_addresses: String,
}

/// The stricter of what the stack wishes for and what the host had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshdLimits {
    pub permit_root_login: String,
    pub max_auth_tries: u32,
    pub login_grace_time: u32,
    /// Lists of algorithms, where the host has narrower ones than OpenSSH.
    pub kex: Option<String>,
    pub ciphers: Option<String>,
    pub macs: Option<String>,
}

impl Default for SshdLimits {
    /// What the stack wishes for.
    fn default() -> Self {
        Self {
            permit_root_login: "prohibit-password".to_owned(),
            max_auth_tries: 4,
            login_grace_time: 30,
            kex: None,
            ciphers: None,
            macs: None,
        }
    }
}

impl NeighbourRecord {
    /// One in which each thing is said, for what is rendered before a host is known.
    pub fn of_everything() -> Self {
        let site = "/etc/nginx/sites-enabled/shop"
            .parse()
            .map(|path| NginxSite {
                path,
                default_http: true,
                default_https: true,
            });
        let cluster = SharedCluster {
            hba: vec!["host tienda tienda 127.0.0.1/32 scram-sha-256".to_owned()],
            ident: vec!["tienda ana tienda".to_owned()],
            listen_addresses: "*".to_owned(),
        };
        let sshd = SshdLimits {
            permit_root_login: "no".to_owned(),
            ciphers: Some("aes256-gcm@openssh.com,aes256-cbc".to_owned()),
            ..SshdLimits::default()
        };
        Self {
            agreed: BTreeSet::new(),
            ports: BTreeSet::from([8080]),
            sites: site.into_iter().collect(),
            cluster: Some(cluster),
            sshd,
        }
    }

    /// None before the first look.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read(system: &System) -> Result<Option<Self>> {
        let Some(text) = system.read_text(NEIGHBOURS)? else {
            return Ok(None);
        };
        let record = serde_json::from_str(&text);
        record
            .map(Some)
            .with_context(|| format!("could not read {NEIGHBOURS}"))
    }

    /// # Errors
    /// When it cannot be written.
    pub async fn write(&self, system: &System) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        system.make_folders(STATE)?;
        system
            .write_atomic(NEIGHBOURS, text.as_bytes(), 0o600, None, &[])
            .await
    }
}

/// Whether a file was made by the stack.
pub fn is_ours(text: &str) -> bool {
    text.starts_with(MARK)
}
