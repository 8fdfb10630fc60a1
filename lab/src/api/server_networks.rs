//! Servers in private networks: their addresses, and the links of their machines.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::account::Account;
use super::background::{self, MachineJob};
use super::cidr::Range;
use super::error::ApiError;
use super::kind::SERVER;
use super::{actions, membership, network_parts, request, resource};
use crate::machine::private;
use crate::machine::settings::Nic;
use crate::store::{NETWORKS, SERVERS, Store, id_of};

/// Adds a server to a network. Returns the link for its machine.
pub fn join(
    store: &mut Store,
    (server, network): (u64, u64),
    requested: Option<Ipv4Addr>,
    aliases: &[String],
) -> Result<Nic, ApiError> {
    let found = resource::find(store, SERVER, server)?;
    let into = resource::named(store, NETWORKS, "network", network)?;
    may_join(store, found, into)?;
    let zone = &found["location"]["network_zone"];
    let address = network_parts::free_address(store, into, zone, requested)?;
    let taken: Vec<&Value> = found["private_net"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let slot = (0..private::SLOTS)
        .find(|slot| {
            !taken
                .iter()
                .any(|net| mac(server, *slot) == net["mac_address"])
        })
        .ok_or_else(too_many)?;
    let nic = Nic {
        network,
        slot,
        address,
        mac: mac(server, slot),
        range: into["ip_range"].as_str().unwrap_or_default().to_owned(),
    };
    let net =
        json!({ "network": network, "ip": address, "alias_ips": aliases, "mac_address": nic.mac });
    if let Some(nets) = store
        .get_mut(SERVERS, server)
        .and_then(|server| server["private_net"].as_array_mut())
    {
        nets.push(net);
    }
    Ok(nic)
}

/// It has the same prefix as Hetzner's private links.
fn mac(server: u64, slot: u8) -> String {
    let [.., a, b, c] = server.to_be_bytes();
    format!("86:00:{slot:02x}:{a:02x}:{b:02x}:{c:02x}")
}

fn may_join(store: &Store, server: &Value, network: &Value) -> Result<(), ApiError> {
    if membership::of(server, id_of(network)).is_some() {
        let message = "the server is in this network already";
        return Err(ApiError::new(422, "server_already_attached", message));
    }
    let range = network_parts::range_of(network, "ip_range");
    let nets = server["private_net"].as_array().into_iter().flatten();
    let overlap = nets
        .filter_map(|net| store.get(NETWORKS, net["network"].as_u64()?))
        .filter_map(|other| network_parts::range_of(other, "ip_range"))
        .any(|other| range.is_some_and(|range| range.overlaps(other)));
    if overlap {
        let message = "the network overlaps with another one of the server";
        return Err(ApiError::new(422, "networks_overlap", message));
    }
    Ok(())
}

/// Whether a server that is in no network can be in all of these.
pub fn check_together(store: &Store, networks: &[u64]) -> Result<(), ApiError> {
    if networks.len() > usize::from(private::SLOTS) {
        return Err(too_many());
    }
    let mut server = json!({ "private_net": [] });
    for network in networks {
        may_join(
            store,
            &server,
            resource::named(store, NETWORKS, "network", *network)?,
        )?;
        if let Some(nets) = server["private_net"].as_array_mut() {
            nets.push(json!({ "network": network }));
        }
    }
    Ok(())
}

fn too_many() -> ApiError {
    ApiError::new(
        403,
        "resource_limit_exceeded",
        "a server may be in 3 networks",
    )
}

/// The action `attach_to_network`.
pub fn attach(
    account: &Account,
    store: &mut Store,
    id: u64,
    body: &Value,
) -> Result<Value, ApiError> {
    let network = request::needed("network", request::number(body, "network")?)?;
    let into = resource::named(store, NETWORKS, "network", network)?;
    let aliases = aliases(store, into, body, id)?;
    let mut requested = request::text(body, "ip")?
        .map(|text| {
            let wrong = |_| ApiError::invalid("ip", "is not an IPv4 address");
            text.parse::<Ipv4Addr>().map_err(wrong)
        })
        .transpose()?;
    if let Some(text) = request::text(body, "ip_range")? {
        requested = Some(within(store, into, text, requested)?);
    }
    let nic = join(store, (id, network), requested, &aliases)?;
    let about = [("server", id), ("network", network)];
    let action = actions::begin(store, "attach_to_network", &about);
    let job = MachineJob {
        server: id,
        actions: vec![id_of(&action)],
        after: None,
    };
    background::run_then(
        account,
        store,
        job,
        move |machine| private::attach(machine, &nic),
        move |store, went_well| {
            if !went_well {
                forget(store, id, network);
            }
        },
    );
    Ok(action)
}

/// An address of one subnet; a requested address must be in it.
fn within(
    store: &Store,
    network: &Value,
    subnet: &str,
    requested: Option<Ipv4Addr>,
) -> Result<Ipv4Addr, ApiError> {
    let subnets = network["subnets"].as_array().into_iter().flatten();
    let range = subnets
        .filter(|known| known["ip_range"] == subnet)
        .find_map(|known| network_parts::range_of(known, "ip_range"))
        .ok_or_else(|| ApiError::invalid("ip_range", "is not a subnet of the network"))?;
    if let Some(address) = requested {
        let wrong = || ApiError::invalid("ip", "is not in `ip_range`");
        return range.has(address).then_some(address).ok_or_else(wrong);
    }
    let taken = membership::addresses(store, id_of(network));
    let gateway = network_parts::range_of(network, "ip_range").map(Range::first);
    range
        .hosts()
        .find(|address| !taken.contains(address) && Some(*address) != gateway)
        .ok_or_else(|| ApiError::new(422, "no_subnet_available", "the subnet has no free address"))
}

/// Alias addresses. As at Hetzner, nothing configures them in the machine.
fn aliases(
    store: &Store,
    network: &Value,
    body: &Value,
    server: u64,
) -> Result<Vec<String>, ApiError> {
    let own = store
        .get(SERVERS, server)
        .and_then(|server| membership::of(server, id_of(network)));
    let has = |address: &str| own.is_some_and(|own| own["alias_ips"].to_string().contains(address));
    let taken = membership::addresses(store, id_of(network));
    let range = network_parts::range_of(network, "ip_range");
    let alias = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        let address: Ipv4Addr = text.parse().map_err(|_| {
            ApiError::invalid("alias_ips", format!("{value} is not an IPv4 address"))
        })?;
        let free = !taken.contains(&address) || has(&format!("\"{text}\""));
        if !free || !range.is_some_and(|range| range.has(address)) {
            let message = format!("the address {address} is not available in the network");
            return Err(ApiError::new(422, "ip_not_available", message));
        }
        Ok(text.to_owned())
    };
    request::list(body, "alias_ips")?
        .iter()
        .map(alias)
        .collect()
}

