//! The rules of a firewall.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::error::ApiError;

/// Hetzner's own limits.
const RULES: usize = 50;
const NETWORKS: usize = 100;
const DESCRIPTION: usize = 255;

/// Reads rules. Each is returned with all its keys, as clients expect them.
pub fn read(rules: &[Value]) -> Result<Vec<Value>, ApiError> {
    if rules.len() > RULES {
        return Err(ApiError::invalid(
            "rules",
            format!("a firewall may have {RULES} rules"),
        ));
    }
    rules.iter().map(rule).collect()
}

fn rule(rule: &Value) -> Result<Value, ApiError> {
    let wrong = |message: &str| ApiError::invalid("rules", format!("{message}: {rule}"));
    let direction = rule["direction"]
        .as_str()
        .filter(|text| ["in", "out"].contains(text))
        .ok_or_else(|| wrong("direction must be in or out"))?;
    let protocols = ["tcp", "udp", "icmp", "esp", "gre"];
    let protocol = rule["protocol"]
        .as_str()
        .filter(|text| protocols.contains(text))
        .ok_or_else(|| wrong("protocol is not known"))?;
    let port = port(protocol, &rule["port"]).ok_or_else(|| {
        wrong("port must be a number, a range or `any` with tcp and udp, and absent otherwise")
    })?;
    let (sources, destinations) = (
        networks(&rule["source_ips"])?,
        networks(&rule["destination_ips"])?,
    );
    if (if direction == "in" {
        &sources
    } else {
        &destinations
    })
    .is_empty()
    {
        return Err(wrong(
            "an inbound rule needs source_ips, an outbound rule destination_ips",
        ));
    }
    let description = description(&rule["description"])
        .ok_or_else(|| wrong("description must be a text of at most 255 characters"))?;
    Ok(json!({
        "direction": direction, "protocol": protocol, "port": port,
        "source_ips": sources, "destination_ips": destinations, "description": description,
    }))
}

/// `None` is an error; null is valid, and the value of a rule without this key.
fn description(text: &Value) -> Option<&Value> {
    let fits = |text: &str| text.chars().count() <= DESCRIPTION;
    (text.is_null() || text.as_str().is_some_and(fits)).then_some(text)
}

/// `None` is an error; null is valid for protocols without ports.
fn port(protocol: &str, port: &Value) -> Option<Value> {
    if !["tcp", "udp"].contains(&protocol) {
        return port.is_null().then_some(Value::Null);
    }
    let text = port.as_str()?;
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let good = match text.split_once('-') {
        Some((first, last)) => number(first)? <= number(last)?,
        None => text == "any" || number(text).is_some(),
    };
    good.then(|| json!(text))
}

fn networks(list: &Value) -> Result<Vec<String>, ApiError> {
    let wrong = |text: &str| {
        ApiError::invalid(
            "rules",
            format!("`{text}` is not a network in CIDR notation"),
        )
    };
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.len() > NETWORKS {
        return Err(ApiError::invalid(
            "rules",
            format!("a rule may have {NETWORKS} networks"),
        ));
    }
    let network = |item: &Value| {
        let text = item.as_str().unwrap_or_default();
        is_network(text)
            .then(|| text.to_owned())
            .ok_or_else(|| wrong(text))
    };
    list.iter().map(network).collect()
}

/// A network in CIDR notation, without bits beyond its length.
fn is_network(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else {
        return false;
    };
    let (Ok(address), Ok(length)) = (address.parse::<IpAddr>(), length.parse::<u32>()) else {
        return false;
    };
    match address {
        IpAddr::V4(address) => {
            length <= 32 && address.to_bits().checked_shl(length).unwrap_or(0) == 0
        }
        IpAddr::V6(address) => {
            length <= 128 && address.to_bits().checked_shl(length).unwrap_or(0) == 0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_comes_back_with_every_key() {
        let rules =
            read(&[json!({ "direction": "in", "protocol": "icmp", "source_ips": ["0.0.0.0/0"] })])
                .unwrap();
        for key in [
            "direction",
            "protocol",
            "port",
            "source_ips",
            "destination_ips",
            "description",
        ] {
            assert!(rules[0].get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn wrong_rules_are_refused() {
        for bad in [
            json!({ "direction": "up", "protocol": "tcp", "port": "22", "source_ips": ["0.0.0.0/0"] }),
            json!({ "direction": "in", "protocol": "tcp", "source_ips": ["0.0.0.0/0"] }),
            json!({ "direction": "in", "protocol": "tcp", "port": "0", "source_ips": ["0.0.0.0/0"] }),
            json!({ "direction": "in", "protocol": "tcp", "port": "90-80", "source_ips": ["0.0.0.0/0"] }),
            json!({ "direction": "in", "protocol": "icmp", "port": "22", "source_ips": ["0.0.0.0/0"] }),
            json!({ "direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["10.0.0.1/24"] }),
            json!({ "direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["10.0.0.1"] }),
            json!({ "direction": "in", "protocol": "tcp", "port": "22", "source_ips": [] }),
            json!({ "direction": "in", "protocol": "esp", "source_ips": ["0.0.0.0/0"], "description": false }),
            json!({ "direction": "in", "protocol": "esp", "source_ips": ["0.0.0.0/0"], "description": "a".repeat(256) }),
        ] {
            assert!(read(std::slice::from_ref(&bad)).is_err(), "{bad}");
        }
        assert!(is_network("::/0") && is_network("203.0.113.7/32") && is_network("2001:db8::/32"));
    }
}
