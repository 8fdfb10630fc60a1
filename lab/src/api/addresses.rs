//! Primary IPs: their addresses, their servers, and their reverse DNS names.

use serde_json::{Value, json};

use super::error::ApiError;
use super::timestamp::now;
use super::{actions, request};
use crate::lab::Lab;
use crate::store::{PRIMARY_IPS, Store, id_of};

/// A new primary IP.
pub struct New<'n> {
    /// The default is a name with its id.
    pub name: Option<String>,
    pub kind: &'n str,
    pub host: u8,
    pub location: &'n Value,
    pub server: Option<u64>,
    pub auto_delete: bool,
    pub labels: Value,
}

/// Adds a primary IP. Returns its id. An IPv4 address is in the lab's subnet. An IPv6 network is in the
/// range for documentation (RFC 3849) and reaches nothing.
pub fn make(store: &mut Store, lab: &Lab, new: New) -> u64 {
    let id = store.next_id();
    let [_, second, third] = lab.subnet;
    let (ip, pointers) = if new.kind == "ipv4" {
        let ip = lab.address(new.host).to_string();
        let pointers = json!([{ "ip": ip, "dns_ptr": default_pointer(&ip) }]);
        (ip, pointers)
    } else {
        let net = u16::from_be_bytes([second, third]);
        (format!("2001:db8:{net:x}:{:x}::/64", new.host), json!([]))
    };
    let object = json!({
        "id": id, "name": new.name.unwrap_or_else(|| format!("primary_ip-{id}")), "type": new.kind, "ip": ip,
        "created": now(), "location": new.location, "assignee_id": new.server, "assignee_type": assignee_type(new.server),
        "auto_delete": new.auto_delete, "blocked": false, "dns_ptr": pointers, "labels": new.labels,
        "protection": { "delete": false },
    });
    store.insert(PRIMARY_IPS, id, object);
    id
}

/// `unassigned` is what the API says since August 2026.
fn assignee_type(server: Option<u64>) -> &'static str {
    if server.is_some() {
        "server"
    } else {
        "unassigned"
    }
}

/// Assigns a primary IP to a server, or unassigns it.
pub fn assign(store: &mut Store, id: u64, server: Option<u64>) {
    if let Some(ip) = store.get_mut(PRIMARY_IPS, id) {
        ip["assignee_id"] = json!(server);
        ip["assignee_type"] = json!(assignee_type(server));
    }
}

/// The part of an address that the lab numbers.
pub fn host(ip: &Value) -> Option<u8> {
    let text = ip["ip"].as_str()?;
    match text.strip_suffix("::/64") {
        Some(network) => u8::from_str_radix(network.rsplit(':').next()?, 16).ok(),
        None => text.rsplit('.').next()?.parse().ok(),
    }
}

/// The smallest number from 2 to 254 that neither a machine nor a primary IP has.
pub fn free(store: &Store) -> Result<u8, ApiError> {
    let taken: Vec<u8> = store.all(PRIMARY_IPS).filter_map(host).collect();
    (2..=254)
        .find(|number| !taken.contains(number) && free_machine(store, *number))
        .ok_or_else(|| {
            let message = "the lab's subnet has no free address";
            ApiError::new(412, "resource_unavailable", message)
        })
}

/// Whether no machine has a number.
pub fn free_machine(store: &Store, number: u8) -> bool {
    !store.machines.values().any(|taken| *taken == number)
}

/// The addresses of a server, as the API shows them.
pub fn public_net(store: &Store, server: u64) -> Value {
    let part = |kind: &str| {
        store.primary_ip(server, kind).map(|ip| {
            let pointer = if kind == "ipv4" {
                &ip["dns_ptr"][0]["dns_ptr"]
            } else {
                &ip["dns_ptr"]
            };
            json!({ "id": id_of(ip), "ip": ip["ip"], "blocked": ip["blocked"], "dns_ptr": pointer })
        })
    };
    json!({ "ipv4": part("ipv4"), "ipv6": part("ipv6"), "floating_ips": [], "firewalls": [] })
}

