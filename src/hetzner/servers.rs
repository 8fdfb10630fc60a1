//! Servers: found by label, made once, brought to rest.

use std::collections::HashMap;
use std::net::Ipv6Addr;

use anyhow::Result;
use hcloud::models::{
    ChangeServerProtectionRequest, CreateServerRequest, CreateServerRequestFirewalls,
    CreateServerRequestPublicNet, ReplaceServerRequest,
};
use reqwest::Method;
use serde::Deserialize;
use tokio::time::Instant;

use super::Hetzner;
use super::actions::{Action, Started, deadline};
use super::answers::{Named, or_default};
use super::call::{Called, to_value};
use super::labels::{self, Labels};
use crate::error::Fault;
use crate::secret::Secret;

/// A server as the API tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerView {
    pub id: i64,
    pub name: String,
    /// `running`, `off`, or one of the API's names for being on the way.
    pub status: String,
    pub ipv4: Option<String>,
    /// The first address of the server's network.
    pub ipv6: Option<String>,
    pub labels: Labels,
    pub server_type: String,
    pub location: String,
    /// The image's name; snapshots and deleted images have none.
    pub image: Option<String>,
    /// Ids of the firewalls that are applied to it.
    pub firewalls: Vec<i64>,
    /// Whether automatic backups are on.
    pub backups: bool,
    /// Whether it is protected against deletion.
    pub protected: bool,
}

/// What a server is made of.
#[derive(Clone, Debug)]
pub struct NewServer {
    pub name: String,
    pub server_type: String,
    pub location: String,
    /// The image's id: two images of different architectures share a name.
    pub image: i64,
    pub labels: Labels,
    pub ssh_keys: Vec<i64>,
    pub firewalls: Vec<i64>,
    /// Holds the private host key of the first minutes.
    pub user_data: Secret,
}

/// The API's answer, of which nothing but the id and the name must be there.
#[derive(Deserialize)]
struct Answer {
    id: i64,
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    status: String,
    #[serde(default, deserialize_with = "or_default")]
    labels: Labels,
    #[serde(default, deserialize_with = "or_default")]
    public_net: PublicNet,
    #[serde(default, deserialize_with = "or_default")]
    server_type: Named,
    #[serde(default, deserialize_with = "or_default")]
    location: Named,
    #[serde(default, deserialize_with = "or_default")]
    image: Named,
    #[serde(default)]
    backup_window: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    protection: Protection,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PublicNet {
    ipv4: Option<Address>,
    ipv6: Option<Address>,
    #[serde(deserialize_with = "or_default")]
    firewalls: Vec<Applied>,
}

#[derive(Deserialize)]
struct Address {
    ip: String,
}

#[derive(Deserialize)]
struct Applied {
    id: i64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Protection {
    #[serde(deserialize_with = "or_default")]
    delete: bool,
}

#[derive(Deserialize)]
struct One {
    server: Answer,
}

#[derive(Deserialize)]
struct Created {
    server: Answer,
    #[serde(flatten)]
    started: Started,
}

impl From<Answer> for ServerView {
    fn from(answer: Answer) -> Self {
        let net = answer.public_net;
        Self {
            id: answer.id,
            name: answer.name,
            status: answer.status,
            ipv4: net.ipv4.map(|address| address.ip),
            ipv6: net.ipv6.map(|address| first_address(&address.ip)),
            labels: answer.labels,
            server_type: answer.server_type.name,
            location: answer.location.name,
            image: Some(answer.image.name).filter(|name| !name.is_empty()),
            firewalls: net.firewalls.iter().map(|applied| applied.id).collect(),
            backups: answer.backup_window.is_some(),
            protected: answer.protection.delete,
        }
    }
}

/// A server answers on `…::1` of the network that the API tells.
fn first_address(network: &str) -> String {
    let base = network.split('/').next().unwrap_or(network);
    match base.parse::<Ipv6Addr>() {
        Ok(address) if network.contains('/') => {
            Ipv6Addr::from_bits(address.to_bits() | 1).to_string()
        }
        _ => base.to_owned(),
    }
}

impl ServerView {
    /// Where the server is reached.
    pub fn address(&self) -> Option<&str> {
        self.ipv4.as_deref().or(self.ipv6.as_deref())
    }

