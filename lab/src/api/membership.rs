//! The servers in private networks, and their addresses.

use std::net::Ipv4Addr;

use serde_json::Value;

use crate::store::{SERVERS, Store};

/// The membership of a server in a network.
pub fn of(server: &Value, network: u64) -> Option<&Value> {
    let mut nets = server["private_net"].as_array()?.iter();
    nets.find(|net| net["network"] == network)
}

/// Every address of a network that is in use.
pub fn addresses(store: &Store, network: u64) -> Vec<Ipv4Addr> {
    let nets = store.all(SERVERS).filter_map(|server| of(server, network));
    nets.flat_map(|net| {
        let aliases = net["alias_ips"].as_array().into_iter().flatten();
        std::iter::once(&net["ip"]).chain(aliases)
    })
    .filter_map(|ip| ip.as_str()?.parse().ok())
    .collect()
}
