//! Reach: where the name service leads people who look for the site, as this machine is told.

use std::net::IpAddr;
use std::time::Duration;

use crate::core::value::Domain;

/// Who waits longer learns no more: a name service that is up answers in a moment.
const WITHIN: Duration = Duration::from_secs(3);

/// Where a name leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameLookup {
    /// To these addresses of the host, and to no others.
    Here,
    /// To these, which are not the host's.
    Elsewhere(Vec<IpAddr>),
    /// Nobody told an address.
    Nowhere,
}

/// Asks for the addresses of a name, and compares them with those of the host.
pub async fn lookup(domain: &Domain, own: &[IpAddr]) -> NameLookup {
    compared(&addresses(domain).await, own)
}

/// The addresses of a name; none where nobody tells them in time.
pub async fn addresses(name: &str) -> Vec<IpAddr> {
    let asked = tokio::time::timeout(WITHIN, tokio::net::lookup_host((name, 0))).await;
    let mut found: Vec<IpAddr> = match asked {
        Ok(Ok(found)) => found.map(|place| place.ip().to_canonical()).collect(),
        _ => Vec::new(),
    };
    found.sort();
    found.dedup();
    found
}

fn compared(found: &[IpAddr], own: &[IpAddr]) -> NameLookup {
    let mut foreign = found.to_vec();
    foreign.retain(|address| !own.contains(address));
    match (found.is_empty(), foreign.is_empty()) {
        (true, _) => NameLookup::Nowhere,
        (_, true) => NameLookup::Here,
        _ => NameLookup::Elsewhere(foreign),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_here_only_when_no_address_of_it_is_anybody_elses() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let own = [ip("192.0.2.1"), ip("2001:db8::1")];
        let of = |found: &[&str]| {
            let found: Vec<IpAddr> = found.iter().map(|text| ip(text)).collect();
            compared(&found, &own)
        };
        assert_eq!(of(&["192.0.2.1"]), NameLookup::Here);
        assert_eq!(of(&["192.0.2.1", "2001:db8::1"]), NameLookup::Here);
        assert_eq!(of(&[]), NameLookup::Nowhere);
        // An old AAAA record takes half of the visitors away, whatever the A record says.
        let old = NameLookup::Elsewhere(vec![ip("2001:db8::9")]);
        assert_eq!(of(&["192.0.2.1", "2001:db8::9"]), old);
    }
}
