//! The firewall before the server: what it lets in.

use anyhow::Result;

use super::{foreign, is_ours};
use crate::engine::{Look, Wish};
use crate::hetzner::{FirewallView, Hetzner, Rule, labels};

#[derive(Clone, Debug)]
pub struct Firewall {
    /// Its name too.
    pub stack: String,
    /// All that may come in.
    pub rules: Vec<Rule>,
}

impl Firewall {
    async fn find(&self, api: &Hetzner) -> Result<Option<FirewallView>> {
        let ours = api.firewalls_of(&self.stack).await?;
        if let Some(found) = ours.into_iter().find(|found| found.name == self.stack) {
            return Ok(Some(found));
        }
        match api.firewall_named(&self.stack).await? {
            Some(found) if !is_ours(&found.labels, &self.stack) => {
                Err(foreign("firewall", &self.stack, &self.stack))
            }
            found => Ok(found),
        }
    }
}

/// What differs, a sentence a rule.
pub(super) fn differences(wished: &[Rule], found: &[Rule]) -> Vec<String> {
    let missing = wished.iter().filter(|rule| !found.contains(rule));
    let extra = found.iter().filter(|rule| !wished.contains(rule));
    missing
        .map(|rule| format!("{rule} is missing"))
        .chain(extra.map(|rule| format!("{rule} is not wished")))
        .collect()
}

impl Wish<Hetzner> for Firewall {
    async fn check(&self, api: &Hetzner) -> Result<Look> {
        Ok(match self.find(api).await? {
            None => Look::differs(format!("firewall {} is absent", self.stack)),
            Some(found) => Look::from(differences(&self.rules, &found.rules)),
        })
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        match self.find(api).await? {
            Some(found) => api.set_rules(&found, &self.rules).await,
            None => {
                api.create_firewall(&self.stack, &labels::of_stack(&self.stack), &self.rules)
                    .await
            }
        }
    }
}