/// Releases the addresses of a deleted server: removes those with `auto_delete` and unassigns the others.
pub fn take_back(store: &mut Store, server: u64) {
    let of_it: Vec<(u64, bool)> = store
        .all(PRIMARY_IPS)
        .filter(|ip| ip["assignee_id"] == server)
        .map(|ip| (id_of(ip), ip["auto_delete"] == true))
        .collect();
    for (id, goes) in of_it {
        if goes {
            store.remove(PRIMARY_IPS, id);
        } else {
            assign(store, id, None);
        }
    }
}

fn default_pointer(ip: &str) -> String {
    let reversed: Vec<&str> = ip.split('.').rev().collect();
    format!("static.{}.clients.your-server.de", reversed.join("."))
}

/// Sets the reverse DNS name of an address of a server; null resets it.
pub fn change_dns_ptr_of_server(
    store: &mut Store,
    server: u64,
    body: &Value,
) -> Result<Value, ApiError> {
    let ip = request::needed("ip", request::text(body, "ip")?)?;
    let id = store
        .all(PRIMARY_IPS)
        .find(|object| object["assignee_id"] == server && is_of(ip, object))
        .map(id_of)
        .ok_or_else(|| {
            ApiError::invalid("ip", format!("`{ip}` is not an address of this server"))
        })?;
    set_pointer(store, id, ip, body)?;
    Ok(actions::done(
        store,
        "change_dns_ptr",
        &[("server", server)],
    ))
}

/// Sets the reverse DNS name of an address of a primary IP; null resets it.
pub fn change_dns_ptr(store: &mut Store, id: u64, body: &Value) -> Result<Value, ApiError> {
    let ip = request::needed("ip", request::text(body, "ip")?)?;
    if !store
        .get(PRIMARY_IPS, id)
        .is_some_and(|object| is_of(ip, object))
    {
        let message = format!("`{ip}` is not an address of this primary IP");
        return Err(ApiError::invalid("ip", message));
    }
    set_pointer(store, id, ip, body)?;
    Ok(actions::done(
        store,
        "change_dns_ptr",
        &[("primary_ip", id)],
    ))
}

fn set_pointer(store: &mut Store, id: u64, ip: &str, body: &Value) -> Result<(), ApiError> {
    let pointer = request::text(body, "dns_ptr")?;
    if pointer.is_some_and(|name| !request::is_host_name(name)) {
        return Err(ApiError::invalid("dns_ptr", "is not a valid hostname"));
    }
    let Some(object) = store.get_mut(PRIMARY_IPS, id) else {
        return Ok(());
    };
    let default = (object["type"] == "ipv4").then(|| default_pointer(ip));
    let pointer = pointer.map(str::to_owned).or(default);
    if let Some(list) = object["dns_ptr"].as_array_mut() {
        list.retain(|entry| entry["ip"] != ip);
        list.extend(pointer.map(|name| json!({ "ip": ip, "dns_ptr": name })));
    }
    Ok(())
}

/// Whether an address belongs to a primary IP: it is the address, or in its /64.
fn is_of(ip: &str, object: &Value) -> bool {
    let own = object["ip"].as_str().unwrap_or_default();
    let parse = |text: &str| {
        text.parse::<std::net::Ipv6Addr>()
            .ok()
            .map(|address| address.segments())
    };
    match (parse(ip), parse(own.trim_end_matches("/64"))) {
        (Some(ip), Some(network)) => ip[..4] == network[..4],
        _ => ip == own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lab_numbers_addresses_of_both_kinds() {
        let (lab, mut store) = (Lab::for_test(), Store::default());
        let location = json!({});
        for kind in ["ipv4", "ipv6"] {
            let new = New {
                name: None,
                kind,
                host: 17,
                location: &location,
                server: None,
                auto_delete: false,
                labels: json!({}),
            };
            let id = make(&mut store, &lab, new);
            assert_eq!(
                host(store.get(PRIMARY_IPS, id).unwrap()),
                Some(17),
                "{kind}"
            );
        }
        assert_eq!(free(&store).unwrap(), 2);
    }
}
