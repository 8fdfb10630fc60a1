//! A server as the API tells of it, and the host keys that its labels pin.

use std::net::Ipv6Addr;

use anyhow::Result;
use serde::Deserialize;

use super::answers::{NameAnswer, Protection, or_default};
use super::labels;
use super::resource::{Fields, Labelled};
use super::words::ServerStatus;

pub type ServerView = Labelled<ServerFields>;

/// A server as the API tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "ServerAnswer")]
pub struct ServerFields {
    /// `running`, `off`, or one of the API's names for being on the way.
    pub status: ServerStatus,
    pub ipv4: Option<String>,
    /// The first address of the server's network.
    pub ipv6: Option<String>,
    /// Ids of its addresses, which are resources of their own.
    pub ipv4_id: Option<i64>,
    pub ipv6_id: Option<i64>,
    pub server_type: String,
    /// The size of its disk, in GB; it only grows.
    pub disk_gb: i64,
    pub location: String,
    /// The image's name; snapshots and deleted images have none.
    pub image: Option<String>,
    /// Ids of the firewalls that are applied to it.
    pub firewalls: Vec<i64>,
    /// Ids of the private networks that it is in.
    pub networks: Vec<i64>,
    /// Whether automatic backups are on.
    pub backups: bool,
    /// Whether it is protected against deletion and rebuilding.
    pub protected: bool,
}

/// The API's answer, of which nothing but the id and the name must be there.
#[derive(Deserialize)]
struct ServerAnswer {
    #[serde(default, deserialize_with = "or_default")]
    status: ServerStatus,
    #[serde(default, deserialize_with = "or_default")]
    public_net: PublicNet,
    #[serde(default, deserialize_with = "or_default")]
    server_type: NameAnswer,
    #[serde(default, deserialize_with = "or_default")]
    location: NameAnswer,
    #[serde(default, deserialize_with = "or_default")]
    image: NameAnswer,
    #[serde(default, deserialize_with = "or_default")]
    private_net: Vec<PrivateNet>,
    #[serde(default, deserialize_with = "or_default")]
    primary_disk_size: i64,
    #[serde(default)]
    backup_window: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    protection: Protection,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PublicNet {
    ipv4: Option<PublicAddress>,
    ipv6: Option<PublicAddress>,
    #[serde(deserialize_with = "or_default")]
    firewalls: Vec<Applied>,
}

#[derive(Deserialize)]
struct PublicAddress {
    #[serde(default)]
    id: Option<i64>,
    ip: String,
}

#[derive(Deserialize)]
struct PrivateNet {
    network: i64,
}

#[derive(Deserialize)]
struct Applied {
    id: i64,
}

impl From<ServerAnswer> for ServerFields {
    fn from(answer: ServerAnswer) -> Self {
        let net = answer.public_net;
        let address_id = |address: &Option<PublicAddress>| address.as_ref().and_then(|one| one.id);
        Self {
            ipv4_id: address_id(&net.ipv4),
            ipv6_id: address_id(&net.ipv6),
            status: answer.status,
            ipv4: net.ipv4.map(|address| address.ip),
            ipv6: net.ipv6.map(|address| first_address(&address.ip)),
            server_type: answer.server_type.name,
            disk_gb: answer.primary_disk_size,
            networks: answer.private_net.iter().map(|net| net.network).collect(),
            location: answer.location.name,
            image: Some(answer.image.name).filter(|name| !name.is_empty()),
            firewalls: net.firewalls.iter().map(|applied| applied.id).collect(),
            backups: answer.backup_window.is_some(),
            protected: answer.protection.delete,
        }
    }
}

/// A server answers on `…::1` of the network that the API tells.
pub(super) fn first_address(network: &str) -> String {
    let base = network.split('/').next().unwrap_or(network);
    match base.parse::<Ipv6Addr>() {
        Ok(address) if network.contains('/') => {
            Ipv6Addr::from_bits(address.to_bits() | 1).to_string()
        }
        _ => base.to_owned(),
    }
}

impl Fields for ServerFields {
    const MANY: &'static str = "servers";
    const ONE: &'static str = "server";
    const WORD: &'static str = "server";
    const CAN_UNPROTECT: bool = true;

    fn is_protected(&self) -> bool {
        self.protected
    }
}

impl ServerView {
    /// Where the server is reached.
    pub fn address(&self) -> Option<&str> {
        self.ipv4.as_deref().or(self.ipv6.as_deref())
    }

    /// Whether it is not on its way to something else.
    pub(super) fn at_rest(&self) -> bool {
        matches!(self.status, ServerStatus::Running | ServerStatus::Off)
    }
}

/// The host keys of a server (`ssh-ed25519 AAAA…`): the one that it was born with, the one that
/// replaced it, and the one of a rebuild that is under way, for as long as each is in its labels.
///
/// # Errors
/// E0303 when a label is no pin: somebody changed it.
pub fn pins(server: &ServerView) -> Result<Vec<String>> {
    [labels::BOOTSTRAP_KEY, labels::HOST_KEY, labels::REBIRTH_KEY]
        .iter()
        .filter_map(|key| server.labels.get(*key))
        .map(|pin| labels::pinned_line(pin))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_next_year_is_read() {
        let text = r#"{"id": 7, "name": "s", "status": "hibernating", "labels": null, "surprise": {},
            "public_net": {"ipv4": null, "ipv6": {"ip": "2001:db8::/64"}, "firewalls": [{"id": 3, "status": "odd"}]},
            "image": null, "location": {"name": "ash"}, "backup_window": null}"#;
        let view: ServerView = serde_json::from_str(text).unwrap();
        assert_eq!(view.address(), Some("2001:db8::1"));
        assert_eq!((&view.firewalls, &view.image), (&vec![3], &None));
        assert_eq!(view.status.to_string(), "hibernating");
    }

    #[test]
    fn pins_are_the_keys_in_the_labels() {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";
        let mut view = ServerView::default();
        assert!(pins(&view).unwrap().is_empty());
        let pin = labels::pin_label(key).unwrap();
        view.labels
            .insert(labels::BOOTSTRAP_KEY.to_owned(), pin.clone());
        view.labels.insert(labels::HOST_KEY.to_owned(), pin);
        assert_eq!(pins(&view).unwrap(), [key, key]);
        view.labels
            .insert(labels::HOST_KEY.to_owned(), "x".to_owned());
        assert!(pins(&view).is_err());
    }
}
