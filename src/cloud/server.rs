//! The server: of this type, here, with this image, behind the firewall, running.

use anyhow::Result;

use super::{PublicKey, foreign, is_ours};
use crate::engine::{Look, Wish};
use crate::error::Fault;
use crate::hetzner::labels::Labels;
use crate::hetzner::{Hetzner, NewServer, ServerView, labels};
use crate::secret::Secret;

/// The role of the one host that a stack has today.
const ROLE: &str = "host";

/// What a server is given once, when it is made. It is never compared: a new host key for each run
/// is no difference.
#[derive(Clone, Debug)]
pub struct Birth {
    /// The cloud-init text; it holds a private host key.
    pub user_data: Secret,
    /// Such as the pin of that key under `labels::BOOTSTRAP_KEY`.
    pub labels: Labels,
}

#[derive(Clone, Debug)]
pub struct Server {
    /// Its name too.
    pub stack: String,
    pub server_type: String,
    pub location: String,
    pub image: String,
    /// Wished, they are turned on. Not wished, they are left as they are: turning them off would
    /// delete them all.
    pub backups: bool,
    pub keys: Vec<PublicKey>,
    pub birth: Birth,
}

/// What can be put right without making the server anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mend {
    NameOrLabels,
    Firewall,
    Backups,
    Power,
}

impl Server {
    /// The labels that a server of ours must have; it may have more.
    fn labels(&self) -> Labels {
        let mut wished = labels::of_stack(&self.stack);
        wished.insert(labels::ROLE.to_owned(), ROLE.to_owned());
        wished
    }

    /// The server, and the firewall's id: the two questions go out together.
    async fn find(&self, api: &Hetzner) -> Result<(Option<ServerView>, Option<i64>)> {
        let (server, firewalls) =
            tokio::join!(api.server_of(&self.stack), api.firewalls_of(&self.stack));
        let firewall = firewalls?
            .into_iter()
            .find(|firewall| firewall.name == self.stack);
        let server = server?;
        if server.is_none()
            && let Some(other) = api.server_named(&self.stack).await?
            && !is_ours(&other.labels, &self.stack)
        {
            return Err(foreign("server", &self.stack, &self.stack));
        }
        Ok((server, firewall.map(|firewall| firewall.id)))
    }

    /// A server of another kind could only be replaced, with all that is on it: never silently.
    pub(super) fn refuse_replacement(&self, found: &ServerView) -> Result<()> {
        let differs = [
            ("type", Some(&found.server_type), &self.server_type),
            ("location", Some(&found.location), &self.location),
            ("image", found.image.as_ref(), &self.image),
        ];
        let what: Vec<_> = differs
            .iter()
            .filter_map(|(word, found, wished)| {
                let found = found.filter(|found| !found.is_empty() && found != wished)?;
                Some(format!("its {word} is {found}, wished {wished}"))
            })
            .collect();
        if what.is_empty() {
            return Ok(());
        }
        Err(Fault::new(
            "E0311",
            format!("the server {} would have to be replaced: {}", found.name, what.join("; ")),
        )
        .hint("nothing was changed. Put citrino.yml right, or take a backup away from the host, then `citrino-ops destroy` and `citrino-ops up`")
        .into())
    }

    pub(super) fn differences(
        &self,
        found: &ServerView,
        firewall: Option<i64>,
    ) -> Vec<(Mend, String)> {
        let mut what = Vec::new();
        if found.name != self.stack {
            let text = format!("server is named {}, wished {}", found.name, self.stack);
            what.push((Mend::NameOrLabels, text));
        }
        for (key, wished) in self.labels() {
            let text = match found.labels.get(&key) {
                Some(value) if *value == wished => continue,
                Some(value) => format!("label {key} is {value}, wished {wished}"),
                None => format!("label {key}={wished} is missing"),
            };
            what.push((Mend::NameOrLabels, text));
        }
        if !firewall.is_some_and(|id| found.firewalls.contains(&id)) {
            let text = format!("firewall is not applied to server {}", found.name);
            what.push((Mend::Firewall, text));
        }
        if self.backups && !found.backups {
            let text = format!("automatic backups of server {} are off", found.name);
            what.push((Mend::Backups, text));
        }
        if found.status != "running" {
            let text = format!("server {} is {}, wished running", found.name, found.status);
            what.push((Mend::Power, text));
        }
        what
    }

    async fn create(&self, api: &Hetzner, firewall: i64) -> Result<i64> {
        let mut labels = self.birth.labels.clone();
        labels.extend(self.labels());
        let known = api.ssh_keys().await?;
        let wished = |line: &str| known.iter().find(|key| key.is_key(line)).map(|key| key.id);
        let ssh_keys: Vec<_> = self
            .keys
            .iter()
            .filter_map(|key| wished(&key.line))
            .collect();
        if ssh_keys.len() != self.keys.len() || ssh_keys.is_empty() {
            return Err(Fault::new(
                "E0303",
                "an ssh key of the stack is not in the project, so the server was not created",
            )
            .hint("run `citrino-ops provision` again: it uploads the keys first")
            .into());
        }
        api.create_server(&NewServer {
            name: self.stack.clone(),
            server_type: self.server_type.clone(),
            location: self.location.clone(),
            image: api.image_id(&self.server_type, &self.image).await?,
            labels,
            ssh_keys,
            firewalls: vec![firewall],
            user_data: self.birth.user_data.clone(),
        })
        .await
    }

    async fn mend(&self, api: &Hetzner, found: &ServerView, mend: Mend, fw: i64) -> Result<()> {
        match mend {
            Mend::NameOrLabels => {
                let mut all = found.labels.clone();
                all.extend(self.labels());
                api.update_server(found.id, Some(&self.stack), &all).await
            }
            Mend::Firewall => api.apply_firewall(fw, found).await,
            Mend::Backups => api.enable_backups(found).await,
            Mend::Power => api.power_on(found).await,
        }
    }
}

impl Wish<Hetzner> for Server {
    async fn check(&self, api: &Hetzner) -> Result<Look> {
        let (found, firewall) = self.find(api).await?;
        let Some(found) = found else {
            return Ok(Look::differs(format!(
                "server {} is absent ({} in {} with {})",
                self.stack, self.server_type, self.location, self.image
            )));
        };
        self.refuse_replacement(&found)?;
        let what = self.differences(&found, firewall);
        Ok(Look::from(
            what.into_iter().map(|(_, text)| text).collect::<Vec<_>>(),
        ))
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        let (found, firewall) = self.find(api).await?;
        let firewall = firewall.ok_or_else(|| {
            Fault::new(
                "E0303",
                format!(
                    "the firewall {} is not there, so the server was left alone",
                    self.stack
                ),
            )
            .hint("run `citrino-ops provision` again: it makes the firewall first")
        })?;
        let id = if let Some(found) = found {
            found.id
        } else {
            self.create(api, firewall).await?
        };
        let doing = format!("bring the server {} to rest", self.stack);
        let found = api.settle(id, &doing).await?;
        let mut mends: Vec<_> = self
            .differences(&found, Some(firewall))
            .into_iter()
            .map(|(mend, _)| mend)
            .collect();
        mends.dedup();
        for mend in mends {
            self.mend(api, &found, mend, firewall).await?;
        }
        Ok(())
    }
}
