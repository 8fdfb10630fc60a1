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
        let new = NewServer {
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
            ipv4: Some(id(&around.ipv4).ok_or_else(|| self.missing("the IPv4 address"))?),
            ipv6: id(&around.ipv6).ok_or_else(|| self.missing("the IPv6 address"))?,
            user_data: self.birth.user_data.clone(),
        };
        match api.create_server(&new).await {
            Ok(id) => Ok(id),
            Err(error) => Err(self.after_failed_create(api, error).await),
        }
    }

    /// A server whose creation failed would be in the way of the next one.
    async fn after_failed_create(&self, api: &Hetzner, error: anyhow::Error) -> anyhow::Error {
        let Ok(Some(found)) = api.server_of(&self.host).await else {
            return error;
        };
        match api.never_ran(&found).await {
            Ok(true) => {}
            _ => return error,
        }
        let name = &found.name;
        match self.delete_failed(api, &found).await {
            Ok(()) => error.context(format!(
                "server {name} was deleted again, since nothing ever ran on it; its addresses are kept"
            )),
            Err(left) => error.context(format!(
                "server {name} is left over, and the next run deletes it ({left:#})"
            )),
        }
    }

    /// Deletes what a failed creation has left. Nothing was ever on its disk.
    pub(super) async fn delete_failed(&self, api: &Hetzner, found: &ServerView) -> Result<()> {
        let doing = format!("delete server {}, whose creation failed", found.name);
        let found = api.settle(found.id, &doing).await?;
        if found.protected {
            api.protect_server(&found, false).await?;
        }
        for held in [found.ipv4_id, found.ipv6_id].into_iter().flatten() {
            self.keep(api, held).await?;
        }
        api.delete(&found).await
    }

    /// An address stays when its server goes.
    async fn keep(&self, api: &Hetzner, id: i64) -> Result<()> {
        let found = api.address(id).await?;
        if !found.auto_delete {
            return Ok(());
        }
        api.keep_address(&found, &found.name, &found.labels).await
    }

    /// Refuses what is known to fail before the server is switched off for it.
    pub(super) async fn refuse_in_vain(
        &self,
        api: &Hetzner,
        found: &ServerView,
        repair: Repair,
        around: &Dependencies,
    ) -> Result<()> {
        match repair {
            Repair::Disk => self.refuse_replacement(found),
            Repair::Type => {
                api.refuse_type(found, &self.server_type, &self.location)
                    .await
            }
            _ => self.refuse_held(api, Some(found), around).await,
        }
    }

    /// An address that something else has is not taken from it, and none of another stack from the server.
    pub(super) async fn refuse_held(
        &self,
        api: &Hetzner,
        found: Option<&ServerView>,
        around: &Dependencies,
    ) -> Result<()> {
        for wished in [&around.ipv4, &around.ipv6].into_iter().flatten() {
            if let Some(holder) = &wished.holder
                && !found.is_some_and(|found| holder.is_server(found.id))
                && let Some(name) = api.holder_name(holder).await
            {
                return Err(address::refuse_taken(wished, &name));
            }
        }
        let Some(found) = found else {
            return Ok(());
        };
        for (wished, held) in [(&around.ipv4, found.ipv4_id), (&around.ipv6, found.ipv6_id)] {
            if let (Some(wished), Some(held)) = (wished, held)
                && wished.id != held
            {
                address::refuse_of_another(&api.address(held).await?, &self.host.stack)?;
            }
        }
        Ok(())
    }

    pub(super) async fn repair(
        &self,
        api: &Hetzner,
        found: &ServerView,
        repair: Repair,
        around: &Dependencies,
    ) -> Result<()> {
        if repair.needs_off() && repair != Repair::Disk {
            switch_off(api, found).await?;
        }
        match repair {
            Repair::Disk => self.renew_disk(api, found).await,
            Repair::NameOrLabels => {
                let all = labels::with(&found.labels, self.labels());
                let name = &self.host.name;
                api.relabel::<ServerView>(found.id, name, &all).await
            }
            Repair::Type => {
                let before = format!("rescale-to-{}", self.server_type);
                api.snapshot(found, &self.host, &before).await?;
                api.rescale(found, &self.server_type).await
            }
            Repair::Addresses => self.move_in(api, found, around).await,
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
        let image = api.image_id(&self.server_type, &self.image).await?;
        switch_off(api, found).await?;
        api.snapshot(found, &self.host, "rebuild").await?;
        self.tell_rebirth(api, found).await?;
        api.rebuild(found, image, &self.birth.user_data).await
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
                let ours = labels::of_stack(&self.host.stack);
                let labels = labels::with(&other.labels, ours);
                api.keep_address(&other, &other.name, &labels).await?;
                api.unassign_address(&other).await?;
            }
            api.assign_address(wished, found.id).await?;
        }
        Ok(())
    }
}

async fn switch_off(api: &Hetzner, found: &ServerView) -> Result<()> {
    if found.status == ServerStatus::Off {
        return Ok(());
    }
    api.power_off(found).await
}
