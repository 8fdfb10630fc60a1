//! What differs between a server and what is wanted of it: a list of questions, one a repair.

use super::{Dependencies, DiskPolicy, Server};
use crate::hetzner::{AddressView, ServerStatus, ServerView, labels};
use crate::planner::cloud::ours::label_differences;

/// What can be corrected, in this order: repairs that need the server off come before it is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::planner::cloud) enum Repair {
    Disk,
    NameOrLabels,
    Type,
    Addresses,
    Network,
    Firewall,
    Backups,
    Power,
    Protection,
}

impl Repair {
    /// Whether the server is switched off for it.
    pub fn needs_off(self) -> bool {
        matches!(self, Self::Disk | Self::Type | Self::Addresses)
    }
}

/// Each difference as a sentence; none when there is nothing to put right.
type Check = fn(&Server, &ServerView, &Dependencies) -> Vec<String>;

const CHECKS: [(Repair, Check); 10] = [
    (Repair::Disk, disk),
    (Repair::NameOrLabels, name),
    (Repair::NameOrLabels, labels_of),
    (Repair::Type, server_type),
    (Repair::Addresses, addresses),
    (Repair::Network, network),
    (Repair::Firewall, firewall),
    (Repair::Backups, backups),
    (Repair::Power, power),
    (Repair::Protection, protection),
];

impl Server {
    /// What differs, in the order in which it is put right.
    pub(in crate::planner::cloud) fn differences(
        &self,
        found: &ServerView,
        around: &Dependencies,
    ) -> Vec<(Repair, String)> {
        let texts = |(repair, check): (Repair, Check)| {
            let texts = check(self, found, around).into_iter();
            texts.map(move |text| (repair, text))
        };
        CHECKS.into_iter().flat_map(texts).collect()
    }

    /// Why it needs a new disk.
    fn needs_disk(&self, found: &ServerView) -> Option<String> {
        if let Some(image) = found.image.as_ref().filter(|image| **image != self.image) {
            return Some(format!("image is {image}, expected {}", self.image));
        }
        let reborn = [labels::REBIRTH_KEY, labels::BOOTSTRAP_KEY]
            .iter()
            .any(|key| found.labels.get(*key) == Some(&self.birth.pin));
        (self.renewal == DiskPolicy::Wished && !reborn)
            .then(|| format!("a new disk with {} was requested", self.image))
    }
}

/// The sentence, when it is so.
fn when(differs: bool, text: impl FnOnce() -> String) -> Vec<String> {
    differs.then(text).into_iter().collect()
}

fn disk(server: &Server, found: &ServerView, _: &Dependencies) -> Vec<String> {
    let why = server.needs_disk(found).into_iter();
    why.map(|why| {
        format!(
            "{why}: a snapshot is taken, then the server is rebuilt; its disk is lost, its addresses stay"
        )
    })
    .collect()
}

fn name(server: &Server, found: &ServerView, _: &Dependencies) -> Vec<String> {
    let wished = &server.host.name;
    when(found.name != *wished, || {
        format!("server name is {}, expected {wished}", found.name)
    })
}

fn labels_of(server: &Server, found: &ServerView, _: &Dependencies) -> Vec<String> {
    label_differences(&found.labels, server.labels())
}

fn server_type(server: &Server, found: &ServerView, _: &Dependencies) -> Vec<String> {
    let is_other = !found.server_type.is_empty() && found.server_type != server.server_type;
    when(is_other, || {
        format!(
            "type is {}, expected {}: a snapshot is taken, the server is off for some minutes, its disk stays at {} GB",
            found.server_type, server.server_type, found.disk_gb
        )
    })
}

fn addresses(_: &Server, found: &ServerView, around: &Dependencies) -> Vec<String> {
    let pairs = [(&around.ipv4, found.ipv4_id), (&around.ipv6, found.ipv6_id)];
    let text = |pair: (&Option<AddressView>, Option<i64>)| match pair {
        (None, None) => {
            Some("an address is missing: the server is off for a minute to get it".to_owned())
        }
        (Some(address), held) if held != Some(address.id) => Some(format!(
            "address {} is not assigned to the server: it is off for a minute to get it",
            address.ip
        )),
        _ => None,
    };
    pairs.into_iter().filter_map(text).collect()
}

fn network(server: &Server, found: &ServerView, around: &Dependencies) -> Vec<String> {
    let is_in = around
        .network
        .is_some_and(|id| found.networks.contains(&id));
    when(server.network && !is_in, || {
        format!("server {} is not in its network", found.name)
    })
}

fn firewall(_: &Server, found: &ServerView, around: &Dependencies) -> Vec<String> {
    let is_applied = around
        .firewall
        .is_some_and(|id| found.firewalls.contains(&id));
    when(!is_applied, || {
        format!("firewall is not applied to server {}", found.name)
    })
}

fn backups(server: &Server, found: &ServerView, _: &Dependencies) -> Vec<String> {
    when(server.backups && !found.backups, || {
        format!("automatic backups of server {} are off", found.name)
    })
}

fn power(_: &Server, found: &ServerView, _: &Dependencies) -> Vec<String> {
    when(found.status != ServerStatus::Running, || {
        format!(
            "server {} is {}, expected running",
            found.name, found.status
        )
    })
}

fn protection(server: &Server, found: &ServerView, _: &Dependencies) -> Vec<String> {
    when(server.protect && !found.protected, || {
        format!("server {} is not protected against deletion", found.name)
    })
}