    /// Whether it is not on its way to something else.
    fn at_rest(&self) -> bool {
        matches!(self.status.as_str(), "running" | "off")
    }
}

/// The `known_hosts` lines of a server: the key that it was born with, and the one that replaced
/// it, for as long as each is in its labels.
///
/// # Errors
/// E0303 when a label is no pin: somebody changed it.
pub fn pins(server: &ServerView) -> Result<Vec<String>> {
    let Some(address) = server.address() else {
        return Ok(Vec::new());
    };
    [labels::BOOTSTRAP_KEY, labels::HOST_KEY]
        .iter()
        .filter_map(|key| server.labels.get(*key))
        .map(|pin| Ok(format!("{address} {}", labels::pinned_line(pin)?)))
        .collect()
}

impl Hetzner {
    /// Every server that carries the label of the stack.
    pub async fn servers_of(&self, stack: &str) -> Result<Vec<ServerView>> {
        self.servers("label_selector", labels::selector(stack))
            .await
            .map_err(|error| error.told("list the servers").into())
    }

    /// The server of the stack, whatever its name.
    ///
    /// # Errors
    /// E0311 when more than one carries the stack's label: only a person can say which is the one.
    pub async fn server_of(&self, stack: &str) -> Result<Option<ServerView>> {
        let mut found = self.servers_of(stack).await?;
        if found.len() > 1 {
            let names: Vec<_> = found
                .iter()
                .map(|server| format!("{} ({})", server.name, server.id))
                .collect();
            let fault = Fault::new(
                "E0311",
                format!(
                    "{} servers carry the label {}: {}",
                    found.len(),
                    labels::selector(stack),
                    names.join(", ")
                ),
            );
            return Err(fault
                .hint("keep one: take the label from the others, or delete them in the console")
                .into());
        }
        Ok(found.pop())
    }

    /// A server by its name, ours or not.
    pub async fn server_named(&self, name: &str) -> Result<Option<ServerView>> {
        let found = self.servers("name", name.to_owned()).await;
        Ok(found
            .map_err(|error| error.told("look for the server's name"))?
            .pop())
    }

    async fn servers(&self, key: &str, value: String) -> Called<Vec<ServerView>> {
        let found: Vec<Answer> = self.list("/servers", "servers", &[(key, value)]).await?;
        Ok(found.into_iter().map(ServerView::from).collect())
    }

    async fn server(&self, id: i64, doing: &str) -> Result<ServerView> {
        let found: One = self
            .get(&format!("/servers/{id}"), &[])
            .await
            .map_err(|error| error.told(doing))?;
        Ok(found.server.into())
    }

    /// Makes the server, once, and waits until it has started. When the answer was lost, the server
    /// is found by name and label; which host key it got is in its labels.
    pub async fn create_server(&self, new: &NewServer) -> Result<()> {
        let doing = format!("create the server {}", new.name);
        let body = to_value(&request(new)).map_err(|error| error.told(&doing))?;
        let made = self
            .create_once(
                async || {
                    let made: Created = self
                        .send(Method::POST, "/servers", &[], Some(&body))
                        .await?;
                    Ok((made.server.id, Some(made.started)))
                },
                async || {
                    let found = self.servers("name", new.name.clone()).await?;
                    let ours = found.into_iter().find(|server| {
                        server.labels.get(labels::STACK) == new.labels.get(labels::STACK)
                    });
                    Ok(ours.map(|server| (server.id, None)))
                },
            )
            .await;
        let (id, started) = made.map_err(|error| error.told(&doing))?;
        if let Some(started) = started {
            self.await_all(started, &doing, deadline::CREATE).await?;
        }
        self.settle(id, &doing).await?;
        Ok(())
    }

    /// Waits until the server is running or off.
    pub async fn settle(&self, id: i64, doing: &str) -> Result<ServerView> {
        let begun = Instant::now();
        let mut polls = 0;
        loop {
            let server = self.server(id, doing).await?;
            if server.at_rest() {
                return Ok(server);
            }
            let running: Vec<Action> = self
                .list(
                    &format!("/servers/{id}/actions"),
                    "actions",
                    &[("status", "running".to_owned())],
                )
                .await
                .map_err(|error| error.told(doing))?;
            self.await_actions(running, doing, deadline::CREATE).await?;
            if begun.elapsed() > deadline::CREATE {
                return Err(Fault::new(
                    "E0307",
                    format!("could not {doing}: the server is still {}", server.status),
                )
                .hint("look at the server in the console, then run the verb again")
                .into());
            }
            tokio::time::sleep(self.poll_wait(polls)).await;
            polls += 1;
        }
    }

    pub async fn power_on(&self, server: &ServerView) -> Result<()> {
        let doing = format!("start the server {}", server.name);
        let path = format!("/servers/{}/actions/poweron", server.id);
        self.order(&path, &doing, deadline::POWER).await?;
        self.settle(server.id, &doing).await?;
        Ok(())
    }

