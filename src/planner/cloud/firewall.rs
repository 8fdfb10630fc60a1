//! The firewall before the server: what it lets in.

use anyhow::Result;

use super::ours::find_ours;
use crate::core::engine::{CheckResult, Wish};
use crate::core::event::Act;
use crate::hetzner::{FirewallRule, FirewallView, Hetzner, ServerView};

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

/// What is wrong with the firewall as it stands before a server, a sentence each: rules that differ, and that it is not there.
///
/// # Errors
/// When the API does not tell.
pub async fn faults(
    api: &Hetzner,
    firewall: &CloudFirewall,
    server: &ServerView,
) -> Result<Vec<String>> {
    let Some(found) = firewall.find(api).await? else {
        return Ok(vec![
            "the firewall at Hetzner does not exist: every port of the server is open to everybody"
                .to_owned(),
        ]);
    };
    let mut what = differences(&firewall.rules, &found.rules);
    if !server.firewalls.contains(&found.id) {
        what.push(format!(
            "firewall {} is not applied to server {}: every port is open to everybody",
            found.name, server.name
        ));
    }
    Ok(what)
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
