//! Deletes what the stack has of a kind, except what is kept. Resources without its label are not
//! looked at.

use anyhow::Result;

use super::dns::refuse_protected;
use super::ours::is_ours;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::event::Act;
use crate::hetzner::{
    AddressView, FirewallView, Hetzner, KeyView, NetworkView, RecordView, ResourceHolder,
    ResourceKind, ServerView, SnapshotView, VolumeView,
};

/// The kinds of things that a stack may have.
#[derive(Clone, Debug)]
pub enum What {
    /// The records in a zone.
    Records(String),
    Servers,
    Volumes,
    Addresses,
    Networks,
    Firewalls,
    SshKeys,
    /// All but the newest so many that are usable, and those that still become so.
    Snapshots(usize),
}

/// What to do about a protected server, address or volume.
pub(super) const UNPROTECT: &str =
    "nothing was changed; run `citrino-ops destroy --unprotect` first to lift the protection";

/// How much of it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it; something protected is refused.
    All,
    /// What nobody uses and nobody protects.
    Idle,
}

/// Nothing of this kind is left of the stack, but what has one of the names.
#[derive(Clone, Debug)]
pub struct Removal {
    pub stack: String,
    pub what: What,
    pub extent: Extent,
    pub keep: Vec<String>,
}

/// Refuses when one of them is protected, or leaves it.
fn deletable<K: ResourceKind>(mut found: Vec<K>, extent: Extent) -> Result<Vec<K>> {
    if extent == Extent::Idle {
        found.retain(|one| !one.is_protected() && !one.is_used());
        return Ok(found);
    }
    let kept = found.iter().filter(|one| one.is_protected());
    let kept: Vec<&str> = kept.map(ResourceKind::name).collect();
    if kept.is_empty() {
        return Ok(found);
    }
    Err(protected(K::WORD, &kept))
}

/// The refusal to delete something protected.
fn protected(word: &str, names: &[&str]) -> anyhow::Error {
    let is = if names.len() == 1 {
        "it is"
    } else {
        "they are"
    };
    let names = names.join(", ");
    Fault::new(
        Code::E0310,
        format!("cannot delete {word} {names}: {is} protected"),
    )
    .hint(match word {
        "snapshot" => "nothing was changed; lift its protection in the Hetzner console first",
        _ => UNPROTECT,
    })
    .into()
}

/// The refusal to delete what something else uses.
fn used(word: &str, name: &str, holder: &str) -> anyhow::Error {
    let message =
        format!("cannot delete {word} {name}: {holder} uses it, which is not part of the stack");
    Fault::new(Code::E0311, message)
        .hint("nothing was changed; remove it there in the Hetzner console, then run the command again")
        .into()
}

fn names<K: ResourceKind>(found: &[K]) -> CheckResult {
    let what: Vec<_> = found
        .iter()
        .map(|one| format!("{} {} ({})", K::WORD, one.name(), one.id()))
        .collect();
    CheckResult::from(what).by(Act::Delete)
}

/// What uses a resource: deleting it would be refused, or do harm to another.
trait Used: ResourceKind {
    fn holders(&self) -> Vec<ResourceHolder>;
}

impl Used for ServerView {
    fn holders(&self) -> Vec<ResourceHolder> {
        Vec::new()
    }
}

impl Used for AddressView {
    fn holders(&self) -> Vec<ResourceHolder> {
        self.holder.iter().cloned().collect()
    }
}

impl Used for VolumeView {
    fn holders(&self) -> Vec<ResourceHolder> {
        self.server
            .into_iter()
            .map(ResourceHolder::server)
            .collect()
    }
}

impl Used for NetworkView {
    fn holders(&self) -> Vec<ResourceHolder> {
        let servers = self.servers.iter().copied().map(ResourceHolder::server);
        let balancers = self.load_balancers.iter().copied();
        servers
            .chain(balancers.map(ResourceHolder::load_balancer))
            .collect()
    }
}

impl Used for FirewallView {
    fn holders(&self) -> Vec<ResourceHolder> {
        self.servers()
            .into_iter()
            .map(ResourceHolder::server)
            .collect()
    }
}

impl Removal {
    /// Those that shall go.
    async fn left<K: Used>(&self, api: &Hetzner) -> Result<Vec<K>> {
        let mut found: Vec<K> = api.of_stack(&self.stack).await?;
        found.retain(|one| !self.keep.iter().any(|name| name == one.name()));
        let found = deletable(found, self.extent)?;
        if self.extent == Extent::All {
            self.refuse_used(api, &found).await?;
        }
        Ok(found)
    }

