//! What others are asked for over the network, and the firewall would close.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Neighbours;
use crate::host::system::System;
use crate::task::listener::{Listener, Protocol, listeners};

/// What the stack answers on.
const OWN: [u16; 2] = [80, 443];
/// Answers to questions of the host's own: leases of addresses, and the time.
const OF_THE_SYSTEM: [u16; 4] = [68, 123, 323, 546];

#[derive(Default)]
pub struct NetworkLook {
    pub sentences: Vec<String>,
    /// TCP ports of others, which `health` is not to complain about.
    pub ports: BTreeSet<u16>,
}

/// # Errors
/// When `ss` fails.
pub async fn look(system: &System, task: &Neighbours) -> Result<NetworkLook> {
    let mut look = NetworkLook {
        sentences: rules(system, task)?,
        ..NetworkLook::default()
    };
    if is_closed(system)? {
        return Ok(look);
    }
    for (protocol, name) in [(Protocol::Tcp, "tcp"), (Protocol::Udp, "udp")] {
        let found = listeners(system, protocol).await?.unwrap_or_default();
        let found = of_others(found, protocol, task);
        if protocol == Protocol::Tcp {
            look.ports.extend(found.iter().map(|it| it.port));
        }
        let sentences: BTreeSet<String> = found.iter().map(|it| sentence(it, name)).collect();
        look.sentences.extend(sentences);
    }
    Ok(look)
}

/// Whether a firewall decides already who is let in.
fn is_closed(system: &System) -> Result<bool> {
    let text = system.read_text("/etc/ufw/ufw.conf")?.unwrap_or_default();
    Ok(text.lines().any(|line| line.trim() == "ENABLED=yes"))
}

fn of_others(found: Vec<Listener>, protocol: Protocol, task: &Neighbours) -> Vec<Listener> {
    let is_others = |it: &Listener| {
        let is_expected = match protocol {
            Protocol::Tcp => it.port == task.ssh_port || OWN.contains(&it.port),
            Protocol::Udp => OF_THE_SYSTEM.contains(&it.port),
        };
        !it.is_loopback() && !is_expected
    };
    found.into_iter().filter(is_others).collect()
}

fn sentence(it: &Listener, protocol: &str) -> String {
    format!(
        "firewall: {} listens on port {}/{protocol}, which would be closed",
        it.program, it.port
    )
}

/// ufw's own rules, each in a line such as `### tuple ### allow tcp 8080 0.0.0.0/0 any 0.0.0.0/0 in`.
fn rules(system: &System, task: &Neighbours) -> Result<Vec<String>> {
    let mut others = BTreeSet::new();
    for file in ["/etc/ufw/user.rules", "/etc/ufw/user6.rules"] {
        let text = system.read_text(file)?.unwrap_or_default();
        let tuples = text
            .lines()
            .filter_map(|line| line.strip_prefix("### tuple ### "));
        others.extend(tuples.filter_map(|tuple| other_rule(tuple, task)));
    }
    Ok(others.into_iter().collect())
}

fn other_rule(tuple: &str, task: &Neighbours) -> Option<String> {
    let words: Vec<&str> = tuple.split_whitespace().collect();
    let [action, protocol, ports, ..] = words[..] else {
        return None;
    };
    let from = words.get(5).copied().unwrap_or_default();
    let is_own = action == "allow"
        && matches!(protocol, "tcp" | "any")
        && ports
            .parse()
            .is_ok_and(|port: u16| port == task.ssh_port || OWN.contains(&port));
    let from = match from {
        "" | "0.0.0.0/0" | "::/0" => String::new(),
        from => format!(" from {from}"),
    };
    (!is_own)
        .then(|| format!("firewall: the rule `{action} {ports}/{protocol}{from}` would be removed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::listener::read;

    fn task() -> Neighbours {
        Neighbours {
            login: "root".to_owned(),
            ssh_port: 2222,
            users: Vec::new(),
            database: String::new(),
            roles: Vec::new(),
            agree: Vec::new(),
        }
    }

    #[test]
    fn who_is_asked_from_elsewhere_is_named_once() {
        let said = "LISTEN 0 128 0.0.0.0:2222 0.0.0.0:* users:((\"sshd\",pid=4,fd=3))\n\
            LISTEN 0 5 0.0.0.0:8080 0.0.0.0:* users:((\"python3\",pid=705,fd=3))\n\
            LISTEN 0 5 [::]:8080 [::]:* users:((\"python3\",pid=705,fd=4))\n\
            LISTEN 0 5 127.0.0.1:9000 0.0.0.0:* users:((\"php\",pid=7,fd=4))\n\
            LISTEN 0 5 *:443 *:* users:((\"nginx\",pid=8,fd=4))\n";
        let found = of_others(read(said).unwrap(), Protocol::Tcp, &task());
        let found: BTreeSet<String> = found.iter().map(|it| sentence(it, "tcp")).collect();
        let expected = "firewall: python3 listens on port 8080/tcp, which would be closed";
        assert_eq!(found, BTreeSet::from([expected.to_owned()]));
        let said =
            "UNCONN 0 0 10.0.0.2%eth0:68 0.0.0.0:* users:((\"systemd-network\",pid=1,fd=2))\n";
        let found = of_others(read(said).unwrap(), Protocol::Udp, &task());
        assert_eq!(found, []);
    }

    #[test]
    fn rules_of_others_are_named_and_the_stacks_are_not() {
        let rule = |tuple| other_rule(tuple, &task());
        assert_eq!(rule("allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 in"), None);
        assert_eq!(rule("allow any 2222 ::/0 any ::/0 in"), None);
        let other = rule("allow tcp 5432 0.0.0.0/0 any 10.0.0.0/8 in").unwrap();
        assert!(
            other.contains("`allow 5432/tcp from 10.0.0.0/8`"),
            "{other}"
        );
        let limited = rule("limit tcp 80 0.0.0.0/0 any 0.0.0.0/0 in").unwrap();
        assert!(limited.contains("`limit 80/tcp`"), "{limited}");
    }
}
