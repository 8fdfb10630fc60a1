//! The server: of this type, here, with this image, behind the firewall, at its addresses, running.

use anyhow::Result;

use super::ours::{find_ours, foreign, is_ours};
use super::ssh_key::PublicKey;
use super::{absent, address};
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::event::Act;
use crate::core::secret::Secret;
use crate::hetzner::labels::Labels;
use crate::hetzner::{
    AddressView, Family, FirewallView, Hetzner, NetworkView, NewServer, ServerView, labels,
};

/// No server needs more repairs than this; the server is checked after each.
const MOST_MENDS: usize = 16;

/// What a server gets once, when it is created. It is never compared: a new host key in each run
/// is not a difference.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// The cloud-init text; it holds a private host key.
    pub user_data: Secret,
    /// The pin of that key.
    pub pin: String,
}

/// Whether a server may lose its disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiskPolicy {
    /// What could only be had by a new disk is refused.
    #[default]
    Refused,
    /// A new disk is made when the image differs.
    WhenNeeded,
    /// A new disk is made, once, whatever there is.
    Wished,
}

#[derive(Clone, Debug)]
pub struct Server {
    pub stack: String,
    /// The host's.
    pub name: String,
    /// Which of the stack's hosts it is.
    pub role: String,
    pub server_type: String,
    pub location: String,
    pub image: String,
    /// Wished, they are turned on. Not wished, they are left as they are: turning them off would
    /// delete them all.
    pub backups: bool,
    /// Wished, it is protected against deletion and rebuilding. Not wished, it is left as it is.
    pub protect: bool,
    /// Whether it is in the stack's private network.
    pub network: bool,
    pub keys: Vec<PublicKey>,
    pub birth: Bootstrap,
    pub renewal: DiskPolicy,
}

/// What can be corrected, in this order: repairs that need the server off come before it is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repair {
    Disk,
    NameOrLabels,
    Type,
    Addresses,
    Network,
    Firewall,
    Backups,
    Power,
    Protection,
}

/// The ids of what the server is created with; none for what does not exist yet.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    pub firewall: Option<i64>,
    pub ipv4: Option<AddressView>,
    pub ipv6: Option<AddressView>,
    pub network: Option<i64>,
}

impl Server {
    /// The labels that a server of ours must have; it may have more.
    fn labels(&self) -> Labels {
        let mut wished = labels::of_stack(&self.stack);
        wished.insert(labels::ROLE.to_owned(), self.role.clone());
        wished
    }

    async fn find(&self, api: &Hetzner) -> Result<Option<ServerView>> {
        let server = api.server_of(&self.stack).await?;
        if server.is_none()
            && let Some(other) = api.named::<ServerView>(&self.name).await?
            && !is_ours(&other.labels, &self.stack)
        {
            return Err(foreign("server", &self.name, &self.stack));
        }
        Ok(server)
    }

    /// The questions go out together.
    async fn around(&self, api: &Hetzner) -> Result<Dependencies> {
        let network = async {
            if !self.network {
                return Ok(None);
            }
            find_ours::<NetworkView>(api, &self.stack, &self.stack).await
        };
        let (firewalls, addresses, network) = tokio::join!(
            api.of_stack::<FirewallView>(&self.stack),
            api.of_stack::<AddressView>(&self.stack),
            network
        );
        let mut firewalls = firewalls?;
        firewalls.retain(|one| one.name == self.stack);
        let addresses = addresses?;
        let named = |family| {
            let name = address::name_of(&self.name, family);
            addresses.iter().find(|one| one.name == name).cloned()
        };
        Ok(Dependencies {
            firewall: firewalls.pop().map(|one| one.id),
            ipv4: named(Family::V4),
            ipv6: named(Family::V6),
            network: network?.map(|one| one.id),
        })
    }

