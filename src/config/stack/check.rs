//! What serde does not see: values out of range, and keys that do not go together.

use anyhow::Result;

use super::{Issuer, Stack};
use crate::core::error::{Code, Fault};

impl Stack {
    pub(super) fn check(&self, text: &str, file: &str) -> Result<()> {
        let wrong = |key: &str, why: String| -> Result<()> {
            let line = line_of(text, key).map_or(String::new(), |line| format!(":{line}"));
            Err(Fault::new(Code::E0102, format!("{file}{line}: `{key}` {why}")).into())
        };
        if !is_dns_label(&self.name) {
            return wrong(
                "stack",
                format!(
                    "is `{}`; it names the server, so it must be 1 to 50 lower-case letters, digits and hyphens, starting with a letter",
                    self.name
                ),
            );
        }
        if !is_domain(&self.domain) {
            return wrong(
                "domain",
                format!("is `{}`, which is no host name in lower case", self.domain),
            );
        }
        self.check_place(&wrong)?;
        self.check_cloud(&wrong)?;
        let app = &self.app;
        let seconds = [
            app.request_timeout_s,
            app.ready_within_s,
            app.migrate_within_s,
        ];
        if app.workers == 0 || app.pool == 0 || seconds.contains(&0) {
            return wrong(
                "app",
                "has a 0 where at least 1 is needed (workers, pool, request_timeout_s, ready_within_s, migrate_within_s)".into(),
            );
        }
        // Two slots run side by side during a deploy, and superusers keep three connections.
        if 2 * self.app.pool + 3 > self.database.max_connections {
            return wrong(
                "pool",
                format!(
                    "is {}: two slots of it do not fit into database.max_connections {} with 3 kept for superusers",
                    self.app.pool, self.database.max_connections
                ),
            );
        }
        if let Some((key, why)) = self.backup.fault() {
            return wrong(key, why);
        }
        for (name, longest) in [
            (&self.database.name, LONGEST_DATABASE),
            (&self.database.user, LONGEST_NAME),
        ] {
            if !is_identifier(name, longest) {
                return wrong(
                    "database",
                    format!(
                        "has `{name}`; names are up to {longest} lower-case letters, digits and underscores, no digit first"
                    ),
                );
            }
        }
        if let Some(key) = self
            .secrets
            .keys()
            .chain(self.app.env.keys())
            .find(|key| !is_variable(key))
        {
            return wrong(key, "is no name for an environment variable".into());
        }
        match self.tls.issuer {
            Issuer::Letsencrypt if self.tls.email.is_none() => wrong(
                "tls",
                "needs `email` for letsencrypt: expiry warnings go there".into(),
            ),
            Issuer::Acme if self.tls.url.is_none() => wrong(
                "tls",
                "needs `url` for acme: the directory of the ACME server".into(),
            ),
            _ => Ok(()),
        }
    }

    /// Whether it says where the stack lives, once, and how to get in.
    fn check_place(&self, wrong: &impl Fn(&str, String) -> Result<()>) -> Result<()> {
        match (&self.cloud, &self.host) {
            (None, None) => {
                return wrong(
                    "cloud",
                    "is missing: give `cloud:` to make a server, or `host:` for one that is there"
                        .into(),
                );
            }
            (Some(_), Some(_)) => {
                return wrong(
                    "host",
                    "cannot stand beside `cloud:`; keep one of them".into(),
                );
            }
            _ => {}
        }
        if let Some(host) = &self.host
            && !host.host_key.starts_with("ssh-ed25519 ")
        {
            return wrong(
                "host_key",
                "is no ed25519 key: give the line of the host's /etc/ssh/ssh_host_ed25519_key.pub, the one key that sshd serves after a converge".into(),
            );
        }
        Ok(())
    }

    fn check_cloud(&self, wrong: &impl Fn(&str, String) -> Result<()>) -> Result<()> {
        let Some(cloud) = &self.cloud else {
            return Ok(());
        };
        if cloud.ssh_keys.is_empty() {
            return wrong(
                "ssh_keys",
                "is empty: without a key nobody could log in".into(),
            );
        }
        if cloud.allow_ssh_from.is_empty() {
            return wrong(
                "allow_ssh_from",
                "is empty: nobody could reach the host".into(),
            );
        }
        if let Some(cidr) = cloud.allow_ssh_from.iter().find(|cidr| !is_cidr(cidr)) {
            return wrong(
                "allow_ssh_from",
                format!("has `{cidr}`, which is no network such as 203.0.113.0/24"),
            );
        }
        if let Some(range) = cloud.network.as_ref().filter(|range| !is_private(range)) {
            return wrong(
                "network",
                format!("is `{range}`, which is no private network such as 10.0.0.0/16"),
            );
        }
        // https://docs.hetzner.cloud: a volume has 10 to 10240 GB.
        if let Some(size) = cloud.volume_gb.filter(|size| !(10..=10240).contains(size)) {
            return wrong(
                "volume_gb",
                format!("is {size}; a volume has 10 to 10240 GB"),
            );
        }
        if let Some(dns) = &cloud.dns {
            let below = format!(".{}", dns.zone);
            if !is_domain(&dns.zone) || (self.domain != dns.zone && !self.domain.ends_with(&below))
            {
                return wrong(
                    "zone",
                    format!(
                        "is `{}`, and `domain` {} does not lie in it",
                        dns.zone, self.domain
                    ),
                );
            }
            if dns.ttl < 60 {
                return wrong(
                    "ttl",
                    format!("is {}; the API takes 60 seconds or more", dns.ttl),
                );
            }
        }
        Ok(())
    }
}

/// The first line that has this key, for faults that serde does not see.
fn line_of(text: &str, key: &str) -> Option<usize> {
    text.lines()
        .position(|line| {
            line.trim_start().starts_with(&format!("{key}:")) || line.contains(&format!(" {key}:"))
        })
        .map(|index| index + 1)
}

fn is_dns_label(name: &str) -> bool {
    (1..=50).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_domain(domain: &str) -> bool {
    domain.len() <= 253
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        })
}

fn is_cidr(cidr: &str) -> bool {
    cidr.split_once('/').is_some_and(|(address, bits)| {
        let longest = match address.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(_)) => 32,
            Ok(std::net::IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        bits.parse::<u8>().is_ok_and(|bits| bits <= longest)
    })
}

/// An IPv4 network of RFC 1918 that names its first address, with room for a subnet.
fn is_private(cidr: &str) -> bool {
    let Some((address, bits)) = cidr.split_once('/') else {
        return false;
    };
    match (address.parse::<std::net::Ipv4Addr>(), bits.parse::<u32>()) {
        (Ok(address), Ok(bits @ 8..=24)) => {
            address.is_private() && address.to_bits().trailing_zeros() >= 32 - bits
        }
        _ => false,
    }
}

pub fn is_time(text: &str) -> bool {
    text.split_once(':').is_some_and(|(hour, minute)| {
        let fits =
            |part: &str, max: u8| part.len() == 2 && part.parse::<u8>().is_ok_and(|n| n <= max);
        fits(hour, 23) && fits(minute, 59)
    })
}

/// `PostgreSQL` cuts what is longer without a word (its manual, 4.1.1).
const LONGEST_NAME: usize = 63;
/// What stands beside it is called as the database with `_before_20261125_150000` or less at the end: cut, it would be the
/// name of another one, or the live one's.
const LONGEST_DATABASE: usize = LONGEST_NAME - "_before_20261125_150000".len();

fn is_identifier(name: &str, longest: usize) -> bool {
    (1..=longest).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
