//! The request to create a server, checked completely before anything is created.

use serde::Deserialize;
use serde_json::Value;

use super::error::ApiError;
use super::offers::Offers;
use super::request;
use super::{
    addresses, catalogue, images, network_parts, primary_ips, resource, server_networks, ssh_keys,
    volume_attach,
};
use crate::store::{FIREWALLS, NETWORKS, PRIMARY_IPS, SERVERS, Store};

/// The body of POST /servers.
#[derive(Deserialize)]
pub struct Create {
    pub name: Value,
    server_type: Value,
    image: Value,
    location: Option<Value>,
    ssh_keys: Option<Vec<Value>>,
    firewalls: Option<Vec<Value>>,
    user_data: Option<String>,
    labels: Option<Value>,
    public_net: Option<Value>,
    pub start_after_create: Option<bool>,
    volumes: Option<Vec<u64>>,
    networks: Option<Vec<u64>>,
    pub automount: Option<bool>,
    placement_group: Option<Value>,
}

/// The checked request.
pub struct Order {
    pub name: String,
    pub server_type: &'static Value,
    pub location: &'static Value,
    pub image: Value,
    pub keys: Vec<String>,
    pub guards: Vec<u64>,
    pub labels: Value,
    pub user_data: String,
    pub volumes: Vec<u64>,
    pub networks: Vec<u64>,
    pub ipv4: Public,
    pub ipv6: Public,
}

/// One of the two addresses of a server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Public {
    Absent,
    New,
    /// A primary IP by its id.
    Kept(u64),
}

/// Checks the whole request.
pub fn read(
    store: &Store,
    offers: &Offers,
    machines: bool,
    body: &Create,
) -> Result<Order, ApiError> {
    let name = request::name(SERVERS, &body.name)?;
    let (server_type, location) = place(offers, body)?;
    let image = images::usable(store, &body.image, server_type, machines)?;
    images::fits(&image, server_type["disk"].as_u64())?;
    if server_type["architecture"] == "arm" {
        let message = "the lab runs machines of its host's architecture, x86, only";
        return Err(ApiError::new(412, "resource_unavailable", message));
    }
    if body
        .placement_group
        .as_ref()
        .is_some_and(|group| !group.is_null())
    {
        return Err(ApiError::invalid(
            "placement_group",
            "the lab has no placement groups",
        ));
    }
    request::user_data(body.user_data.as_deref())?;
    let net = body.public_net.as_ref().unwrap_or(&Value::Null);
    let order = Order {
        name,
        server_type,
        location,
        image,
        keys: keys(store, body.ssh_keys.as_deref().unwrap_or_default())?,
        guards: guards(store, body.firewalls.as_deref().unwrap_or_default())?,
        labels: request::labels(body.labels.clone())?,
        user_data: body.user_data.clone().unwrap_or_default(),
        volumes: body.volumes.clone().unwrap_or_default(),
        networks: body.networks.clone().unwrap_or_default(),
        ipv4: public(store, net, "ipv4", location)?,
        ipv6: public(store, net, "ipv6", location)?,
    };
    check(store, &order)?;
    Ok(order)
}

fn check(store: &Store, order: &Order) -> Result<(), ApiError> {
    for (place, volume) in order.volumes.iter().enumerate() {
        volume_attach::free(store, *volume, order.location)?;
        if order.volumes[..place].contains(volume) {
            return Err(ApiError::invalid("volumes", "a volume is named twice"));
        }
    }
    server_networks::check_together(store, &order.networks)?;
    for network in &order.networks {
        let network = resource::named(store, NETWORKS, "networks", *network)?;
        network_parts::free_address(store, network, &order.location["network_zone"], None)?;
    }
    if order.ipv4 == Public::Absent && order.ipv6 == Public::Absent && order.networks.is_empty() {
        let message = "a server needs a public address or a network";
        return Err(ApiError::invalid("public_net", message));
    }
    resource::unique(store, SERVERS, &order.name)?;
    addresses::free(store).map(|_| ())
}

fn place(offers: &Offers, body: &Create) -> Result<(&'static Value, &'static Value), ApiError> {
    let server_type = catalogue::find("server_types", &body.server_type)
        .ok_or_else(|| ApiError::invalid("server_type", "server type not found"))?;
    let offered = offers.of(server_type);
    let location = match body.location.as_ref().filter(|value| !value.is_null()) {
        Some(location) => catalogue::find("locations", location)
            .ok_or_else(|| ApiError::invalid("location", "location not found"))?,
        None => catalogue::first_location(&offered)
            .ok_or_else(|| ApiError::new(412, "resource_unavailable", "error during placement"))?,
    };
    catalogue::check_orderable(&offered, location)?;
    Ok((server_type, location))
}

fn public(store: &Store, net: &Value, kind: &str, place: &Value) -> Result<Public, ApiError> {
    let wanted = request::flag(net, &format!("enable_{kind}"))?.unwrap_or(true);
    let Some(id) = request::number(net, kind)? else {
        return Ok(if wanted { Public::New } else { Public::Absent });
    };
    if !wanted {
        let message = format!("a primary IP is given, and enable_{kind} is off");
        return Err(ApiError::invalid("public_net", message));
    }
    let ip = resource::named(store, PRIMARY_IPS, kind, id)?;
    if ip["type"] != kind {
        let message = format!("the primary IP is not of type {kind}");
        return Err(ApiError::new(412, "primary_ip_version_mismatch", message));
    }
    if !ip["assignee_id"].is_null() {
        let message = "the primary IP is assigned already";
        return Err(ApiError::new(422, "primary_ip_assigned", message));
    }
    if ip["location"]["name"] != place["name"] {
        return Err(primary_ips::elsewhere());
    }
    Ok(Public::Kept(id))
}

fn keys(store: &Store, requested: &[Value]) -> Result<Vec<String>, ApiError> {
    let key = |body: &Value| {
        let key = ssh_keys::find(store, body)
            .ok_or_else(|| ApiError::invalid("ssh_keys", format!("ssh key {body} not found")))?;
        Ok(key["public_key"].as_str().unwrap_or_default().to_owned())
    };
    requested.iter().map(key).collect()
}

fn guards(store: &Store, requested: &[Value]) -> Result<Vec<u64>, ApiError> {
    let guard = |body: &Value| {
        let id = body["firewall"]
            .as_u64()
            .filter(|id| store.get(FIREWALLS, *id).is_some());
        id.ok_or_else(|| {
            let message = format!("firewall {} not found", body["firewall"]);
            ApiError::invalid("firewalls", message)
        })
    };
    requested.iter().map(guard).collect()
}

/// The last bytes of both addresses, and the number of the machine; the same number if possible.
pub struct Numbers {
    pub machine: u8,
    pub ipv4: u8,
    pub ipv6: u8,
}

/// Chooses the numbers.
pub fn numbers(store: &Store, order: &Order) -> Result<Numbers, ApiError> {
    let kept = |public: Public| match public {
        Public::Kept(id) => store.get(PRIMARY_IPS, id).and_then(addresses::host),
        _ => None,
    };
    let free = addresses::free(store)?;
    let ipv4 = kept(order.ipv4).unwrap_or(free);
    let has_own = |ip: &Value| ip["type"] == "ipv6" && addresses::host(ip) == Some(ipv4);
    let beside = if store.all(PRIMARY_IPS).any(has_own) {
        free
    } else {
        ipv4
    };
    Ok(Numbers {
        machine: if addresses::free_machine(store, ipv4) {
            ipv4
        } else {
            free
        },
        ipv4,
        ipv6: kept(order.ipv6).unwrap_or(beside),
    })
}
