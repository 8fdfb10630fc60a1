//! The records that every new DNS zone has, and its serial number.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::zone_store::{key_of, set};
use crate::store::{RRSETS, Store};

/// Adds the SOA and NS records of a new zone.
pub fn begin(store: &mut Store, zone: u64, servers: &[&str]) {
    let soa = format!(
        "{} dns.hetzner.com. {} 86400 10800 3600000 3600",
        servers[0],
        serial_of_today()
    );
    let soa = json!([{ "value": soa, "comment": "" }]);
    let ns: Value = servers
        .iter()
        .map(|server| json!({ "value": server, "comment": "" }))
        .collect();
    for (kind, records) in [("SOA", soa), ("NS", ns)] {
        let key = store.next_id();
        store.insert(RRSETS, key, set(zone, ("@", kind), None, &records));
    }
}

fn serial_of_today() -> u64 {
    let (year, month, day) = OffsetDateTime::now_utc().to_calendar_date();
    format!("{year}{:02}{day:02}00", u8::from(month))
        .parse()
        .unwrap_or_default()
}

/// Raises the serial number of a changed zone; it begins with the date.
pub fn raise_serial(store: &mut Store, zone: u64) {
    let record = key_of(store, zone, "@/SOA")
        .and_then(|key| store.get_mut(RRSETS, key))
        .map(|set| &mut set["records"][0]["value"]);
    let Some(value) = record else { return };
    let text = value.as_str().unwrap_or_default();
    let raised: Vec<String> = text
        .split(' ')
        .enumerate()
        .map(|(place, word)| match word.parse::<u64>() {
            Ok(serial) if place == 2 => (serial + 1).max(serial_of_today()).to_string(),
            _ => word.to_owned(),
        })
        .collect();
    *value = json!(raised.join(" "));
}