    pub async fn enable_backups(&self, server: &ServerView) -> Result<()> {
        let doing = format!("turn on the backups of the server {}", server.name);
        let path = format!("/servers/{}/actions/enable_backup", server.id);
        self.order(&path, &doing, deadline::BACKUP).await
    }

    /// Turns the protection against deletion and rebuilding on or off; for a server the API wants
    /// both alike.
    pub async fn protect_server(&self, server: &ServerView, on: bool) -> Result<()> {
        let doing = format!("change the protection of the server {}", server.name);
        let path = format!("/servers/{}/actions/change_protection", server.id);
        let body = ChangeServerProtectionRequest {
            delete: Some(on),
            rebuild: Some(on),
        };
        let started = self
            .write(Method::POST, &path, Some(&body))
            .await
            .map_err(|error| error.told(&doing))?;
        self.await_all(started, &doing, deadline::POWER).await
    }

    async fn order(&self, path: &str, doing: &str, within: std::time::Duration) -> Result<()> {
        let started = self
            .write(Method::POST, path, None::<&()>)
            .await
            .map_err(|error| error.told(doing))?;
        self.await_all(started, doing, within).await
    }

    /// Sets the labels: all of them, as the API does. What shall stay must be in `labels`.
    pub async fn set_server_labels(&self, id: i64, labels: &Labels) -> Result<()> {
        self.update_server(id, None, labels).await
    }

    pub async fn update_server(&self, id: i64, name: Option<&str>, labels: &Labels) -> Result<()> {
        let body = ReplaceServerRequest {
            labels: Some(map_of(labels)),
            name: name.map(str::to_owned),
        };
        let done: Called<serde_json::Value> = self
            .write(Method::PUT, &format!("/servers/{id}"), Some(&body))
            .await;
        done.map(drop)
            .map_err(|error| error.told("set the labels of the server").into())
    }

    /// Deletes the server and waits until it is gone; one that is gone already is no error.
    pub async fn delete_server(&self, server: &ServerView) -> Result<()> {
        let doing = format!("delete the server {}", server.name);
        let path = format!("/servers/{}", server.id);
        match self.write(Method::DELETE, &path, None::<&()>).await {
            Ok(started) => self.await_all(started, &doing, deadline::DELETE).await,
            Err(error) if error.is("not_found") => Ok(()),
            Err(error) => Err(error.told(&doing).into()),
        }
    }
}

pub(super) fn map_of(labels: &Labels) -> HashMap<String, String> {
    labels.clone().into_iter().collect()
}

/// The crate's own request model: what it cannot say, the API does not take.
fn request(new: &NewServer) -> CreateServerRequest {
    CreateServerRequest {
        location: Some(new.location.clone()),
        labels: Some(map_of(&new.labels)),
        ssh_keys: Some(new.ssh_keys.iter().map(i64::to_string).collect()),
        firewalls: Some(
            new.firewalls
                .iter()
                .map(|id| CreateServerRequestFirewalls::new(*id))
                .collect(),
        ),
        public_net: Some(Box::new(CreateServerRequestPublicNet {
            enable_ipv4: Some(true),
            enable_ipv6: Some(true),
            ..CreateServerRequestPublicNet::default()
        })),
        start_after_create: Some(true),
        user_data: Some(new.user_data.reveal().to_owned()),
        ..CreateServerRequest::new(
            new.image.to_string(),
            new.name.clone(),
            new.server_type.clone(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_next_year_is_read() {
        let text = r#"{"id": 7, "name": "s", "status": "hibernating", "labels": null, "surprise": {},
            "public_net": {"ipv4": null, "ipv6": {"ip": "2001:db8::/64"}, "firewalls": [{"id": 3, "status": "odd"}]},
            "image": null, "location": {"name": "ash"}, "backup_window": null}"#;
        let view: ServerView = serde_json::from_str::<Answer>(text).unwrap().into();
        assert_eq!(view.address(), Some("2001:db8::1"));
        assert_eq!((view.firewalls, view.image), (vec![3], None));
        assert_eq!(view.status, "hibernating");
    }

    #[test]
    fn pins_are_known_hosts_lines() {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";
        let mut view = ServerView {
            ipv4: Some("192.0.2.7".to_owned()),
            ..ServerView::default()
        };
        assert!(pins(&view).unwrap().is_empty());
        let pin = labels::pin_label(key).unwrap();
        view.labels
            .insert(labels::BOOTSTRAP_KEY.to_owned(), pin.clone());
        view.labels.insert(labels::HOST_KEY.to_owned(), pin);
        assert_eq!(pins(&view).unwrap(), vec![format!("192.0.2.7 {key}"); 2]);
        view.labels
            .insert(labels::HOST_KEY.to_owned(), "x".to_owned());
        assert!(pins(&view).is_err());
    }
}