    /// What no consent makes possible: a server elsewhere is another server.
    pub(super) fn refuse_move(&self, found: &ServerView) -> Result<()> {
        if found.location.is_empty() || found.location == self.location {
            return Ok(());
        }
        Err(Fault::new(
            Code::E0311,
            format!(
                "cannot move the server from {} to {}",
                found.location, self.location
            ),
        )
        .hint("nothing was changed; for another location create another stack, restore a backup there, then `citrino-ops destroy` this one")
        .into())
    }

    fn refuse_replacement(&self, found: &ServerView) -> Result<()> {
        if found.protected {
            return Err(
                Fault::new(Code::E0310, "cannot rebuild the server: it is protected")
                    .hint(absent::UNPROTECT)
                    .into(),
            );
        }
        if self.renewal != DiskPolicy::Refused {
            return Ok(());
        }
        let image = found.image.as_deref().unwrap_or_default();
        Err(Fault::new(
            Code::E0311,
            format!(
                "server {} needs a new disk: its image is {image}, expected {}",
                found.name, self.image
            ),
        )
        .hint("nothing was changed; correct cloud.image, or copy a backup off the host and add `--replace`: the disk is lost, the addresses stay")
        .into())
    }

    /// Why it needs a new disk.
    fn needs_disk(&self, found: &ServerView) -> Option<String> {
        if let Some(image) = found.image.as_ref().filter(|image| **image != self.image) {
            return Some(format!("image is {image}, expected {}", self.image));
        }
        let reborn = found.labels.get(labels::REBIRTH_KEY) == Some(&self.birth.pin);
        (self.renewal == DiskPolicy::Wished && !reborn)
            .then(|| format!("a new disk with {} was requested", self.image))
    }

    pub(super) fn differences(
        &self,
        found: &ServerView,
        around: &Dependencies,
    ) -> Vec<(Repair, String)> {
        let mut what = Vec::new();
        let mut add = |mend, text: String| what.push((mend, text));
        if let Some(why) = self.needs_disk(found) {
            add(
                Repair::Disk,
                format!(
                    "{why}: a snapshot is taken, then the server is rebuilt; its disk is lost, its addresses stay"
                ),
            );
        }
        if found.name != self.name {
            let text = format!("server name is {}, expected {}", found.name, self.name);
            add(Repair::NameOrLabels, text);
        }
        for (key, wished) in self.labels() {
            let text = match found.labels.get(&key) {
                Some(value) if *value == wished => continue,
                Some(value) => format!("label {key} is {value}, expected {wished}"),
                None => format!("label {key}={wished} is missing"),
            };
            add(Repair::NameOrLabels, text);
        }
        if !found.server_type.is_empty() && found.server_type != self.server_type {
            add(
                Repair::Type,
                format!(
                    "type is {}, expected {}: a snapshot is taken, the server is off for some minutes, its disk stays at {} GB",
                    found.server_type, self.server_type, found.disk_gb
                ),
            );
        }
        for (address, held) in [(&around.ipv4, found.ipv4_id), (&around.ipv6, found.ipv6_id)] {
            if address.is_none() && held.is_none() {
                add(
                    Repair::Addresses,
                    "an address is missing: the server is off for a minute to get it".to_owned(),
                );
            }
            if let Some(address) = address
                && held != Some(address.id)
            {
                add(
                    Repair::Addresses,
                    format!(
                        "address {} is not assigned to the server: it is off for a minute to get it",
                        address.ip
                    ),
                );
            }
        }
        if self.network
            && !around
                .network
                .is_some_and(|id| found.networks.contains(&id))
        {
            add(
                Repair::Network,
                format!("server {} is not in its network", found.name),
            );
        }
        if !around
            .firewall
            .is_some_and(|id| found.firewalls.contains(&id))
        {
            let text = format!("firewall is not applied to server {}", found.name);
            add(Repair::Firewall, text);
        }
        if self.backups && !found.backups {
            let text = format!("automatic backups of server {} are off", found.name);
            add(Repair::Backups, text);
        }
        if found.status != "running" {
            let text = format!(
                "server {} is {}, expected running",
                found.name, found.status
            );
            add(Repair::Power, text);
        }
        if self.protect && !found.protected {
            let text = format!("server {} is not protected against deletion", found.name);
            add(Repair::Protection, text);
        }
        what
    }

