//! Passage through a host that drops what it forwards, as Docker and ufw have it.
//!
//! A packet must get through every chain of a hook, so no rule of the lab's own table helps: these
//! chains get a rule that lets the lab's bridges through, marked with the name of the lab's table.
//! Firewalls before machines hold as they did, in that table.

use anyhow::{Context, Result};
use serde_json::Value;

use super::private;
use crate::lab::{Lab, run};

/// Has every such chain let the bridges through: that of the lab, and those of its networks.
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

/// Takes these rules away.
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

/// Family, table and chain, as nft wants them.
fn place(object: &Value, chain: &str) -> String {
    let word = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", word("family"), word("table"), word(chain))
}

/// Objects of one kind that nft lists.
fn listed(what: &str, kind: &str) -> Result<Vec<Value>> {
    let text = run(&["nft", "-j", "list", what])?;
    let listing: Value = serde_json::from_str(&text).context("nft's listing cannot be read")?;
    let objects = listing["nftables"].as_array().cloned().unwrap_or_default();
    Ok(objects
        .into_iter()
        .filter_map(|mut object| object.get_mut(kind).map(Value::take))
        .collect())
}
