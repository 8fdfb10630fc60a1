//! The objects of the account: JSON by kind and id, stored on disk.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lab::write_atomic;
use crate::machine::Bootstrap;
use crate::pace::Pace;

/// The kinds of resources, by their plural in the API.
pub const SSH_KEYS: &str = "ssh_keys";
pub const FIREWALLS: &str = "firewalls";
pub const SERVERS: &str = "servers";
pub const PRIMARY_IPS: &str = "primary_ips";
pub const IMAGES: &str = "images";
pub const VOLUMES: &str = "volumes";
pub const NETWORKS: &str = "networks";
pub const ZONES: &str = "zones";
pub const RRSETS: &str = "rrsets";
pub const ACTIONS: &str = "actions";

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Store {
    last_id: u64,
    kinds: BTreeMap<String, BTreeMap<u64, Value>>,
    /// The number of each server's machine, which the API does not show.
    #[serde(default)]
    pub machines: BTreeMap<u64, u8>,
    /// What each server was created with; a rebuild gives it the same again.
    #[serde(default, rename = "births")]
    pub bootstraps: BTreeMap<u64, Bootstrap>,
    #[serde(skip)]
    pub pace: Pace,
    #[serde(skip)]
    path: PathBuf,
}

impl Store {
    pub fn load(path: PathBuf) -> Result<Self> {
        let mut store = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("{} cannot be read", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => {
                return Err(error).with_context(|| format!("could not read {}", path.display()));
            }
        };
        store.path = path;
        Ok(store)
    }

    /// Saves the whole account; call it after each change.
    pub fn save(&self) -> Result<()> {
        write_atomic(&self.path, &serde_json::to_vec_pretty(self)?)
    }

    /// Ids are unique over all kinds and never reused.
    pub fn next_id(&mut self) -> u64 {
        self.last_id = self.last_id.max(1000) + 1;
        self.last_id
    }

    pub fn insert(&mut self, kind: &str, id: u64, object: Value) {
        self.kinds
            .entry(kind.to_owned())
            .or_default()
            .insert(id, object);
    }

    pub fn get(&self, kind: &str, id: u64) -> Option<&Value> {
        self.kinds.get(kind)?.get(&id)
    }

    pub fn get_mut(&mut self, kind: &str, id: u64) -> Option<&mut Value> {
        self.kinds.get_mut(kind)?.get_mut(&id)
    }

    pub fn remove(&mut self, kind: &str, id: u64) -> Option<Value> {
        self.kinds.get_mut(kind)?.remove(&id)
    }

    /// All objects of a kind, in order of id.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.kinds.get(kind).into_iter().flat_map(BTreeMap::values)
    }

    /// All objects of a kind with their keys: for kinds whose ids are not numbers.
    pub fn entries(&self, kind: &str) -> impl Iterator<Item = (u64, &Value)> {
        let kinds = self.kinds.get(kind).into_iter().flatten();
        kinds.map(|(key, object)| (*key, object))
    }

    pub fn by_name(&self, kind: &str, name: &str) -> Option<&Value> {
        self.all(kind).find(|object| object["name"] == name)
    }

    /// The primary IP of a server; `kind` is `ipv4` or `ipv6`.
    pub fn primary_ip(&self, server: u64, kind: &str) -> Option<&Value> {
        self.all(PRIMARY_IPS)
            .find(|ip| ip["assignee_id"] == server && ip["type"] == kind)
    }

    /// The public address of a server.
    pub fn address(&self, server: u64) -> Option<Ipv4Addr> {
        self.primary_ip(server, "ipv4")?["ip"]
            .as_str()?
            .parse()
            .ok()
    }
}

/// The id of an object of the API.
pub fn id_of(object: &Value) -> u64 {
    object["id"].as_u64().unwrap_or_default()
}
