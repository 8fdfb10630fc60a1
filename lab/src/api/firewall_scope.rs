//! Which servers a firewall guards.

use serde_json::Value;

use super::selector;
use crate::machine::firewall::Guarded;
use crate::store::{FIREWALLS, SERVERS, Store, id_of};

/// Whether a firewall is applied to a server, by id or by label.
pub fn stands_before(firewall: &Value, server: &Value) -> bool {
    firewall["applied_to"]
        .as_array()
        .into_iter()
        .flatten()
        .any(
            |resource| match resource["label_selector"]["selector"].as_str() {
                Some(text) => selector::matches(server, text).unwrap_or(false),
                None => resource["server"]["id"] == server["id"],
            },
        )
}

/// Every machine behind a firewall, with the rules of all its firewalls.
pub fn guarded(store: &Store) -> Vec<Guarded> {
    let guard = |server: &Value| {
        let before: Vec<&Value> = store
            .all(FIREWALLS)
            .filter(|firewall| stands_before(firewall, server))
            .collect();
        let address = store.address(id_of(server))?;
        let rules = before
            .iter()
            .flat_map(|firewall| firewall["rules"].as_array().into_iter().flatten().cloned())
            .collect();
        (!before.is_empty()).then_some(Guarded { address, rules })
    };
    store.all(SERVERS).filter_map(guard).collect()
}
