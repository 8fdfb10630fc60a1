//! POST /servers: what is refused at once, and the machine that then comes into being.

use axum::extract::State;
use rand::distr::{Alphanumeric, SampleString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::catalogue;
use super::error::{Answer, ApiError};
use super::request::{self, Body};
use super::server_actions::{self, Errand};
use super::{Account, actions, created, firewall_resources, now, primary_ips, ssh_keys};
use crate::machine::Birth;
use crate::store::{FIREWALLS, SERVERS, Store, id_of};

/// Hetzner's own limit.
const USER_DATA_BYTES: usize = 32 << 10;

#[derive(Deserialize)]
pub struct Create {
    name: Value,
    server_type: Value,
    image: Value,
    location: Option<Value>,
    ssh_keys: Option<Vec<Value>>,
    firewalls: Option<Vec<Value>>,
    user_data: Option<String>,
    labels: Option<Value>,
    public_net: Option<Value>,
    start_after_create: Option<bool>,
    volumes: Option<Vec<Value>>,
    networks: Option<Vec<Value>>,
    placement_group: Option<Value>,
}

/// What the wish names, found in the catalogue.
struct Order {
    server_type: &'static Value,
    location: &'static Value,
    image: &'static Value,
}

pub async fn create(State(account): State<Account>, Body(wish): Body<Create>) -> Answer {
    let mut store = account.lock();
    let name = request::name(SERVERS, &wish.name)?;
    refuse_what_the_lab_has_not(&wish)?;
    let order = order(&wish)?;
    let keys = keys(&store, wish.ssh_keys.as_deref().unwrap_or_default())?;
    let guards = guards(&store, wish.firewalls.as_deref().unwrap_or_default())?;
    let labels = request::labels(wish.labels.clone())?;
    if store.by_name(SERVERS, &name).is_some() {
        return Err(ApiError::not_unique("name"));
    }
    let number = store.free_number().ok_or_else(|| {
        ApiError::new(
            412,
            "resource_unavailable",
            "the lab's subnet has no free address",
        )
    })?;

    let id = store.next_id();
    store.machines.insert(id, number);
    let root_password = keys
        .is_empty()
        .then(|| Alphanumeric.sample_string(&mut rand::rng(), 20));
    let birth = Birth {
        id,
        name,
        public_keys: keys,
        user_data: wish.user_data.unwrap_or_default(),
        root_password: root_password.clone(),
        memory_bytes: memory_bytes(order.server_type),
    };
    let start = wish.start_after_create.unwrap_or(true);
    let server = record(&account, &mut store, &birth, &order, &labels, number);
    for guard in guards {
        firewall_resources::add_server(&mut store, guard, id);
    }
    let action = actions::begin(&mut store, "create_server", &[("server", id)]);
    let next: Vec<Value> = start
        .then(|| actions::begin(&mut store, "start_server", &[("server", id)]))
        .into_iter()
        .collect();
    account.commit(&store)?;
    let body = json!({
        "server": super::shown(&account, &store, SERVERS, &server),
        "action": action, "next_actions": next, "root_password": root_password,
    });
    let errand = Errand {
        server: id,
        actions: std::iter::once(&action).chain(&next).map(id_of).collect(),
        after: Some(if start { "running" } else { "off" }),
    };
    server_actions::run(&account, &store, errand, move |machine| {
        machine.create(&birth)?;
        if start { machine.start() } else { Ok(()) }
    });
    Ok(created(body))
}

/// The lab says what it cannot do, before anything is made.
fn refuse_what_the_lab_has_not(wish: &Create) -> Result<(), ApiError> {
    let given = |list: &Option<Vec<Value>>| list.as_ref().is_some_and(|list| !list.is_empty());
    for (field, is_given) in [
        ("volumes", given(&wish.volumes)),
        ("networks", given(&wish.networks)),
        (
            "placement_group",
            wish.placement_group
                .as_ref()
                .is_some_and(|group| !group.is_null()),
        ),
    ] {
        if is_given {
            return Err(ApiError::invalid(field, "the lab has none"));
        }
    }
    let net = wish.public_net.as_ref().unwrap_or(&Value::Null);
    if net["enable_ipv4"] == false {
        return Err(ApiError::invalid(
            "public_net",
            "the lab reaches its machines by IPv4 only; leave enable_ipv4 on",
        ));
    }
    if !net["ipv4"].is_null() || !net["ipv6"].is_null() {
        return Err(ApiError::invalid(
            "public_net",
            "the lab gives each server new primary IPs; leave ipv4 and ipv6 out",
        ));
    }
    if wish
        .user_data
        .as_ref()
        .is_some_and(|data| data.len() > USER_DATA_BYTES)
    {
        return Err(ApiError::invalid("user_data", "is longer than 32768 bytes"));
    }
    Ok(())
}

fn order(wish: &Create) -> Result<Order, ApiError> {
    let server_type = catalogue::find("server_types", &wish.server_type)
        .ok_or_else(|| ApiError::invalid("server_type", "server type not found"))?;
    let image = catalogue::find_image(&wish.image, &server_type["architecture"])
        .ok_or_else(|| ApiError::invalid("image", "image not found; the lab has debian-12 only"))?;
    if image["architecture"] != server_type["architecture"] {
        return Err(ApiError::invalid(
            "image",
            "image architecture does not fit the server type",
        ));
    }
    let location = match wish.location.as_ref().filter(|value| !value.is_null()) {
        Some(location) => catalogue::find("locations", location)
            .ok_or_else(|| ApiError::invalid("location", "location not found"))?,
        None => catalogue::first_location(server_type)
            .ok_or_else(|| ApiError::new(412, "resource_unavailable", "error during placement"))?,
    };
    catalogue::check_orderable(server_type, location)?;
    if server_type["architecture"] == "arm" {
        return Err(ApiError::new(
            412,
            "resource_unavailable",
            "the lab runs machines of its host's architecture, x86, only",
        ));
    }
    Ok(Order {
        server_type,
        location,
        image,
    })
}

fn keys(store: &Store, wishes: &[Value]) -> Result<Vec<String>, ApiError> {
    let key = |wish: &Value| {
        let key = ssh_keys::find(store, wish)
            .ok_or_else(|| ApiError::invalid("ssh_keys", format!("ssh key {wish} not found")))?;
        Ok(key["public_key"].as_str().unwrap_or_default().to_owned())
    };
    wishes.iter().map(key).collect()
}

fn guards(store: &Store, wishes: &[Value]) -> Result<Vec<u64>, ApiError> {
    let guard = |wish: &Value| {
        let id = wish["firewall"]
            .as_u64()
            .filter(|id| store.get(FIREWALLS, *id).is_some());
        id.ok_or_else(|| {
            ApiError::invalid(
                "firewalls",
                format!("firewall {} not found", wish["firewall"]),
            )
        })
    };
    wishes.iter().map(guard).collect()
}

/// The catalogue counts in whole or half gigabytes.
fn memory_bytes(server_type: &Value) -> u64 {
    let megabytes = server_type["memory"].as_f64().unwrap_or(2.0) * 1024.0;
    format!("{megabytes:.0}").parse::<u64>().unwrap_or(2048) << 20
}

/// Writes the server down, and the primary IPs that come with it.
fn record(
    account: &Account,
    store: &mut Store,
    birth: &Birth,
    order: &Order,
    labels: &Value,
    number: u8,
) -> Value {
    let net = primary_ips::give(store, &account.0.lab, birth.id, order.location, number);
    let traffic = order.server_type["prices"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|price| price["location"] == order.location["name"]);
    let server = json!({
        "id": birth.id, "name": birth.name, "status": "initializing", "created": now(),
        "public_net": net, "private_net": [], "server_type": order.server_type, "location": order.location, "image": order.image,
        "iso": null, "rescue_enabled": false, "locked": true, "backup_window": null,
        "outgoing_traffic": 0, "ingoing_traffic": 0, "included_traffic": traffic.map_or(Value::Null, |price| price["included_traffic"].clone()),
        "protection": { "delete": false, "rebuild": false }, "labels": labels, "volumes": [], "load_balancers": [],
        "primary_disk_size": order.server_type["disk"], "placement_group": null,
    });
    store.insert(SERVERS, birth.id, server.clone());
    server
}
