//! The host's own firewall by ufw: what may come in, and nothing else.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::program::run_if_there;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::value::Cidr;
use crate::host::system::{Cmd, System};

/// What is not allowed is denied on the way in, and everything may go out. Missing rules are added
/// before the firewall is enabled and before others are taken away, so that a connection that is
/// allowed before and after is never cut.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firewall {
    pub allow: Vec<Allow>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    pub port: u16,
    pub proto: Proto,
    /// Networks such as `203.0.113.0/24`; none, or one of all addresses, means from anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proto {
    Tcp,
    Udp,
}

impl Proto {
    fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl Allow {
    /// The rules as `ufw show added` prints them, and as ufw takes them.
    fn rules(&self) -> Result<Vec<String>> {
        let (port, proto) = (self.port, self.proto.word());
        let networks: Vec<Option<String>> = self
            .from
            .iter()
            .map(|from| network(from))
            .collect::<Result<_>>()?;
        if networks.iter().any(Option::is_none) || networks.is_empty() {
            return Ok(vec![format!("allow {port}/{proto}")]);
        }
        let each = networks.into_iter().flatten();
        Ok(each
            .map(|network| format!("allow from {network} to any port {port} proto {proto}"))
            .collect())
    }
}

/// A network as ufw writes it: without the bits of the host, and without the mask of one address.
/// `None` stands for all addresses.
fn network(text: &str) -> Result<Option<String>> {
    let network = Cidr::of_address(text.trim()).map_err(|_| {
        Fault::new(Code::E0408, format!("`{text}` is not a network"))
            .hint("write it as 203.0.113.0/24 or 2001:db8::/32")
    })?;
    let net = network.net();
    Ok(match net.prefix_len() {
        0 => None,
        bits if bits == net.max_prefix_len() => Some(net.addr().to_string()),
        _ => Some(network.to_string()),
    })
}

/// What ufw is and has.
#[derive(Debug, Default, PartialEq, Eq)]
struct UfwState {
    /// The kernel has its rules now.
    active: bool,
    /// It will have them after the next boot.
    boots: bool,
    denies_incoming: bool,
    allows_outgoing: bool,
    rules: Vec<String>,
}

/// Where the state is read from. `ufw status verbose` would say most of it, but fails where
/// sysctl(8) is not installed, and takes ten times as long as asking the kernel.
#[derive(Default)]
struct Sources {
    /// `iptables -S`
    kernel: String,
    /// `ufw show added`, which prints each rule as the command that makes it, active or not.
    added: String,
    /// /etc/ufw/ufw.conf
    conf: String,
    /// /etc/default/ufw
    defaults: String,
}

impl Sources {
    fn state(&self) -> UfwState {
        let live = |line: &str| self.kernel.lines().any(|found| found == line);
        let active = live("-N ufw-user-input");
        let kept = |line: &str| self.defaults.lines().any(|found| found.trim() == line);
        let policy = |kernel: &str, file: &str| kept(file) && (live(kernel) || !active);
        UfwState {
            active,
            boots: self.conf.lines().any(|line| line.trim() == "ENABLED=yes"),
            denies_incoming: policy("-P INPUT DROP", "DEFAULT_INPUT_POLICY=\"DROP\""),
            allows_outgoing: policy("-P OUTPUT ACCEPT", "DEFAULT_OUTPUT_POLICY=\"ACCEPT\""),
            rules: self.rules(),
        }
    }

