//! The firewall before the server: what it lets in.

use anyhow::Result;

use super::ours::find_ours;
use crate::core::engine::{CheckResult, Wish};
use crate::core::event::Act;
use crate::hetzner::{FirewallRule, FirewallView, Hetzner};

#[derive(Clone, Debug)]
pub struct CloudFirewall {
    /// Its name too.
    pub stack: String,
    /// All that may come in.
    pub rules: Vec<FirewallRule>,
}

impl CloudFirewall {
    async fn find(&self, api: &Hetzner) -> Result<Option<FirewallView>> {
        find_ours(api, &self.stack, &self.stack).await
    }
}

/// What differs, a sentence a rule.
pub(super) fn differences(wished: &[FirewallRule], found: &[FirewallRule]) -> Vec<String> {
    let missing = wished.iter().filter(|rule| !found.contains(rule));
    let extra = found.iter().filter(|rule| !wished.contains(rule));
    missing
        .map(|rule| format!("{rule} is missing"))
        .chain(extra.map(|rule| format!("{rule} is not in citrino.yml")))
        .collect()
}

impl Wish<Hetzner> for CloudFirewall {
    async fn check(&self, api: &Hetzner) -> Result<CheckResult> {
        Ok(match self.find(api).await? {
            None => {
                let absent = "does not exist".to_owned();
                let rules = differences(&self.rules, &[]);
                CheckResult::from([vec![absent], rules].concat()).by(Act::Create)
            }
            Some(found) => CheckResult::from(differences(&self.rules, &found.rules)),
        })
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        match self.find(api).await? {
            Some(found) => api.set_rules(&found, &self.rules).await,
            None => {
                api.create_firewall(&self.stack, &self.stack, &self.rules)
                    .await
            }
        }
    }
}
