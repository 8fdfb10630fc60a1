//! The volume that holds a host's database.

use anyhow::Result;

use super::ours::{find_ours, label_differences};
use crate::config::stack::Host;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::hetzner::{Hetzner, ResourceHolder, VolumeView, labels};

#[derive(Clone, Debug)]
pub struct Volume {
    pub host: Host,
    pub name: String,
    pub size_gb: u32,
    pub location: String,
    /// Wished, it is protected against deletion. Not wished, it is left as it is.
    pub protect: bool,
}

/// The name of a host's volume.
pub(super) fn name_of(host: &str) -> String {
    format!("{host}-data")
}

impl Volume {
    async fn find(&self, api: &Hetzner) -> Result<Option<VolumeView>> {
        find_ours(api, &self.host.stack, &self.name).await
    }

    /// A volume elsewhere or too large could only be replaced, with all that is on it; one that
    /// another server has may be mounted there.
    async fn refuse(&self, api: &Hetzner, found: &VolumeView, server: Option<i64>) -> Result<()> {
        let holder = match found.server.filter(|holder| Some(*holder) != server) {
            Some(holder) => api.holder_name(&ResourceHolder::server(holder)).await,
            None => None,
        };
        let why = if let Some(holder) = holder {
            format!("is attached to {holder}, which is not part of the stack")
        } else if found.location() != self.location {
            format!("is in {}, expected {}", found.location(), self.location)
        } else if found.size > f64::from(self.size_gb) {
            format!(
                "has {} GB, expected {}, and a volume cannot shrink",
                found.size, self.size_gb
            )
        } else {
            return Ok(());
        };
        Err(
            Fault::new(Code::E0311, format!("it {why}"))
                .hint("nothing was changed; correct cloud.volume_gb or cloud.location, or detach the volume")
                .into(),
        )
    }

    fn differences(&self, found: &VolumeView) -> Vec<String> {
        let mut what = label_differences(&found.labels, labels::of_host(&self.host));
        if found.size < f64::from(self.size_gb) {
            what.push(format!(
                "volume {} has {} GB, expected {}",
                self.name, found.size, self.size_gb
            ));
        }
        if found.server.is_none() {
            what.push(format!(
                "volume {} is not attached to the server",
                self.name
            ));
        }
        if self.protect && !crate::hetzner::ResourceKind::is_protected(found) {
            what.push(format!(
                "volume {} is not protected against deletion",
                self.name
            ));
        }
        what
    }

    async fn server(&self, api: &Hetzner) -> Result<Option<i64>> {
        Ok(api.server_of(&self.host).await?.map(|server| server.id))
    }
}

impl Wish<Hetzner> for Volume {
    async fn check(&self, api: &Hetzner) -> Result<CheckResult> {
        let (found, server) = tokio::join!(self.find(api), self.server(api));
        let Some(found) = found? else {
            let text = format!("does not exist ({} GB)", self.size_gb);
            return Ok(CheckResult::absent(text));
        };
        let server = server?;
        self.refuse(api, &found, server).await?;
        Ok(CheckResult::from(self.differences(&found)))
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        let server = self.server(api).await?.ok_or_else(|| {
            Fault::new(Code::E0309, "there is no server to attach the volume to")
                .hint("run `citrino-ops provision` again: it creates the server first")
        })?;
        let found = match self.find(api).await? {
            Some(found) => found,
            None => {
                api.create_volume(&self.name, &self.host, self.size_gb, server)
                    .await?
            }
        };
        self.refuse(api, &found, Some(server)).await?;
        let all = labels::with(&found.labels, labels::of_host(&self.host));
        if found.labels != all {
            api.relabel::<VolumeView>(found.id, &self.name, &all)
                .await?;
        }
        if found.server != Some(server) {
            api.attach_volume(&found, server).await?;
        }
        if found.size < f64::from(self.size_gb) {
            api.grow_volume(&found, self.size_gb).await?;
        }
        if self.protect && !crate::hetzner::ResourceKind::is_protected(&found) {
            api.protect(&found, true).await?;
        }
        Ok(())
    }
}
