//! The settings of a machine that survive a reboot, as a file in its folder.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::handle::Machine;
use crate::lab::write_atomic;

/// The settings of a machine; they take effect at its next boot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The image below its disk; a newer lab may have another one.
    pub image: PathBuf,
    pub memory_bytes: u64,
    /// The last byte of its public address, if it has one.
    pub host: Option<u8>,
    /// Ids of the volumes that it has.
    #[serde(default)]
    pub volumes: Vec<u64>,
    /// Its links to private networks.
    #[serde(default)]
    pub nics: Vec<Nic>,
}

/// A link to a private network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nic {
    pub network: u64,
    /// The index of the link, from 0. Its name inside follows from it.
    pub slot: u8,
    pub address: Ipv4Addr,
    pub mac: String,
    /// The range that is reached through it, in CIDR notation.
    pub range: String,
}

impl Machine {
    pub fn settings(&self) -> Result<Settings> {
        let path = self.folder().join("settings.json");
        let bytes =
            fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        let mut value: Value = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        // Older labs used a machine's number for its address and did not store it.
        if value.get("host").is_none() {
            value["host"] = json!(self.number);
        }
        serde_json::from_value(value).with_context(|| format!("{} cannot be read", path.display()))
    }

    pub(super) fn keep(&self, settings: &Settings) -> Result<()> {
        let path = self.folder().join("settings.json");
        write_atomic(&path, &serde_json::to_vec_pretty(settings)?)
    }

    /// Whether it was created completely.
    pub fn is_made(&self) -> bool {
        self.folder().join("settings.json").exists()
    }

    /// Changes settings. A machine that was never created has none.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        if !self.is_made() {
            return Ok(());
        }
        let mut settings = self.settings()?;
        change(&mut settings);
        self.keep(&settings)
    }
}
