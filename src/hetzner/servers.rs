//! Servers: found by label, made once, brought to rest.

use std::collections::HashMap;

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
use super::call::{Called, to_value};
use super::labels::{self, Labels};
use super::server_view::{Answer, ServerView};
use crate::error::Fault;
use crate::secret::Secret;

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

    /// Makes the server, once, and waits for all that was begun with it. When the answer was lost, the server
    /// is found by name and label; which host key it got is in its labels.
    pub async fn create_server(&self, new: &NewServer) -> Result<i64> {
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
        Ok(id)
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
