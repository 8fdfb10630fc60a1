//! Hetzner's firewalls in front of the machines, and their NAT, as one nftables table.
//!
//! A firewall drops inbound traffic that no rule allows. It allows all outbound traffic until there is
//! an outbound rule. Replies pass. A server without a firewall is open. All of this follows Hetzner's
//! documentation. Rules for IPv6 have no effect here.
//!
//! Beside them stands what keeps a machine from its host: see `apart`.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::OnceLock;

use anyhow::Result;
use serde_json::Value;

use super::private;
use crate::lab::{Lab, run, run_with};

/// A machine behind firewalls, with the rules of all of them.
pub struct Guarded {
    pub address: Ipv4Addr,
    pub rules: Vec<Value>,
}

/// Replaces the whole table atomically: there is no moment without it.
pub fn apply(lab: &Lab, guarded: &[Guarded]) -> Result<()> {
    run_with(&["nft", "-f", "-"], &ruleset(lab, guarded)).map(|_| ())
}

/// Removes it.
pub fn remove(lab: &Lab) -> Result<()> {
    let table = lab.table();
    run(&[
        "nft",
        &format!("add table inet {table}; delete table inet {table}"),
    ])
    .map(|_| ())
}

fn ruleset(lab: &Lab, guarded: &[Guarded]) -> String {
    let (table, bridge, net) = (lab.table(), lab.bridge(), lab.address(0));
    let apart = apart(lab, tells_listeners_apart());
    let (mut jumps, mut chains) = (String::new(), String::new());
    for machine in guarded {
        // Writing to a string cannot fail.
        let number = machine.address.octets()[3];
        let _ = writeln!(jumps, "    ip daddr {} jump in_{number}", machine.address);
        chains += &chain(&format!("in_{number}"), &machine.rules, "in");
        if machine.rules.iter().any(|rule| rule["direction"] == "out") {
            let _ = writeln!(jumps, "    ip saddr {} jump out_{number}", machine.address);
            chains += &chain(&format!("out_{number}"), &machine.rules, "out");
        }
    }
    let private = private::bridges(lab);
    format!(
        "add table inet {table}\n\
         delete table inet {table}\n\
         table inet {table} {{\n{chains}\
         \x20 chain guard {{\n    ct state established,related accept\n{jumps}  }}\n\
{apart}\
         \x20 chain forward {{ type filter hook forward priority 0; policy accept; iifname \"{bridge}\" jump neighbours; jump guard; }}\n\
         \x20 chain input {{ type filter hook input priority 0; policy accept; iifname {{ \"{bridge}\", \"{private}\" }} jump host; jump guard; }}\n\
         \x20 chain output {{ type filter hook output priority 0; policy accept; oifname \"{bridge}\" icmp type redirect drop; jump guard; }}\n\
         \x20 chain way_out {{ type nat hook postrouting priority 100; policy accept; ip saddr {net}/24 oifname != \"{bridge}\" masquerade; }}\n\
         }}\n"
    )
}

/// What a machine reaches of its host: replies, the host's name service, a ping, and whoever listens on the lab's own gateway
/// address on purpose. Whatever listens on all addresses was not meant for it. Of other labs on this host it reaches nothing.
fn apart(lab: &Lab, tells_listeners_apart: bool) -> String {
    let (bridge, gateway) = (lab.bridge(), lab.address(1));
    let listeners = if tells_listeners_apart {
        "socket wildcard 1 drop"
    } else {
        "meta l4proto { tcp, udp } drop"
    };
    format!(
        "\x20 chain host {{\n    ct state established,related return\n    meta nfproto ipv6 drop\n    meta l4proto {{ tcp, udp }} th dport 53 return\n    \
         ip daddr != {gateway} drop\n    {listeners}\n  }}\n\
         \x20 chain neighbours {{\n    oifname \"{bridge}\" return\n    oifname {{ \"clab-*\", \"cn*\" }} drop\n  }}\n"
    )
}

