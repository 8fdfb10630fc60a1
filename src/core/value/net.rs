//! What leads to a machine: names, addresses, networks, keys, accounts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{checked_text, is_plain, shown, text_of};

/// A host name in lower case.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

checked_text!(Domain);

impl Domain {
    fn refusal(text: &str) -> Option<String> {
        if is_domain(text) {
            return None;
        }
        let text = text.trim();
        if let Some(below) = text.strip_prefix("*.").filter(|below| is_domain(below)) {
            return Some(format!(
                "must be one host name: only a proof in the DNS brings a certificate for every name below {below}, and this version makes none; list the names in `tls.names`"
            ));
        }
        let better = Some(text.to_lowercase()).filter(|lower| is_domain(lower));
        let better = better.or_else(|| host_of(text));
        Some(match better {
            Some(better) => format!("must be a host name alone: write `{better}`"),
            None => format!(
                "must be a host name such as example.com, not `{}`",
                shown(text)
            ),
        })
    }

    /// The name is an address, which no certificate is made for.
    pub fn is_address(&self) -> bool {
        self.0.parse::<IpAddr>().is_ok()
    }

    /// Whether it is this name, or one below it.
    pub fn is_within(&self, zone: &Domain) -> bool {
        let before = self.0.strip_suffix(&zone.0);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }
}

fn is_domain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    is_plain(label, 63, "-")
        && !label.starts_with('-')
        && !label.ends_with('-')
        && !label.contains(|c: char| c.is_ascii_uppercase())
}

/// The host of an URL, or of a name in letters that are not of ASCII, as the name system knows it.
fn host_of(text: &str) -> Option<String> {
    let url = if text.contains("://") {
        reqwest::Url::parse(text)
    } else {
        reqwest::Url::parse(&format!("http://{text}"))
    };
    let host = url.ok()?.host_str()?.trim_end_matches('.').to_owned();
    Some(host).filter(|host| is_domain(host))
}

/// Where a machine is reached: an address, or a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

text_of!(Address);

impl Address {
    /// As a URL has it: IPv6 in brackets, where `%` begins a zone.
    pub fn in_url(&self) -> String {
        if self.0.contains(':') {
            format!("[{}]", self.0.replace('%', "%25"))
        } else {
            self.0.clone()
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    /// Brackets around an address are taken off, and IPv6 is written in its one short form: ssh looks the host's key up by
    /// it.
    fn try_from(text: String) -> Result<Self, String> {
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let bare = bare.unwrap_or(&text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self(address.to_string()));
        }
        let is_name = is_plain(&text, 253, "-._") && !text.starts_with('-');
        let (address, zone) = bare.split_once('%').unwrap_or((bare, "-"));
        let is_zoned = address.parse::<IpAddr>().is_ok() && is_plain(zone, 32, "._");
        if is_name || is_zoned {
            return Ok(Self(bare.to_owned()));
        }
        Err(format!(
            "must be an address or a host name, not `{}`",
            shown(&text)
        ))
    }
}

/// A network such as `203.0.113.0/24`, without the bits of a host.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr(IpNet);

impl Cidr {
    /// All addresses of both families.
    pub fn anywhere() -> Vec<Self> {
        [
            IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0)),
            IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 0)),
        ]
        .map(Self)
        .to_vec()
    }

    /// The network of one address when `text` is no more than that.
    pub fn of_address(text: &str) -> Result<Self, String> {
        let address = text.parse::<IpAddr>().map(|address| Self(address.into()));
        address.or_else(|_| text.parse())
    }

    pub fn net(self) -> IpNet {
        self.0
    }

    /// Whether it has every address of its family.
    pub fn is_everybody(self) -> bool {
        self.0.prefix_len() == 0
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let net = text.parse::<IpNet>().map(|net| Self(net.trunc()));
        net.map_err(|_| {
            format!(
                "must be a network such as 203.0.113.0/24 or 2001:db8::/32, not `{}`",
                shown(text)
            )
        })
    }
}

impl TryFrom<String> for Cidr {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(network: Cidr) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An IPv4 network of RFC 1918 that names its first address, with room for a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct PrivateNetwork(Ipv4Net);

/// RFC 1918, part 3.
const PRIVATE: [Ipv4Net; 3] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
];

impl TryFrom<String> for PrivateNetwork {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let net = text.parse::<Ipv4Net>().ok();
        let fits = |net: &Ipv4Net| {
            (8..=24).contains(&net.prefix_len())
                && net.trunc() == *net
                && PRIVATE.iter().any(|range| range.contains(net))
        };
        net.filter(fits).map(Self).ok_or_else(|| {
            format!(
                "must be a private network such as 10.0.0.0/16, by its first address, not `{}`",
                shown(&text)
            )
        })
    }
}

impl From<PrivateNetwork> for String {
    fn from(network: PrivateNetwork) -> Self {
        network.to_string()
    }
}

impl fmt::Display for PrivateNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The public key that a host's sshd is known by, as `ssh-ed25519 AAAA…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct HostKey(String);

checked_text!(HostKey);

impl HostKey {
    fn refusal(text: &str) -> Option<String> {
        let key = text.strip_prefix("ssh-ed25519 ");
        let key = key.and_then(|rest| rest.split_whitespace().next());
        let is_key = key.is_some_and(|key| is_plain(key, 512, "+/="));
        let is_line = !text.contains(|c: char| c.is_control());
        (!is_key || !is_line).then(|| {
            "must be an ed25519 key, the one kind that sshd serves after a converge: give the line of the host's /etc/ssh/ssh_host_ed25519_key.pub".to_owned()
        })
    }
}

/// An account on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Login(String);

checked_text!(Login);

impl Login {
    fn refusal(text: &str) -> Option<String> {
        let is_account = is_plain(text, 64, "-_.@\\+$") && !text.starts_with('-');
        (!is_account).then(|| {
            format!(
                "must be the name of an account such as `root`, not `{}`",
                shown(text)
            )
        })
    }

    pub fn root() -> Self {
        Self("root".to_owned())
    }
}

/// An address for mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

checked_text!(Email);

impl Email {
    fn refusal(text: &str) -> Option<String> {
        let is_line = text.len() <= 254 && !text.contains(|c: char| c.is_control() || c == ' ');
        let parts = text.rsplit_once('@');
        let is_mail = parts.is_some_and(|(name, host)| {
            !name.is_empty() && !name.starts_with('-') && !host.is_empty() && !host.starts_with('.')
        });
        (!is_line || !is_mail).then(|| {
            format!(
                "must be a mail address such as ana@example.com, not `{}`",
                shown(text)
            )
        })
    }
}