    fn missing(&self, what: &str) -> anyhow::Error {
        Fault::new(
            Code::E0303,
            format!(
                "{what} of stack {} does not exist, so the server was not changed",
                self.stack
            ),
        )
        .hint("run `citrino-ops provision` again: it creates that first")
        .into()
    }

    async fn create(&self, api: &Hetzner, around: &Dependencies) -> Result<i64> {
        let mut labels = self.labels();
        labels.insert(labels::BOOTSTRAP_KEY.to_owned(), self.birth.pin.clone());
        let known = api.ssh_keys().await?;
        let wished = |line: &str| known.iter().find(|key| key.is_key(line)).map(|key| key.id);
        let ssh_keys: Vec<_> = self
            .keys
            .iter()
            .filter_map(|key| wished(&key.line))
            .collect();
        if ssh_keys.len() != self.keys.len() || ssh_keys.is_empty() {
            return Err(self.missing("an ssh key"));
        }
        let id = |address: &Option<AddressView>| address.as_ref().map(|one| one.id);
        let network = around.network.filter(|_| self.network);
        if self.network && network.is_none() {
            return Err(self.missing("the network"));
        }
        api.create_server(&NewServer {
            name: self.name.clone(),
            stack: self.stack.clone(),
            server_type: self.server_type.clone(),
            location: self.location.clone(),
            image: api.image_id(&self.server_type, &self.image).await?,
            labels,
            ssh_keys,
            firewalls: vec![
                around
                    .firewall
                    .ok_or_else(|| self.missing("the firewall"))?,
            ],
            networks: network.into_iter().collect(),
            ipv4: id(&around.ipv4).ok_or_else(|| self.missing("the IPv4 address"))?,
            ipv6: id(&around.ipv6).ok_or_else(|| self.missing("the IPv6 address"))?,
            user_data: self.birth.user_data.clone(),
        })
        .await
    }

    async fn mend(
        &self,
        api: &Hetzner,
        found: &ServerView,
        mend: Repair,
        around: &Dependencies,
    ) -> Result<()> {
        match mend {
            Repair::Disk => self.renew_disk(api, found).await,
            Repair::NameOrLabels => {
                let mut all = found.labels.clone();
                all.extend(self.labels());
                api.relabel::<ServerView>(found.id, &self.name, &all).await
            }
            Repair::Type => {
                while_off(api, found, async || {
                    let before = format!("rescale-to-{}", self.server_type);
                    api.snapshot(found, &self.stack, &before).await?;
                    api.rescale(found, &self.server_type).await
                })
                .await
            }
            Repair::Addresses => {
                while_off(api, found, async || self.move_in(api, found, around).await).await
            }
            Repair::Network => {
                let network = around.network.ok_or_else(|| self.missing("the network"))?;
                api.join_network(found, network).await
            }
            Repair::Firewall => {
                let firewall = around
                    .firewall
                    .ok_or_else(|| self.missing("the firewall"))?;
                api.apply_firewall(firewall, found).await
            }
            Repair::Backups => api.enable_backups(found).await,
            Repair::Power => api.power_on(found).await,
            Repair::Protection => api.protect_server(found, true).await,
        }
    }

    /// The pin of the new birth is told before the disk goes: whichever key answers afterwards is
    /// known, wherever this is cut off.
    async fn renew_disk(&self, api: &Hetzner, found: &ServerView) -> Result<()> {
        self.refuse_replacement(found)?;
        let image = api.image_id(&self.server_type, &self.image).await?;
        while_off(api, found, async || {
            api.snapshot(found, &self.stack, "rebuild").await?;
            self.tell_rebirth(api, found).await?;
            api.rebuild(found, image, &self.birth.user_data).await
        })
        .await
    }

