//! The machine: the sections `cloud` and `host` of citrino.yml.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretSource;
use crate::core::value::{
    Address, Cidr, Domain, HostKey, HttpUrl, Login, Money, Port, PrivateNetwork, WholeNumber, Word,
};

/// The server to make at Hetzner.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cloud {
    /// The type of server, as the API names it, such as `cpx11`.
    /// Another type rescales the server, with an outage of minutes.
    #[schemars(extend("x-applied" = "cloud"))]
    pub server_type: Word,
    /// Where the server stands, such as `ash`. `plan` asks the API whether the type can be had there.
    #[schemars(extend("x-applied" = "cloud"))]
    pub location: Word,
    /// The system. The tests run on `debian-12`; another image needs a new disk (`provision --replace`).
    #[schemars(extend("x-applied" = "cloud"))]
    pub image: Word,
    /// Hetzner's own backups of the whole disk, for 20 % of the server's price.
    #[serde(default)]
    #[schemars(extend("x-applied" = "cloud"))]
    pub backups: bool,
    /// Files of the public keys that may log in.
    #[schemars(extend("x-applied" = "cloud host"))]
    #[schemars(extend("x-takes" = "a list of paths on this machine; a relative one starts at citrino.yml"))]
    pub ssh_keys: Vec<PathBuf>,
    /// The networks that may reach sshd.
    #[serde(default = "Cidr::anywhere")]
    #[schemars(extend("x-applied" = "cloud host"))]
    pub allow_ssh_from: Vec<Cidr>,
    /// Keeps the API from deleting the server, its addresses and its volume, until `destroy --unprotect`.
    #[serde(default = "yes")]
    #[schemars(extend("x-applied" = "cloud"))]
    pub protect: bool,
    /// A private network for the stack's hosts, such as `10.0.0.0/16`.
    #[serde(default)]
    #[schemars(extend("x-applied" = "cloud"))]
    pub network: Option<PrivateNetwork>,
    /// The size in GB of a volume for the database, which survives a rebuild. It can grow, and never shrink.
    /// The range is that of <https://docs.hetzner.cloud>.
    #[serde(default)]
    #[schemars(extend("x-applied" = "cloud"))]
    pub volume_gb: Option<WholeNumber<10, 10_240>>,
    /// Whether the host has an IPv4 address. `false` is refused by this version.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub ipv4: bool,
    /// The zone of `domain` in Hetzner's DNS. Its A and AAAA records are led to the host.
    #[serde(default)]
    pub dns: Option<Dns>,
    /// EUR a month, net, for everything of the stack. Nothing is created that costs more.
    #[serde(default)]
    #[schemars(extend("x-applied" = "here"))]
    pub max_monthly_eur: Option<Money>,
    /// The API's address, where it is not Hetzner's. The variable `HCLOUD_ENDPOINT` goes before it.
    #[serde(default)]
    #[schemars(extend("x-applied" = "here"))]
    pub endpoint: Option<HttpUrl>,
    /// Where the API token comes from. The variable `HCLOUD_TOKEN` goes before it.
    #[serde(default)]
    #[schemars(extend("x-applied" = "here"))]
    pub token: Option<SecretSource>,
}

/// A zone of Hetzner's DNS.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// The zone, which must contain `domain`.
    #[schemars(extend("x-applied" = "cloud"))]
    pub zone: Domain,
    /// How many seconds others may keep a record.
    #[serde(default = "ttl")]
    #[schemars(extend("x-applied" = "cloud"))]
    pub ttl: Ttl,
}

pub type Ttl = WholeNumber<60, 2_147_483_647>;

/// A machine that is already there.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExistingHost {
    /// Its address, or a name that points to it.
    #[schemars(extend("x-applied" = "here"))]
    pub address: Address,
    /// Where its sshd listens.
    #[serde(default = "ssh_port")]
    #[schemars(extend("x-applied" = "host"))]
    pub port: Port,
    /// Who logs in; the account must be root, or be able to become root by `sudo` without a password.
    #[serde(default = "Login::root")]
    #[schemars(extend("x-applied" = "host"))]
    pub user: Login,
    /// The host's ed25519 public key, as `ssh-ed25519 AAAA…`. It is compared before anything is sent.
    #[schemars(extend("x-applied" = "here"))]
    pub host_key: HostKey,
    /// The file of the private key to log in with; without it, ssh tries its own.
    #[serde(default)]
    #[schemars(extend("x-applied" = "here"))]
    #[schemars(extend("x-takes" = "a path on this machine; a relative one starts at citrino.yml"))]
    pub identity: Option<PathBuf>,
}

fn yes() -> bool {
    true
}

/// Short enough that a host that moved is found within minutes.
fn ttl() -> Ttl {
    WholeNumber::near(300)
}

pub(super) fn ssh_port() -> Port {
    Port::SSH
}
