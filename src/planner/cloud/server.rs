//! The server: of this type, here, with this image, behind the firewall, at its addresses, running.

mod differences;
mod repair;
mod way_back;

use anyhow::Result;

pub(super) use differences::Repair;

use super::ours::{find_ours, foreign, is_ours};
use super::ssh_key::PublicKey;
use super::{absent, address};
use crate::config::stack::Host;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::event::Act;
use crate::core::secret::Secret;
use crate::hetzner::labels::Labels;
use crate::hetzner::{AddressView, Family, FirewallView, Hetzner, NetworkView, ServerView, labels};

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
    pub host: Host,
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
        let mut wished = labels::of_host(&self.host);
        wished.insert(labels::ROLE.to_owned(), self.host.roles.label());
        wished
    }

    async fn find(&self, api: &Hetzner) -> Result<Option<ServerView>> {
        let Host { stack, name, .. } = &self.host;
        let server = api.server_of(&self.host).await?;
        if server.is_none()
            && let Some(other) = api.named::<ServerView>(name).await?
            && !is_ours(&other.labels, stack)
        {
            return Err(foreign("server", name, stack));
        }
        Ok(server)
    }

    /// The questions go out together.
    async fn around(&self, api: &Hetzner) -> Result<Dependencies> {
        let Host { stack, name, .. } = &self.host;
        let network = async {
            if !self.network {
                return Ok(None);
            }
            find_ours::<NetworkView>(api, stack, stack).await
        };
        let (firewalls, addresses, network) = tokio::join!(
            api.of_stack::<FirewallView>(stack),
            api.of_stack::<AddressView>(stack),
            network
        );
        let mut firewalls = firewalls?;
        firewalls.retain(|one| one.name == *stack);
        let addresses = addresses?;
        let named = |family| {
            let name = address::name_of(name, family);
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
}

impl Wish<Hetzner> for Server {
    async fn check(&self, api: &Hetzner) -> Result<CheckResult> {
        let (found, around) = tokio::join!(self.find(api), self.around(api));
        let (found, around) = (found?, around?);
        self.refuse_held(api, found.as_ref(), &around).await?;
        let what = format!(
            "({} in {} with {})",
            self.server_type, self.location, self.image
        );
        let Some(found) = found else {
            return Ok(CheckResult::absent(format!("does not exist {what}")));
        };
        if api.never_ran(&found).await? {
            return Ok(CheckResult::absent(format!(
                "its creation failed, and nothing ever ran on it: it is deleted and created again {what}"
            )));
        }
        self.refuse_move(&found)?;
        let (mends, what): (Vec<_>, Vec<_>) = self.differences(&found, &around).into_iter().unzip();
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

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        let (found, around) = tokio::join!(self.find(api), self.around(api));
        let (found, around) = (found?, around?);
        self.refuse_held(api, found.as_ref(), &around).await?;
        let id = match found {
            Some(found) if api.never_ran(&found).await? => {
                self.delete_failed(api, &found).await?;
                // What was attached to it is free now.
                let around = self.around(api).await?;
                self.create(api, &around).await?
            }
            Some(found) => found.id,
            None => self.create(api, &around).await?,
        };
        self.repair_all(api, id).await
    }
}
