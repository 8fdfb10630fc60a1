//! An address of a host. It is a resource of its own, so that it outlives the server: DNS and
//! everybody's memory stay right when the server is made anew.

use anyhow::Result;

use super::ours::{foreign, is_ours, label_differences};
use crate::config::stack::Host;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::core::event::Act;
use crate::hetzner::{AddressView, Family, Hetzner, labels};

#[derive(Clone, Debug)]
pub struct ServerAddress {
    pub host: Host,
    pub name: String,
    pub family: Family,
    pub location: String,
    /// The name that it points back to.
    pub reverse: String,
    /// Wished, it is protected against deletion. Not wished, it is left as it is.
    pub protect: bool,
}

/// What there is in the place of the wished address.
enum FoundAddress {
    Ours(AddressView),
    /// The one that the API made along with the stack's server, which would go with it.
    OfServer(AddressView),
    Nothing,
}

/// The name of a host's address.
pub(super) fn name_of(host: &str, family: Family) -> String {
    format!("{host}-{}", family.word())
}

/// The address of that name among those of the stack.
pub(super) async fn find(api: &Hetzner, stack: &str, name: &str) -> Result<Option<AddressView>> {
    let ours: Vec<AddressView> = api.of_stack(stack).await?;
    Ok(ours.into_iter().find(|one| one.name == name))
}

/// What another stack has is not taken from it, even where our server has it.
pub(super) fn refuse_of_another(found: &AddressView, stack: &str) -> Result<()> {
    match found.labels.get(labels::STACK) {
        Some(owner) if owner != stack => Err(foreign("address", &found.name, stack)),
        _ => Ok(()),
    }
}

/// The refusal of an address that something else has.
pub(super) fn refuse_taken(found: &AddressView, holder: &str) -> anyhow::Error {
    Fault::new(
        Code::E0311,
        format!("address {} ({}) belongs to {holder}", found.name, found.ip),
    )
    .hint(
        "nothing was changed; unassign it there in the Hetzner console, then run the command again",
    )
    .into()
}

impl ServerAddress {
    async fn look(&self, api: &Hetzner) -> Result<FoundAddress> {
        let (ours, server) = tokio::join!(
            find(api, &self.host.stack, &self.name),
            api.server_of(&self.host)
        );
        if let Some(found) = ours? {
            return Ok(FoundAddress::Ours(found));
        }
        if let Some(other) = api.named::<AddressView>(&self.name).await?
            && !is_ours(&other.labels, &self.host.stack)
        {
            return Err(foreign("address", &self.name, &self.host.stack));
        }
        let held = server?.and_then(|server| match self.family {
            Family::V4 => server.ipv4_id,
            Family::V6 => server.ipv6_id,
        });
        match held {
            None => Ok(FoundAddress::Nothing),
            Some(id) => {
                let found = api.address(id).await?;
                refuse_of_another(&found, &self.host.stack)?;
                Ok(FoundAddress::OfServer(found))
            }
        }
    }

    fn differences(&self, found: &AddressView) -> Result<Vec<String>> {
        if !found.location.is_empty() && found.location != self.location {
            return Err(Fault::new(
                Code::E0311,
                format!(
                    "cannot move {} from {} to {}",
                    found.ip, found.location, self.location
                ),
            )
            .hint("for another location create another stack, restore a backup there, then `citrino-ops destroy` this one")
            .into());
        }
        let mut what = label_differences(&found.labels, labels::of_host(&self.host));
        if found.auto_delete {
            what.push(format!(
                "address {} would be deleted with its server",
                found.ip
            ));
        }
        if self.protect && !found.protected {
            what.push(format!(
                "address {} is not protected against deletion",
                found.ip
            ));
        }
        if found.reverse.as_deref() != Some(&self.reverse) {
            let now = found.reverse.as_deref().unwrap_or("not set");
            what.push(format!(
                "reverse DNS of address {} is {now}, expected {}",
                found.ip, self.reverse
            ));
        }
        Ok(what)
    }
}

impl Wish<Hetzner> for ServerAddress {
    async fn check(&self, api: &Hetzner) -> Result<CheckResult> {
        Ok(match self.look(api).await? {
            FoundAddress::Nothing => CheckResult::absent("does not exist"),
            FoundAddress::Ours(found) => CheckResult::from(self.differences(&found)?),
            FoundAddress::OfServer(found) => {
                self.differences(&found)?;
                CheckResult::differs(format!(
                    "address {} of the server becomes {}, and is kept when the server is deleted",
                    found.ip, self.name
                ))
                .by(Act::Adopt)
            }
        })
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        let found = match self.look(api).await? {
            FoundAddress::Nothing => {
                api.create_address(&self.name, &self.host, self.family, &self.location)
                    .await?
            }
            FoundAddress::Ours(found) | FoundAddress::OfServer(found) => found,
        };
        let all = labels::with(&found.labels, labels::of_host(&self.host));
        if found.auto_delete || found.name != self.name || found.labels != all {
            api.keep_address(&found, &self.name, &all).await?;
        }
        if found.reverse.as_deref() != Some(&self.reverse) {
            api.point_back(&found, &self.reverse).await?;
        }
        if self.protect && !found.protected {
            api.protect(&found, true).await?;
        }
        Ok(())
    }
}
