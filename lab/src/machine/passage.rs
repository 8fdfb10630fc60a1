//! Rules for a host that drops forwarded packets, as Docker and ufw do.
//!
//! A packet must pass every chain of a hook, so a rule in the lab's own table does not help. Instead
//! these chains get a rule that accepts packets of the lab's bridges, marked with the name of the lab's
//! table. The machines' firewalls in that table still apply.

use anyhow::{Context, Result};
use serde_json::Value;

use super::private;
use crate::lab::{Lab, run};

/// Adds the rule to every such chain, for the lab's bridge and those of its networks.
pub fn open(lab: &Lab) -> Result<()> {
    close(lab)?;
    let dropping = listed("chains", "chain")?
        .into_iter()
        .filter(|chain| chain["hook"] == "forward" && chain["policy"] == "drop");
    for chain in dropping {
        let place = place(&chain, "name");
        for bridge in [lab.bridge(), private::bridges(lab)] {
            for side in ["iifname", "oifname"] {
                let comment = lab.table();
                let rule = format!("{side} \"{bridge}\" accept comment \"{comment}\"");
                run(&["nft", &format!("insert rule {place} {rule}")])?;
            }
        }
    }
    Ok(())
}

/// Removes these rules.
pub fn close(lab: &Lab) -> Result<()> {
    let ours = listed("ruleset", "rule")?
        .into_iter()
        .filter(|rule| rule["comment"] == lab.table());
    for rule in ours {
        let place = place(&rule, "chain");
        run(&[
            "nft",
            &format!("delete rule {place} handle {}", rule["handle"]),
        ])?;
    }
    Ok(())
}

/// Family, table and chain in nft's syntax.
fn place(object: &Value, chain: &str) -> String {
    let word = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", word("family"), word("table"), word(chain))
}

/// The objects of one kind in nft's listing.
fn listed(what: &str, kind: &str) -> Result<Vec<Value>> {
    let text = run(&["nft", "-j", "list", what])?;
    let listing: Value = serde_json::from_str(&text).context("nft's listing cannot be read")?;
    let objects = listing["nftables"].as_array().cloned().unwrap_or_default();
    Ok(objects
        .into_iter()
        .filter_map(|mut object| object.get_mut(kind).map(Value::take))
        .collect())
}
