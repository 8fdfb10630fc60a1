//! Whether the site's name points to the host, and which record makes it so.

use std::net::IpAddr;

use anyhow::Result;
use serde_json::{Value, json};

use super::job::Job;
use super::on_cloud;
use crate::core::value::Domain;
use crate::operator::name_lookup::{self, NameLookup, addresses as addresses_of};

/// The addresses that the host has for the public.
pub async fn addresses(job: &Job<'_>) -> Result<Vec<IpAddr>> {
    if let Some(existing) = &job.stack.host {
        return Ok(addresses_of(&existing.address).await);
    }
    let api = on_cloud::api(job)?;
    let server = api.server_of(&job.host).await?;
    let own = server
        .iter()
        .flat_map(|server| [&server.ipv4, &server.ipv6]);
    let own = own.flatten().filter_map(|address| address.parse().ok());
    Ok(own.collect())
}

/// Where the site's name points, and what would make it point here.
pub struct Leads {
    domain: Domain,
    /// Whether it points to the host, and nowhere else.
    pub here: bool,
    /// Where else it points.
    foreign: Vec<IpAddr>,
    sentence: String,
    /// What the name service must have, as `citrino.example.com A 203.0.113.7`.
    records: Vec<String>,
}

impl Leads {
    /// A domain that is an address itself points there.
    pub async fn now(job: &Job<'_>, own: &[IpAddr]) -> Self {
        let domain = &job.stack.domain;
        Self::of(domain, own, &found(domain, own).await)
    }

    fn of(domain: &Domain, own: &[IpAddr], found: &NameLookup) -> Self {
        let sentence = match found {
            NameLookup::Here => format!("{domain} points to this host"),
            NameLookup::Nowhere => format!("{domain} has no address yet"),
            NameLookup::Elsewhere(foreign) => {
                let foreign: Vec<String> = foreign.iter().map(IpAddr::to_string).collect();
                format!("{domain} points to {}, not here", foreign.join(", "))
            }
        };
        let foreign = match found {
            NameLookup::Elsewhere(foreign) => foreign.clone(),
            _ => Vec::new(),
        };
        Self {
            domain: domain.clone(),
            here: *found == NameLookup::Here,
            foreign,
            sentence,
            records: own.iter().map(|own| record(domain, own)).collect(),
        }
    }

    pub fn data(&self) -> Value {
        json!({
            "name": self.domain,
            "points_here": self.here,
            "points_elsewhere": self.foreign,
            "records": self.records,
        })
    }

    /// What the name service says: `citrino.example.com has no address yet`
    pub fn found(&self) -> &str {
        &self.sentence
    }

    /// `set these DNS records: citrino.example.com A 203.0.113.7`
    pub fn records_to_set(&self) -> String {
        format!("set these DNS records: {}", self.records.join(", "))
    }

    /// `citrino.example.com has no address yet; set in the DNS: citrino.example.com A 203.0.113.7`
    pub fn line(&self) -> String {
        if self.here {
            return self.sentence.clone();
        }
        format!(
            "{}; set in the DNS: {}",
            self.sentence,
            self.records.join(", ")
        )
    }

    /// The same with a line for each record.
    pub fn lines(&self) -> String {
        if self.here {
            return format!("{}.", self.sentence);
        }
        let records = self.records.join("\n  ");
        format!("{}. Set in the DNS:\n  {records}", self.sentence)
    }
}

async fn found(domain: &Domain, own: &[IpAddr]) -> NameLookup {
    if domain.is_address() {
        return NameLookup::Here;
    }
    name_lookup::lookup(domain, own).await
}

fn record(domain: &Domain, address: &IpAddr) -> String {
    let kind = if address.is_ipv4() { "A" } else { "AAAA" };
    format!("{domain} {kind} {address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_told_as_it_is_typed() {
        let own = ["203.0.113.7", "2001:db8::1"].map(|text| text.parse().unwrap());
        let domain = Domain::try_from("shop.example.com".to_owned()).unwrap();
        let leads = |found| Leads::of(&domain, &own, &found);
        assert_eq!(
            leads(NameLookup::Nowhere).line(),
            "shop.example.com has no address yet; set in the DNS: shop.example.com A 203.0.113.7, shop.example.com AAAA 2001:db8::1"
        );
        assert_eq!(
            leads(NameLookup::Elsewhere(vec!["192.0.2.9".parse().unwrap()])).lines(),
            "shop.example.com points to 192.0.2.9, not here. Set in the DNS:\n  shop.example.com A 203.0.113.7\n  shop.example.com AAAA 2001:db8::1"
        );
        assert_eq!(
            leads(NameLookup::Here).line(),
            "shop.example.com points to this host"
        );
    }
}