    fn rules(&self) -> Vec<String> {
        let lines = self.added.lines();
        lines
            .filter_map(|line| line.trim().strip_prefix("ufw "))
            .map(|rule| rule.split(" comment '").next().unwrap_or(rule).to_owned())
            .collect()
    }
}

async fn look(system: &System) -> Result<Option<UfwState>> {
    let show = Cmd::new(["ufw", "show", "added"]);
    let Some(added) = run_if_there(system, &show).await? else {
        return Ok(None);
    };
    let kernel = system.run(&Cmd::new(["iptables", "-S"])).await?;
    let text = |path: &str| Ok::<_, anyhow::Error>(system.read_text(path)?.unwrap_or_default());
    let sources = Sources {
        kernel: kernel.success()?.stdout,
        added: added.success()?.stdout,
        conf: text("/etc/ufw/ufw.conf")?,
        defaults: text("/etc/default/ufw")?,
    };
    Ok(Some(sources.state()))
}

async fn ufw(system: &System, line: &str) -> Result<()> {
    let argv = std::iter::once("ufw".to_owned()).chain(words(line));
    system.run(&Cmd::new(argv)).await?.success()?;
    Ok(())
}

/// The words of a rule; ufw puts the name of an application with blanks in single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, piece) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(piece.to_owned());
        } else {
            words.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// What takes a rule away without a question: `delete allow 22/tcp`, `route delete allow …`.
fn deletion(rule: &str) -> String {
    match rule.strip_prefix("route ") {
        Some(rest) => format!("--force route delete {rest}"),
        None => format!("--force delete {rule}"),
    }
}

impl Firewall {
    /// Whether the kernel has the rules of a firewall of ufw's now.
    pub async fn is_active(system: &System) -> Result<bool> {
        Ok(look(system).await?.is_some_and(|state| state.active))
    }

    fn wished(&self) -> Result<Vec<String>> {
        let each: Vec<Vec<String>> = self.allow.iter().map(Allow::rules).collect::<Result<_>>()?;
        let mut rules = each.concat();
        rules.sort();
        rules.dedup();
        Ok(rules)
    }

    fn differences(&self, state: &UfwState) -> Result<Vec<String>> {
        let wished = self.wished()?;
        let mut what = Vec::new();
        let mut say = |so: bool, sentence: &str| {
            if !so {
                what.push(sentence.to_owned());
            }
        };
        say(state.active, "the firewall is off");
        say(state.boots, "the firewall would be off after the next boot");
        say(
            state.denies_incoming,
            "incoming traffic without a rule is allowed",
        );
        say(state.allows_outgoing, "outgoing traffic is restricted");
        let missing = wished.iter().filter(|rule| !state.rules.contains(rule));
        what.extend(missing.map(|rule| format!("rule `{rule}` is missing")));
        let extra = state.rules.iter().filter(|rule| !wished.contains(rule));
        what.extend(extra.map(|rule| format!("rule `{rule}` is not expected")));
        Ok(what)
    }
}

impl Wish<System> for Firewall {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        self.wished()?;
        Ok(match look(system).await? {
            None => CheckResult::differs("ufw is not installed"),
            Some(state) => CheckResult::from(self.differences(&state)?),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let wished = self.wished()?;
        let state = look(system).await?.unwrap_or_default();
        for rule in wished.iter().filter(|rule| !state.rules.contains(rule)) {
            ufw(system, rule).await?;
        }
        if !state.denies_incoming {
            ufw(system, "default deny incoming").await?;
        }
        if !state.allows_outgoing {
            ufw(system, "default allow outgoing").await?;
        }
        if !state.active || !state.boots {
            ufw(system, "--force enable").await?;
        }
        for rule in state.rules.iter().filter(|rule| !wished.contains(rule)) {
            ufw(system, &deletion(rule)).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by iptables 1.8.9 and ufw 0.36.2 of Debian 12, shortened.
    const KERNEL: &str = "-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N ufw-before-input\n-N ufw-user-input\n-A INPUT -j ufw-before-input\n-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT\n";
    const STOPPED: &str = "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N ufw-before-input\n-A INPUT -j ufw-before-input\n";
    const ADDED: &str = "Added user rules (see 'ufw status' for running firewall):\nufw allow 22/tcp\nufw allow from 10.0.0.0/8 to any port 22 proto tcp\nufw limit 23/tcp comment 'a b'\nufw route allow in on eth0 out on eth1 to any port 9 proto tcp\n";
    const NONE: &str = "Added user rules (see 'ufw status' for running firewall):\n(None)\n";
    const DEFAULTS: &str =
        "IPV6=yes\nDEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\n";

    fn state(kernel: &str, added: &str, conf: &str) -> UfwState {
        let sources = Sources {
            kernel: kernel.to_owned(),
            added: added.to_owned(),
            conf: conf.to_owned(),
            defaults: DEFAULTS.to_owned(),
        };
        sources.state()
    }

    fn differences(yaml: &str, state: &UfwState) -> Vec<String> {
        let wish: Firewall = serde_yaml::from_str(yaml).unwrap();
        wish.differences(state).unwrap()
    }

    #[test]
    fn names_rules_that_are_missing_or_too_many() {
        let state = state(KERNEL, ADDED, "ENABLED=yes\n");
        let wish = "allow: [{ port: 22, proto: tcp }, { port: 22, proto: tcp, from: [10.1.2.3/8] }, { port: 443, proto: udp }]";
        assert_eq!(
            differences(wish, &state),
            [
                "rule `allow 443/udp` is missing",
                "rule `limit 23/tcp` is not expected",
                "rule `route allow in on eth0 out on eth1 to any port 9 proto tcp` is not expected",
            ]
        );
    }

    #[test]
    fn sees_a_firewall_that_is_off_or_open() {
        let ssh = "allow: [{ port: 22, proto: tcp, from: [0.0.0.0/0, '::/0'] }]";
        assert_eq!(
            differences(ssh, &state(STOPPED, NONE, "ENABLED=no\n")),
            [
                "the firewall is off",
                "the firewall would be off after the next boot",
                "rule `allow 22/tcp` is missing"
            ]
        );
        let open = KERNEL.replace("INPUT DROP", "INPUT ACCEPT");
        let open = state(&open, "ufw allow 22/tcp\n", "ENABLED=yes\n");
        assert_eq!(
            differences(ssh, &open),
            ["incoming traffic without a rule is allowed"]
        );
    }

    #[test]
    fn takes_a_rule_away_with_the_words_that_made_it() {
        assert_eq!(deletion("limit 23/tcp"), "--force delete limit 23/tcp");
        assert_eq!(
            deletion("route allow to any"),
            "--force route delete allow to any"
        );
        assert_eq!(
            words(&deletion("allow 'Nginx Full'")),
            ["--force", "delete", "allow", "Nginx Full"]
        );
    }

    #[test]
    fn writes_networks_as_ufw_does() {
        let written = |text| network(text).unwrap();
        assert_eq!(written("203.0.113.7/24").unwrap(), "203.0.113.0/24");
        assert_eq!(written("203.0.113.7/32").unwrap(), "203.0.113.7");
        assert_eq!(written("203.0.113.7").unwrap(), "203.0.113.7");
        assert_eq!(written("2001:DB8::1/32").unwrap(), "2001:db8::/32");
        assert_eq!(written("0.0.0.0/0"), None);
        assert_eq!(written("::/0"), None);
        for wrong in ["", "300.0.0.1", "10.0.0.0/33", "10.0.0.0/x", "example.org"] {
            assert!(network(wrong).is_err(), "{wrong}");
        }
    }
}
