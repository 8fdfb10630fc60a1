//! What stays true of a machine from one boot to the next, as a file in its folder.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::handle::Machine;
use crate::lab::write_atomic;

/// The settings of a machine; a running one takes them up when it boots.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The image that its disk was laid on: a newer lab may have another.
    pub image: PathBuf,
    pub memory_bytes: u64,
    /// The last byte of its public address; none where it has none.
    pub host: Option<u8>,
    /// Ids of the volumes that it has.
    #[serde(default)]
    pub volumes: Vec<u64>,
    /// Its links into private networks.
    #[serde(default)]
    pub nics: Vec<Nic>,
}

/// A link into a private network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nic {
    pub network: u64,
    /// Which of the machine's links it is, from 0: its name inside follows from it.
    pub slot: u8,
    pub address: Ipv4Addr,
    pub mac: String,
    /// Everything that is reached through it, in CIDR notation.
    pub range: String,
}

impl Machine {
    pub fn settings(&self) -> Result<Settings> {
        let path = self.folder().join("settings.json");
        let bytes =
            fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        let mut value: Value = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        // Older labs had a machine's number for its address, and did not write it down.
        if value.get("host").is_none() {
            value["host"] = json!(self.number);
        }
        serde_json::from_value(value).with_context(|| format!("{} cannot be read", path.display()))
    }

    pub(super) fn keep(&self, settings: &Settings) -> Result<()> {
        let path = self.folder().join("settings.json");
        write_atomic(&path, &serde_json::to_vec_pretty(settings)?)
    }

    /// Whether it was made: the making may have failed.
    pub fn is_made(&self) -> bool {
        self.folder().join("settings.json").exists()
    }

    /// Changes some of the settings; one that was never made has none.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        if !self.is_made() {
            return Ok(());
        }
        let mut settings = self.settings()?;
        change(&mut settings);
        self.keep(&settings)
    }
}