/// The network of the body; the server must be in it.
fn joined(store: &Store, id: u64, body: &Value) -> Result<u64, ApiError> {
    let network = request::needed("network", request::number(body, "network")?)?;
    store
        .get(SERVERS, id)
        .and_then(|server| membership::of(server, network))
        .map(|_| network)
        .ok_or_else(|| ApiError::invalid("network", "the server is not in this network"))
}

/// The action `detach_from_network`.
pub fn detach(
    account: &Account,
    store: &mut Store,
    id: u64,
    body: &Value,
) -> Result<Value, ApiError> {
    let network = joined(store, id, body)?;
    leave(account, store, id, network)?;
    let about = [("server", id), ("network", network)];
    Ok(actions::done(store, "detach_from_network", &about))
}

/// Removes a server from a network, with its link.
pub fn leave(account: &Account, store: &mut Store, id: u64, network: u64) -> Result<(), ApiError> {
    if let Some(machine) = account.machine(store, id) {
        private::detach(&machine, network)?;
    }
    forget(store, id, network);
    Ok(())
}

fn forget(store: &mut Store, id: u64, network: u64) {
    if let Some(nets) = store
        .get_mut(SERVERS, id)
        .and_then(|server| server["private_net"].as_array_mut())
    {
        nets.retain(|net| net["network"] != network);
    }
}

/// The action `change_alias_ips`.
pub fn change_alias_ips(store: &mut Store, id: u64, body: &Value) -> Result<Value, ApiError> {
    let network = joined(store, id, body)?;
    request::needed("alias_ips", body.get("alias_ips"))?;
    let into = resource::named(store, NETWORKS, "network", network)?;
    let aliases = aliases(store, into, body, id)?;
    let nets = store
        .get_mut(SERVERS, id)
        .and_then(|server| server["private_net"].as_array_mut());
    for net in nets.into_iter().flatten() {
        if net["network"] == network {
            net["alias_ips"] = json!(aliases);
        }
    }
    let about = [("server", id), ("network", network)];
    Ok(actions::done(store, "change_alias_ips", &about))
}