    /// Labels are read anew, since the snapshot took its time. A rebuild before this one may have
    /// come to be: its pin stays among those that count, until a host has answered.
    async fn tell_rebirth(&self, api: &Hetzner, found: &ServerView) -> Result<()> {
        let mut all = api
            .settle(found.id, "read the server's labels")
            .await?
            .labels;
        let birth = self.birth.pin.clone();
        if let Some(earlier) = all.insert(labels::REBIRTH_KEY.to_owned(), birth) {
            all.insert(labels::BOOTSTRAP_KEY.to_owned(), earlier);
        }
        api.relabel::<ServerView>(found.id, &found.name, &all).await
    }

    /// Gives the server, which is off, its addresses; one that it has in their place goes first.
    async fn move_in(
        &self,
        api: &Hetzner,
        found: &ServerView,
        around: &Dependencies,
    ) -> Result<()> {
        for (wished, held) in [(&around.ipv4, found.ipv4_id), (&around.ipv6, found.ipv6_id)] {
            let Some(wished) = wished.as_ref().filter(|wished| held != Some(wished.id)) else {
                continue;
            };
            if let Some(held) = held {
                // Ours from now on, so that `gc` finds what nobody has any more.
                let other = api.address(held).await?;
                address::refuse_of_another(&other, &self.stack)?;
                let mut labels = other.labels.clone();
                labels.extend(labels::of_stack(&self.stack));
                api.keep_address(&other, &other.name, &labels).await?;
                api.unassign_address(&other).await?;
            }
            if wished.holder.is_some() {
                api.unassign_address(wished).await?;
            }
            api.assign_address(wished, found.id).await?;
        }
        Ok(())
    }
}

/// Does something with the server off. When that fails, a server that ran runs again.
async fn while_off(
    api: &Hetzner,
    found: &ServerView,
    work: impl AsyncFn() -> Result<()>,
) -> Result<()> {
    let ran = found.status == "running";
    if found.status != "off" {
        api.power_off(found).await?;
    }
    let Err(error) = work().await else {
        return Ok(());
    };
    if !ran {
        return Err(error);
    }
    match api.power_on(found).await {
        Ok(()) => Err(error.context(format!("server {} is running again, unchanged", found.name))),
        Err(off) => Err(error.context(format!("server {} is off ({off:#})", found.name))),
    }
}

impl Wish<Hetzner> for Server {
    async fn check(&self, api: &Hetzner) -> Result<CheckResult> {
        let (found, around) = tokio::join!(self.find(api), self.around(api));
        let Some(found) = found? else {
            return Ok(CheckResult::absent(format!(
                "does not exist ({} in {} with {})",
                self.server_type, self.location, self.image
            )));
        };
        self.refuse_move(&found)?;
        let (mends, what): (Vec<_>, Vec<_>) =
            self.differences(&found, &around?).into_iter().unzip();
        // Without consent it is only told, and `apply` refuses.
        if mends.contains(&Repair::Disk) && self.renewal != DiskPolicy::Refused {
            self.refuse_replacement(&found)?;
        }
        let act = if mends.contains(&Repair::Disk) {
            Act::Replace
        } else {
            Act::Change
        };
        Ok(CheckResult::from(what).by(act))
    }

    /// Puts one thing right and looks again: what one mend leaves behind, such as a server that is
    /// off, is the next one's.
    async fn apply(&self, api: &Hetzner) -> Result<()> {
        let (found, around) = tokio::join!(self.find(api), self.around(api));
        let mut around = around?;
        let id = match found? {
            Some(found) => found.id,
            None => self.create(api, &around).await?,
        };
        let doing = format!("wait for the actions of server {}", self.name);
        for _ in 0..MOST_MENDS {
            let found = api.settle(id, &doing).await?;
            let Some((mend, _)) = self.differences(&found, &around).into_iter().next() else {
                break;
            };
            self.mend(api, &found, mend, &around).await?;
            if mend == Repair::Addresses {
                around = self.around(api).await?;
            }
        }
        Ok(())
    }
}
