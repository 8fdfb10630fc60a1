//! How a server is made, and how what differs is put right.

use anyhow::Result;

use super::{Dependencies, Repair, Server};
use crate::core::error::{Code, Fault};
use crate::hetzner::{AddressView, Hetzner, NewServer, ServerStatus, ServerView, labels};
use crate::planner::cloud::address;

impl Server {
    fn missing(&self, what: &str) -> anyhow::Error {
        Fault::new(
            Code::E0303,
            format!(
                "{what} of stack {} does not exist, so the server was not changed",
                self.host.stack
            ),
        )
        .hint("run `citrino-ops provision` again: it creates that first")
        .into()
    }

    pub(super) async fn create(&self, api: &Hetzner, around: &Dependencies) -> Result<i64> {
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
            name: self.host.name.to_string(),
            stack: self.host.stack.to_string(),
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

    pub(super) async fn mend(
        &self,
        api: &Hetzner,
        found: &ServerView,
        mend: Repair,
        around: &Dependencies,
    ) -> Result<()> {
        match mend {
            Repair::Disk => self.renew_disk(api, found).await,
            Repair::NameOrLabels => {
                let all = labels::with(&found.labels, self.labels());
                let name = &self.host.name;
                api.relabel::<ServerView>(found.id, name, &all).await
            }
            Repair::Type => {
                while_off(api, found, async || {
                    let before = format!("rescale-to-{}", self.server_type);
                    api.snapshot(found, &self.host, &before).await?;
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
            api.snapshot(found, &self.host, "rebuild").await?;
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
                address::refuse_of_another(&other, &self.host.stack)?;
                let ours = labels::of_stack(&self.host.stack);
                let labels = labels::with(&other.labels, ours);
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
    let ran = found.status == ServerStatus::Running;
    if found.status != ServerStatus::Off {
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