/// Whether this kernel can tell of a packet whether its listener listens on all addresses. Where it cannot, none is reached.
fn tells_listeners_apart() -> bool {
    static TELLS: OnceLock<bool> = OnceLock::new();
    const TRIAL: &str = "table inet clab_trial { chain c { socket wildcard 1 drop; }; }";
    *TELLS.get_or_init(|| run(&["nft", "--check", TRIAL]).is_ok())
}

/// Allowed packets return to the calling chain; the others are dropped here.
fn chain(name: &str, rules: &[Value], direction: &str) -> String {
    let mut text = format!("  chain {name} {{\n");
    for rule in rules.iter().filter(|rule| rule["direction"] == direction) {
        if let Some(wanted) = matches(rule, direction) {
            let _ = writeln!(text, "    {wanted} return");
        }
    }
    text + "    drop\n  }\n"
}

/// A rule in nftables syntax; `None` if it has no IPv4 network.
fn matches(rule: &Value, direction: &str) -> Option<String> {
    let (key, side) = if direction == "in" {
        ("source_ips", "saddr")
    } else {
        ("destination_ips", "daddr")
    };
    let networks: Vec<&str> = rule[key]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .filter(|text| !text.contains(':'))
        .collect();
    if networks.is_empty() {
        return None;
    }
    // 0.0.0.0/0 cannot be in a set; it means no condition.
    let from = if networks.iter().any(|network| network.ends_with("/0")) {
        String::new()
    } else {
        format!("ip {side} {{ {} }} ", networks.join(", "))
    };
    let protocol = rule["protocol"].as_str()?;
    let what = match (protocol, rule["port"].as_str()) {
        ("tcp" | "udp", Some(port)) if port != "any" => format!("{protocol} dport {port}"),
        _ => format!("meta l4proto {protocol}"),
    };
    Some(format!("meta nfproto ipv4 {from}{what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rule_says_protocol_port_and_sources() {
        for (rule, wished) in [
            (
                json!({ "direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["0.0.0.0/0", "::/0"] }),
                Some("meta nfproto ipv4 tcp dport 22"),
            ),
            (
                json!({ "direction": "in", "protocol": "udp", "port": "80-85", "source_ips": ["198.51.100.0/24", "203.0.113.7/32"] }),
                Some(
                    "meta nfproto ipv4 ip saddr { 198.51.100.0/24, 203.0.113.7/32 } udp dport 80-85",
                ),
            ),
            (
                json!({ "direction": "in", "protocol": "tcp", "port": "any", "source_ips": ["0.0.0.0/0"] }),
                Some("meta nfproto ipv4 meta l4proto tcp"),
            ),
            (
                json!({ "direction": "in", "protocol": "icmp", "port": null, "source_ips": ["0.0.0.0/0"] }),
                Some("meta nfproto ipv4 meta l4proto icmp"),
            ),
            (
                json!({ "direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["::/0"] }),
                None,
            ),
        ] {
            assert_eq!(matches(&rule, "in").as_deref(), wished, "{rule}");
        }
        let out = json!({ "direction": "out", "protocol": "tcp", "port": "443", "source_ips": [], "destination_ips": ["192.0.2.1/32"] });
        assert_eq!(
            matches(&out, "out").unwrap(),
            "meta nfproto ipv4 ip daddr { 192.0.2.1/32 } tcp dport 443"
        );
    }

    #[test]
    fn without_inbound_rules_nothing_gets_in_and_everything_out() {
        let lab = Lab::for_test();
        let text = ruleset(
            &lab,
            &[Guarded {
                address: lab.address(7),
                rules: vec![],
            }],
        );
        assert!(text.contains("chain in_7 {\n    drop\n  }"));
        assert!(!text.contains("out_7"));
        assert!(ruleset(&lab, &[]).contains("masquerade"));
    }

    /// A kernel that knows less lets a machine reach less, and not more.
    #[test]
    fn without_the_kernels_help_no_listener_of_the_host_is_reached() {
        let lab = Lab::for_test();
        assert!(apart(&lab, true).contains("socket wildcard 1 drop"));
        assert!(apart(&lab, false).contains("meta l4proto { tcp, udp } drop"));
    }
}
