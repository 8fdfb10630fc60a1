//! Firewalls: their rules, and the servers that they are applied to.

use std::fmt;

use anyhow::Result;
use hcloud::models::{
    ApplyToResourcesRequest, CreateFirewallRequest, FirewallResource, ResourceId, SetRulesRequest,
    firewall_resource, rule,
};
use serde::{Deserialize, Deserializer};

use super::Hetzner;
use super::answers::or_default;
use super::labels;
use super::resource::{Fields, Labelled, Order};
use super::server_view::ServerView;
use super::servers::map_of;
use super::words::ApiCode;
use crate::core::value::Cidr;

/// One rule, in an order and writing in which equal rules are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub struct FirewallRule {
    #[serde(deserialize_with = "or_default")]
    pub direction: String,
    #[serde(deserialize_with = "or_default")]
    pub protocol: String,
    #[serde(deserialize_with = "or_default")]
    pub port: String,
    #[serde(deserialize_with = "or_default")]
    pub source_ips: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub destination_ips: Vec<String>,
}

impl FirewallRule {
    /// A rule that lets packets in.
    pub fn inward(protocol: &str, port: Option<u16>, from: &[Cidr]) -> Self {
        Self {
            direction: "in".to_owned(),
            protocol: protocol.to_owned(),
            port: port.map_or(String::new(), |port| port.to_string()),
            source_ips: from.iter().map(ToString::to_string).collect(),
            destination_ips: Vec::new(),
        }
        .canonical()
    }

    fn canonical(mut self) -> Self {
        for list in [&mut self.source_ips, &mut self.destination_ips] {
            *list = list.iter().map(|cidr| network(cidr)).collect();
            list.sort();
            list.dedup();
        }
        self
    }
}

fn canonical<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<FirewallRule>, D::Error> {
    let rules: Vec<FirewallRule> = or_default(from)?;
    Ok(rules.into_iter().map(FirewallRule::canonical).collect())
}

/// `10.1.2.3/8` and `10.0.0.0/8` are one network. What the API calls otherwise stays as it is.
fn network(cidr: &str) -> String {
    let network = cidr.parse::<Cidr>();
    network.map_or_else(|_| cidr.to_owned(), |network| network.to_string())
}

impl fmt::Display for FirewallRule {
    /// `rule tcp 80 from 0.0.0.0/0, ::/0`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}", self.protocol)?;
        if !self.port.is_empty() {
            write!(f, " {}", self.port)?;
        }
        let (word, list) = match self.direction.as_str() {
            "out" => ("to", &self.destination_ips),
            _ => ("from", &self.source_ips),
        };
        write!(f, " {word} {}", list.join(", "))
    }
}

pub type FirewallView = Labelled<FirewallFields>;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct FirewallFields {
    #[serde(default, deserialize_with = "canonical")]
    pub rules: Vec<FirewallRule>,
    #[serde(default, deserialize_with = "or_default")]
    applied_to: Vec<AppliedTo>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct AppliedTo {
    server: Option<AppliedServer>,
    #[serde(deserialize_with = "or_default")]
    applied_to_resources: Vec<AppliedTo>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct AppliedServer {
    id: i64,
}

impl FirewallFields {
    /// Ids of the servers that it stands before, by themselves or by a label.
    pub fn servers(&self) -> Vec<i64> {
        let by_label = self
            .applied_to
            .iter()
            .flat_map(|one| &one.applied_to_resources);
        let all = self.applied_to.iter().chain(by_label);
        all.filter_map(|one| one.server.as_ref().map(|server| server.id))
            .collect()
    }
}

impl Fields for FirewallFields {
    const MANY: &'static str = "firewalls";
    const ONE: &'static str = "firewall";
    const WORD: &'static str = "firewall";
}

impl Hetzner {
    pub async fn create_firewall(
        &self,
        name: &str,
        stack: &str,
        rules: &[FirewallRule],
    ) -> Result<()> {
        let body = CreateFirewallRequest {
            labels: Some(map_of(&labels::of_stack(stack))),
            rules: Some(requests(rules)),
            ..CreateFirewallRequest::new(name.to_owned())
        };
        let made: Result<FirewallView> = self.make(name, stack, &body).await;
        made.map(drop)
    }

    /// Overwrites all rules, as the API does.
    pub async fn set_rules(&self, firewall: &FirewallView, rules: &[FirewallRule]) -> Result<()> {
        let doing = format!("set the rules of firewall {}", firewall.name);
        let body = SetRulesRequest::new(requests(rules));
        self.order::<FirewallView>(Order::new(firewall.id, "set_rules", &doing), &body)
            .await
    }

    /// Applies it to a server; one to which it is applied already is no error.
    pub async fn apply_firewall(&self, firewall: i64, server: &ServerView) -> Result<()> {
        let doing = format!("apply the firewall to server {}", server.name);
        let resource = FirewallResource {
            server: Some(Box::new(ResourceId::new(server.id))),
            ..FirewallResource::new(firewall_resource::Type::Server)
        };
        let body = ApplyToResourcesRequest::new(vec![resource]);
        self.order::<FirewallView>(
            Order::new(firewall, "apply_to_resources", &doing)
                .unless(&[ApiCode::FirewallAlreadyApplied]),
            &body,
        )
        .await
    }
}

/// As the crate's model; the API wants a port for tcp and udp only.
fn requests(rules: &[FirewallRule]) -> Vec<hcloud::models::Rule> {
    rules
        .iter()
        .map(|wished| {
            let protocol = match wished.protocol.as_str() {
                "tcp" => rule::Protocol::Tcp,
                "udp" => rule::Protocol::Udp,
                _ => rule::Protocol::Icmp,
            };
            let port = Some(wished.port.clone()).filter(|port| !port.is_empty());
            hcloud::models::Rule {
                port: port.map(Some),
                source_ips: Some(wished.source_ips.clone()),
                ..hcloud::models::Rule::new(rule::Direction::In, protocol)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rules_are_equal_however_they_are_written() {
        let wished = FirewallRule::inward(
            "tcp",
            Some(22),
            &["10.1.2.3/8", "::/0"].map(|cidr| cidr.parse().unwrap()),
        );
        let text = r#"{"direction":"in","protocol":"tcp","port":"22","description":null,
            "source_ips":["::/0","10.0.0.0/8"],"destination_ips":[]}"#;
        let found: FirewallRule = serde_json::from_str(text).unwrap();
        assert_eq!(found.canonical(), wished);
        assert_eq!(wished.to_string(), "rule tcp 22 from 10.0.0.0/8, ::/0");
        assert_eq!(network("2001:db8::1/32"), "2001:db8::/32");
        assert_eq!(network("1.2.3.4/0"), "0.0.0.0/0");
    }
}
