//! The primary IPs that servers bring with them, and the names that answer for them.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::error::{Answer, ApiError};
use super::listing::{self, Query};
use super::request::Body;
use super::{Account, actions, now};
use crate::lab::Lab;
use crate::store::{PRIMARY_IPS, SERVERS, Store, id_of};

pub fn routes() -> Router<Account> {
    Router::new()
        .route("/primary_ips", get(list))
        .route("/primary_ips/{id}", get(get_one).put(update))
}

async fn list(State(account): State<Account>, query: Query) -> Answer {
    listing::list(PRIMARY_IPS, account.lock().all(PRIMARY_IPS), &query)
}

async fn get_one(State(account): State<Account>, Path(id): Path<u64>) -> Answer {
    super::show(&account, PRIMARY_IPS, "primary_ip", id)
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<u64>,
    Body(wish): Body<Value>,
) -> Answer {
    super::rename(&account, PRIMARY_IPS, "primary_ip", id, &wish)
}

/// Makes both addresses of a server; answers its `public_net`. The IPv4 address is the machine's
/// own, the IPv6 network one of those kept for documentation (RFC 3849) and reaches nothing.
pub fn give(store: &mut Store, lab: &Lab, server: u64, location: &Value, number: u8) -> Value {
    let four = lab.address(number).to_string();
    let [_, second, third] = lab.subnet;
    let six = format!(
        "2001:db8:{:x}:{number:x}::/64",
        u16::from_be_bytes([second, third])
    );
    let pointer = json!([{ "ip": four, "dns_ptr": default_pointer(&four) }]);
    let four_id = keep(store, server, location, "ipv4", &four, &pointer);
    let six_id = keep(store, server, location, "ipv6", &six, &json!([]));
    json!({
        "ipv4": { "id": four_id, "ip": four, "blocked": false, "dns_ptr": default_pointer(&four) },
        "ipv6": { "id": six_id, "ip": six, "blocked": false, "dns_ptr": [] },
        "floating_ips": [], "firewalls": [],
    })
}

fn keep(
    store: &mut Store,
    server: u64,
    location: &Value,
    kind: &str,
    ip: &str,
    pointer: &Value,
) -> u64 {
    let id = store.next_id();
    let object = json!({
        "id": id, "name": format!("primary_ip-{id}"), "type": kind, "ip": ip, "created": now(), "location": location,
        "assignee_id": server, "assignee_type": "server", "auto_delete": true, "blocked": false,
        "dns_ptr": pointer, "labels": {}, "protection": { "delete": false },
    });
    store.insert(PRIMARY_IPS, id, object);
    id
}

/// With its server an address goes back.
pub fn take_back(store: &mut Store, server: u64) {
    let of_it: Vec<u64> = store
        .all(PRIMARY_IPS)
        .filter(|ip| ip["assignee_id"] == server)
        .map(id_of)
        .collect();
    for id in of_it {
        store.remove(PRIMARY_IPS, id);
    }
}

fn default_pointer(ip: &str) -> String {
    let reversed: Vec<&str> = ip.split('.').rev().collect();
    format!("static.{}.clients.your-server.de", reversed.join("."))
}

/// Sets, or with null resets, the name of one of a server's addresses.
pub fn change_dns_ptr(
    store: &mut Store,
    kind: &str,
    server: u64,
    wish: &Value,
) -> Result<Value, ApiError> {
    let ip = wish["ip"]
        .as_str()
        .ok_or_else(|| ApiError::invalid("ip", "is missing"))?
        .to_owned();
    let pointer = match &wish["dns_ptr"] {
        Value::Null => None,
        Value::String(name) => Some(name.clone()),
        _ => return Err(ApiError::invalid("dns_ptr", "must be a string or null")),
    };
    let found = store
        .get_mut(SERVERS, server)
        .ok_or_else(|| ApiError::not_found("server"))?;
    let net = &mut found["public_net"];
    if net["ipv4"]["ip"] == ip.as_str() {
        net["ipv4"]["dns_ptr"] = json!(pointer.unwrap_or_else(|| default_pointer(&ip)));
    } else if is_inside(&ip, net["ipv6"]["ip"].as_str().unwrap_or_default()) {
        set_pointer(&mut net["ipv6"]["dns_ptr"], &ip, pointer.as_deref());
    } else {
        return Err(ApiError::invalid(
            "ip",
            format!("`{ip}` is no address of this server"),
        ));
    }
    let pointers = [
        (
            net["ipv4"]["id"].as_u64(),
            json!([{ "ip": net["ipv4"]["ip"], "dns_ptr": net["ipv4"]["dns_ptr"] }]),
        ),
        (net["ipv6"]["id"].as_u64(), net["ipv6"]["dns_ptr"].clone()),
    ];
    for (id, pointers) in pointers {
        if let Some(object) = store.get_mut(PRIMARY_IPS, id.unwrap_or_default()) {
            object["dns_ptr"] = pointers;
        }
    }
    Ok(actions::done(store, "change_dns_ptr", &[(kind, server)]))
}

/// Whether an address is in a /64.
fn is_inside(ip: &str, network: &str) -> bool {
    let parse = |text: &str| {
        text.parse::<std::net::Ipv6Addr>()
            .ok()
            .map(|address| address.segments())
    };
    match (parse(ip), parse(network.trim_end_matches("/64"))) {
        (Some(ip), Some(network)) => ip[..4] == network[..4],
        _ => false,
    }
}

fn set_pointer(list: &mut Value, ip: &str, pointer: Option<&str>) {
    if let Some(list) = list.as_array_mut() {
        list.retain(|entry| entry["ip"] != ip);
        list.extend(pointer.map(|name| json!({ "ip": ip, "dns_ptr": name })));
    }
}
