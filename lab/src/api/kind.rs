//! The kinds of resources.

use crate::store::{
    FIREWALLS, IMAGES, NETWORKS, PRIMARY_IPS, RRSETS, SERVERS, SSH_KEYS, VOLUMES, ZONES,
};

/// A kind of resource: its key in lists and paths, and its key where there is one object.
#[derive(Clone, Copy)]
pub struct Kind {
    pub plural: &'static str,
    pub singular: &'static str,
}

pub const FIREWALL: Kind = Kind {
    plural: FIREWALLS,
    singular: "firewall",
};
pub const IMAGE: Kind = Kind {
    plural: IMAGES,
    singular: "image",
};
pub const NETWORK: Kind = Kind {
    plural: NETWORKS,
    singular: "network",
};
pub const PRIMARY_IP: Kind = Kind {
    plural: PRIMARY_IPS,
    singular: "primary_ip",
};
pub const RRSET: Kind = Kind {
    plural: RRSETS,
    singular: "rrset",
};
pub const SERVER: Kind = Kind {
    plural: SERVERS,
    singular: "server",
};
pub const SSH_KEY: Kind = Kind {
    plural: SSH_KEYS,
    singular: "ssh_key",
};
pub const VOLUME: Kind = Kind {
    plural: VOLUMES,
    singular: "volume",
};
pub const ZONE: Kind = Kind {
    plural: ZONES,
    singular: "zone",
};