    /// What something outside of the stack uses is not deleted under it. The stack's own servers go first.
    async fn refuse_used<K: Used>(&self, api: &Hetzner, found: &[K]) -> Result<()> {
        for one in found {
            let holders = one.holders();
            if holders.is_empty() {
                continue;
            }
            let ours: Vec<ServerView> = api.of_stack(&self.stack).await?;
            let others = holders
                .iter()
                .filter(|holder| !ours.iter().any(|server| holder.is_server(server.id)));
            for holder in others {
                if let Some(name) = api.holder_name(holder).await {
                    return Err(used(K::WORD, one.name(), &name));
                }
            }
        }
        Ok(())
    }

    /// Keys are few and are listed as a whole everywhere.
    async fn keys(&self, api: &Hetzner) -> Result<Vec<KeyView>> {
        let mut found = api.ssh_keys().await?;
        found.retain(|key| is_ours(&key.labels, &self.stack) && !self.keep.contains(&key.name));
        Ok(found)
    }

    async fn records(&self, api: &Hetzner, zone: &str) -> Result<Vec<RecordView>> {
        let mut found = api.records_of(zone, &self.stack).await?;
        found.retain(|one| !self.keep.contains(&one.name));
        if let Some(kept) = found.iter().find(|one| one.protected)
            && self.extent == Extent::All
        {
            let name = format!("{} record {} of {zone}", kept.kind, kept.name);
            return Err(refuse_protected(&name));
        }
        found.retain(|one| !one.protected);
        Ok(found)
    }

    async fn snapshots(&self, api: &Hetzner, newest: usize) -> Result<Vec<SnapshotView>> {
        let mut found = api.snapshots_of(&self.stack).await?;
        let mut kept = 0;
        found.retain(|one| {
            kept += usize::from(one.is_usable());
            let going = one.is_broken() || (one.is_usable() && kept > newest);
            going || newest == 0
        });
        deletable(found, self.extent)
    }

    async fn look<K: Used>(&self, api: &Hetzner) -> Result<CheckResult> {
        Ok(names(&self.left::<K>(api).await?))
    }

    async fn delete<K: Used>(&self, api: &Hetzner) -> Result<()> {
        for one in self.left::<K>(api).await? {
            api.delete(&one).await?;
        }
        Ok(())
    }
}

impl Wish<Hetzner> for Removal {
    async fn check(&self, api: &Hetzner) -> Result<CheckResult> {
        match &self.what {
            What::Records(zone) => {
                let found = self.records(api, zone).await?;
                let what = |one: &RecordView| format!("{} record {} of {zone}", one.kind, one.name);
                Ok(CheckResult::from(found.iter().map(what).collect::<Vec<_>>()).by(Act::Delete))
            }
            What::Servers => self.look::<ServerView>(api).await,
            What::Volumes => self.look::<VolumeView>(api).await,
            What::Addresses => self.look::<AddressView>(api).await,
            What::Networks => self.look::<NetworkView>(api).await,
            What::Firewalls => self.look::<FirewallView>(api).await,
            What::SshKeys => Ok(names(&self.keys(api).await?)),
            What::Snapshots(newest) => Ok(names(&self.snapshots(api, *newest).await?)),
        }
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        match &self.what {
            What::Records(zone) => {
                for one in self.records(api, zone).await? {
                    api.delete_record(zone, &one).await?;
                }
            }
            What::Servers => self.delete::<ServerView>(api).await?,
            What::Volumes => {
                for volume in self.left::<VolumeView>(api).await? {
                    if volume.server.is_some() {
                        api.detach_volume(&volume).await?;
                    }
                    api.delete(&volume).await?;
                }
            }
            What::Addresses => self.delete::<AddressView>(api).await?,
            What::Networks => self.delete::<NetworkView>(api).await?,
            What::Firewalls => self.delete::<FirewallView>(api).await?,
            What::SshKeys => {
                for key in self.keys(api).await? {
                    api.delete(&key).await?;
                }
            }
            What::Snapshots(newest) => {
                for one in self.snapshots(api, *newest).await? {
                    api.delete(&one).await?;
                }
            }
        }
        Ok(())
    }
}
