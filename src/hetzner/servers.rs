//! Servers: found by label, made once, brought to rest, rescaled and rebuilt.

use std::collections::HashMap;

use anyhow::{Context, Result};
use hcloud::models::{
    AttachServerToNetworkRequest, ChangeServerProtectionRequest, ChangeTypeOfServerRequest,
    CreateServerRequest, CreateServerRequestFirewalls,
};
use serde_json::{Value, json};

use super::Hetzner;
use super::labels::{self, Labels};
use super::resource::Order;
use super::server_view::ServerView;
use super::words::ApiCode;
use crate::config::stack::Host;
use crate::core::error::{Code, Fault};
use crate::core::secret::Secret;

/// What a server is made of.
#[derive(Clone, Debug)]
pub struct NewServer {
    pub name: String,
    pub stack: String,
    pub server_type: String,
    pub location: String,
    /// The image's id: two images of different architectures share a name.
    pub image: i64,
    pub labels: Labels,
    pub ssh_keys: Vec<i64>,
    pub firewalls: Vec<i64>,
    pub networks: Vec<i64>,
    /// Ids of addresses that are there already.
    pub ipv4: Option<i64>,
    pub ipv6: i64,
    /// Holds the private host key of the first minutes.
    pub user_data: Secret,
}

impl Hetzner {
    /// The server of a host, whatever its name.
    ///
    /// # Errors
    /// E0311 when more than one has the labels: only a person can say which is the one.
    pub async fn server_of(&self, host: &Host) -> Result<Option<ServerView>> {
        let mut found: Vec<ServerView> = self.of_stack(&host.stack).await?;
        found.retain(|server| labels::is_of_host(&server.labels, host));
        if found.len() > 1 {
            let names: Vec<_> = found
                .iter()
                .map(|server| format!("{} ({})", server.name, server.id))
                .collect();
            let fault = Fault::new(
                Code::E0311,
                format!(
                    "{} servers have the label {}: {}",
                    found.len(),
                    labels::host_selector(host),
                    names.join(", ")
                ),
            );
            return Err(fault
                .hint("keep one: remove the label from the others, or delete them in the Hetzner console")
                .into());
        }
        Ok(found.pop())
    }

    /// Makes the server, once, and waits for all that was begun with it. When the answer was lost, the server
    /// is found by name and label; which host key it got is in its labels.
    pub async fn create_server(&self, new: &NewServer) -> Result<i64> {
        let body = request(new).context("could not write the request for a server")?;
        let made: ServerView = self.make(&new.name, &new.stack, &body).await?;
        Ok(made.id)
    }

    pub async fn enable_backups(&self, server: &ServerView) -> Result<()> {
        let doing = format!("turn on the backups of server {}", server.name);
        self.order::<ServerView>(Order::new(server.id, "enable_backup", &doing), &json!({}))
            .await
    }

    /// Turns the protection against deletion and rebuilding on or off; for a server the API wants
    /// both alike.
    pub async fn protect_server(&self, server: &ServerView, on: bool) -> Result<()> {
        let doing = format!("change the protection of server {}", server.name);
        let body = ChangeServerProtectionRequest {
            delete: Some(on),
            rebuild: Some(on),
        };
        self.order::<ServerView>(Order::new(server.id, "change_protection", &doing), &body)
            .await
    }

    pub async fn join_network(&self, server: &ServerView, network: i64) -> Result<()> {
        let doing = format!("attach server {} to its network", server.name);
        let body = AttachServerToNetworkRequest::new(network);
        self.order::<ServerView>(
            Order::new(server.id, "attach_to_network", &doing)
                .unless(&[ApiCode::ServerAlreadyAttached]),
            &body,
        )
        .await
    }

    /// Gives a server that is off another type. The disk keeps its size, so that the way back stays
    /// open: a disk cannot shrink.
    pub async fn rescale(&self, server: &ServerView, server_type: &str) -> Result<()> {
        let doing = format!("change server {} to {server_type}", server.name);
        let body = ChangeTypeOfServerRequest::new(server_type.to_owned(), false);
        self.order::<ServerView>(Order::new(server.id, "change_type", &doing), &body)
            .await
    }

    /// Gives the server a new disk from the image and has it born again; its addresses stay. The
    /// crate's request knows no `user_data`, and without it the API takes that of the first birth.
    pub async fn rebuild(&self, server: &ServerView, image: i64, user_data: &Secret) -> Result<()> {
        let doing = format!("rebuild server {}", server.name);
        let body = json!({ "image": image.to_string(), "user_data": user_data.reveal() });
        self.order::<ServerView>(Order::new(server.id, "rebuild", &doing), &body)
            .await
    }
}

pub(super) fn map_of(labels: &Labels) -> HashMap<String, String> {
    labels.clone().into_iter().collect()
}

/// The crate's own request model: what it cannot say, the API does not take. Only the ids of addresses
/// are written by hand: the model has 32 bits for them, and the API promises 53.
fn request(new: &NewServer) -> serde_json::Result<Value> {
    let request = CreateServerRequest {
        location: Some(new.location.clone()),
        labels: Some(map_of(&new.labels)),
        ssh_keys: Some(new.ssh_keys.iter().map(i64::to_string).collect()),
        firewalls: Some(
            new.firewalls
                .iter()
                .map(|id| CreateServerRequestFirewalls::new(*id))
                .collect(),
        ),
        networks: Some(new.networks.clone()).filter(|networks| !networks.is_empty()),
        start_after_create: Some(true),
        user_data: Some(new.user_data.reveal().to_owned()),
        ..CreateServerRequest::new(
            new.image.to_string(),
            new.name.clone(),
            new.server_type.clone(),
        )
    };
    let mut body = serde_json::to_value(request)?;
    body["public_net"] = json!({
        "enable_ipv4": new.ipv4.is_some(), "enable_ipv6": true, "ipv4": new.ipv4, "ipv6": new.ipv6,
    });
    Ok(body)
}
