//! Makes an existing resource that has our name and belongs to nobody part of the stack.

use anyhow::Result;

use crate::config::stack::Host;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::event::Act;
use crate::hetzner::labels::{self, Labels};
use crate::hetzner::{
    AddressView, FirewallView, Hetzner, KeyView, NetworkView, ResourceKind, ServerView, VolumeView,
    ZoneRecord,
};

#[derive(Clone, Debug)]
pub enum Thing {
    Server,
    Firewall,
    SshKey,
    Address,
    Network,
    Volume,
    Record(ZoneRecord),
}

#[derive(Clone, Debug)]
pub struct Adopted {
    pub stack: String,
    pub thing: Thing,
    pub name: String,
    /// The host that it belongs to; none for what all hosts of the stack share.
    pub host: Option<Host>,
    /// The host key that the server answers with, when it was told.
    pub pin: Option<String>,
}

impl Adopted {
    /// What is to be done about something with these labels.
    fn look(&self, word: &str, labels: Option<&Labels>) -> Result<CheckResult> {
        let Some(found) = labels else {
            return Ok(CheckResult::same());
        };
        match found.get(labels::STACK) {
            None => Ok(CheckResult::differs(format!(
                "{word} {} becomes part of stack {}",
                self.name, self.stack
            ))
            .by(Act::Adopt)),
            Some(owner) if *owner == self.stack => Ok(self.unpinned(word, found)),
            Some(owner) => Err(Fault::new(
                Code::E0306,
                format!("{word} {} belongs to stack {owner}", self.name),
            )
            .hint("a resource of another stack cannot be adopted")
            .into()),
        }
    }

    /// A server of ours of which no host key is known is given the one that was told.
    fn unpinned(&self, word: &str, found: &Labels) -> CheckResult {
        let pins = [labels::BOOTSTRAP_KEY, labels::HOST_KEY, labels::REBIRTH_KEY];
        if self.pin.is_none() || pins.iter().any(|pin| found.contains_key(*pin)) {
            return CheckResult::same();
        }
        CheckResult::differs(format!("{word} {} has no pinned host key", self.name)).by(Act::Adopt)
    }

    /// A host has one server.
    async fn refuse_second(&self, api: &Hetzner) -> Result<()> {
        let Some(host) = &self.host else {
            return Ok(());
        };
        match api.server_of(host).await? {
            Some(ours) if ours.name != self.name => Err(Fault::new(
                Code::E0311,
                format!("stack {} already has a server: {} ({})", self.stack, ours.name, ours.id),
            )
            .hint("nothing was changed; leave out --server, or remove the label from the other server first")
            .into()),
            _ => Ok(()),
        }
    }

    fn wished(&self, found: &Labels) -> Labels {
        let ours = match &self.host {
            Some(host) => labels::of_host(host),
            None => labels::of_stack(&self.stack),
        };
        let pin = self.pin.clone();
        let pin = pin.map(|pin| (labels::HOST_KEY.to_owned(), pin));
        labels::with(found, ours.into_iter().chain(pin).collect())
    }

    async fn check_kind<K: ResourceKind>(&self, api: &Hetzner) -> Result<CheckResult> {
        let found = api.named::<K>(&self.name).await?;
        self.look(K::WORD, found.as_ref().map(ResourceKind::labels))
    }

    async fn apply_kind<K: ResourceKind>(&self, api: &Hetzner) -> Result<()> {
        match api.named::<K>(&self.name).await? {
            Some(found) => {
                let all = self.wished(found.labels());
                api.relabel::<K>(found.id(), &self.name, &all).await
            }
            None => Ok(()),
        }
    }
}

impl Wish<Hetzner> for Adopted {
    async fn check(&self, api: &Hetzner) -> Result<CheckResult> {
        match &self.thing {
            Thing::Server => {
                let look = self.check_kind::<ServerView>(api).await?;
                if look.change.is_some() {
                    self.refuse_second(api).await?;
                }
                Ok(look)
            }
            Thing::Firewall => self.check_kind::<FirewallView>(api).await,
            Thing::SshKey => self.check_kind::<KeyView>(api).await,
            Thing::Address => self.check_kind::<AddressView>(api).await,
            Thing::Network => self.check_kind::<NetworkView>(api).await,
            Thing::Volume => self.check_kind::<VolumeView>(api).await,
            Thing::Record(record) => {
                let found = api.record(record).await?;
                let word = format!("{} record", record.kind);
                self.look(&word, found.as_ref().map(|found| &found.labels))
            }
        }
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        match &self.thing {
            Thing::Server => self.apply_kind::<ServerView>(api).await,
            Thing::Firewall => self.apply_kind::<FirewallView>(api).await,
            Thing::SshKey => self.apply_kind::<KeyView>(api).await,
            Thing::Address => self.apply_kind::<AddressView>(api).await,
            Thing::Network => self.apply_kind::<NetworkView>(api).await,
            Thing::Volume => self.apply_kind::<VolumeView>(api).await,
            Thing::Record(record) => {
                let found = api.record(record).await?.unwrap_or_default();
                api.label_record(record, &self.wished(&found.labels)).await
            }
        }
    }
}
