//! The parts of private networks: subnets, routes and free addresses.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::cidr::Range;
use super::error::ApiError;
use super::{catalogue, membership, request};
use crate::store::{Store, id_of};

/// The range of a network or of one of its parts.
pub fn range_of(object: &Value, key: &str) -> Option<Range> {
    Range::parse(object[key].as_str()?)
}

fn ranges_of(network: &Value, list: &str, key: &str) -> Vec<Range> {
    let parts = network[list].as_array().into_iter().flatten();
    parts.filter_map(|part| range_of(part, key)).collect()
}

fn push(network: &mut Value, list: &str, part: Value) {
    if let Some(list) = network[list].as_array_mut() {
        list.push(part);
    }
}

/// Adds a subnet with the requested range or the first free one.
pub fn add_subnet(network: &mut Value, body: &Value) -> Result<(), ApiError> {
    let kind = request::needed("type", request::text(body, "type")?)?;
    request::one_of("type", kind, &["cloud", "server"])?;
    let zone = request::needed("network_zone", request::text(body, "network_zone")?)?;
    let mut locations = catalogue::all("locations");
    if !locations.any(|location| location["network_zone"] == zone) {
        return Err(ApiError::invalid("network_zone", "network zone not found"));
    }
    let whole = range_of(network, "ip_range")
        .ok_or_else(|| ApiError::invalid("ip_range", "the network has no range"))?;
    let mut taken = ranges_of(network, "subnets", "ip_range");
    taken.extend(
        ranges_of(network, "routes", "destination")
            .iter()
            .filter(|route| route.length > 0),
    );
    let fits =
        |range: &Range| whole.covers(*range) && !taken.iter().any(|other| other.overlaps(*range));
    let range = match request::text(body, "ip_range")? {
        Some(text) => Range::parse(text).filter(|range| range.length <= 30 && fits(range)),
        None => whole.parts(24).find(fits),
    };
    let range = range.ok_or_else(|| {
        let message = "must be a free range within that of the network, of at least /30";
        ApiError::invalid("ip_range", message)
    })?;
    let subnet = json!({
        "type": kind, "ip_range": range.to_string(), "network_zone": zone, "gateway": whole.first(), "vswitch_id": null,
    });
    push(network, "subnets", subnet);
    Ok(())
}

/// Removes a subnet without servers.
pub fn delete_subnet(store: &Store, network: &mut Value, body: &Value) -> Result<(), ApiError> {
    let text = request::needed("ip_range", request::text(body, "ip_range")?)?.to_owned();
    let range = Range::parse(&text);
    let used = membership::addresses(store, id_of(network))
        .into_iter()
        .any(|address| range.is_some_and(|range| range.has(address)));
    if used {
        let message = "the subnet has servers; detach them first";
        return Err(ApiError::new(422, "resource_in_use", message));
    }
    take(network, "subnets", "ip_range", |subnet| {
        subnet["ip_range"] == text.as_str()
    })
}

/// Removes a part; it is an error if it does not exist.
fn take(
    network: &mut Value,
    list: &str,
    field: &str,
    is_it: impl Fn(&Value) -> bool,
) -> Result<(), ApiError> {
    let parts = network[list].as_array_mut();
    let before = parts.as_ref().map_or(0, |parts| parts.len());
    let after = parts.map_or(0, |parts| {
        parts.retain(|part| !is_it(part));
        parts.len()
    });
    if after == before {
        return Err(ApiError::invalid(field, "is not in the network"));
    }
    Ok(())
}

/// Adds a route, which the lab only stores.
pub fn add_route(network: &mut Value, body: &Value) -> Result<(), ApiError> {
    let (destination, gateway) = route(body)?;
    let target = Range::parse(destination)
        .filter(|range| range.is_private() || range.length == 0)
        .ok_or_else(|| ApiError::invalid("destination", "must be a private range or 0.0.0.0/0"))?;
    let mut taken = ranges_of(network, "routes", "destination");
    taken.extend(ranges_of(network, "subnets", "ip_range"));
    let clashes = |other: &Range| {
        other == &target || (other.length > 0 && target.length > 0 && other.overlaps(target))
    };
    if taken.iter().any(clashes) {
        let message = "overlaps with a subnet or another route";
        return Err(ApiError::invalid("destination", message));
    }
    let whole = range_of(network, "ip_range");
    let reached = |address: Ipv4Addr| {
        whole.is_some_and(|whole| whole.has(address) && whole.first() != address)
    };
    if !gateway.parse().is_ok_and(reached) {
        let message = "must be an address of the network, and not its first";
        return Err(ApiError::invalid("gateway", message));
    }
    push(
        network,
        "routes",
        json!({ "destination": destination, "gateway": gateway }),
    );
    Ok(())
}

fn route(body: &Value) -> Result<(&str, &str), ApiError> {
    Ok((
        request::needed("destination", request::text(body, "destination")?)?,
        request::needed("gateway", request::text(body, "gateway")?)?,
    ))
}

/// Removes a route.
pub fn delete_route(network: &mut Value, body: &Value) -> Result<(), ApiError> {
    let (destination, gateway) = route(body)?;
    take(network, "routes", "destination", |route| {
        route["destination"] == destination && route["gateway"] == gateway
    })
}

/// A free address of the network in a zone: the requested one, or the first.
pub fn free_address(
    store: &Store,
    network: &Value,
    zone: &Value,
    requested: Option<Ipv4Addr>,
) -> Result<Ipv4Addr, ApiError> {
    let gateway = range_of(network, "ip_range").map(Range::first);
    let taken = membership::addresses(store, id_of(network));
    let is_free = |address: &Ipv4Addr| Some(*address) != gateway && !taken.contains(address);
    let subnets = network["subnets"].as_array().into_iter().flatten();
    let ours: Vec<Range> = subnets
        .filter(|subnet| subnet["network_zone"] == *zone)
        .filter_map(|subnet| range_of(subnet, "ip_range"))
        .collect();
    match requested {
        Some(address) => Some(address)
            .filter(|address| ours.iter().any(|range| range.has(*address)) && is_free(address))
            .ok_or_else(|| {
                let message = format!("the address {address} is not available in the network");
                ApiError::new(422, "ip_not_available", message)
            }),
        None => ours
            .into_iter()
            .flat_map(Range::hosts)
            .find(is_free)
            .ok_or_else(|| {
                let message = "the network has no subnet or no address for the server";
                ApiError::new(422, "no_subnet_available", message)
            }),
    }
}
