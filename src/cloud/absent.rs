//! The wish that nothing of the stack is left. What does not carry its label is not looked at.

use anyhow::Result;

use super::is_ours;
use crate::engine::{Look, Wish};
use crate::error::Fault;
use crate::hetzner::{Hetzner, KeyView, ServerView};

/// Nothing of this kind, of the named stack.
#[derive(Clone, Debug)]
pub enum Absent {
    Servers(String),
    Firewalls(String),
    SshKeys(String),
}

/// All servers of the stack, when none of them is protected.
async fn servers(api: &Hetzner, stack: &str) -> Result<Vec<ServerView>> {
    let found = api.servers_of(stack).await?;
    match found.iter().find(|server| server.protected) {
        None => Ok(found),
        Some(server) => Err(Fault::new(
            "E0310",
            format!("the server {} is protected against deletion", server.name),
        )
        .hint("nothing was deleted; run `citrino-ops destroy --unprotect` first if it shall go")
        .into()),
    }
}

async fn ssh_keys(api: &Hetzner, stack: &str) -> Result<Vec<KeyView>> {
    let mut found = api.ssh_keys().await?;
    found.retain(|key| is_ours(&key.labels, stack));
    Ok(found)
}

fn there(kind: &str, names: impl Iterator<Item = (String, i64)>) -> Look {
    let what: Vec<_> = names
        .map(|(name, id)| format!("{kind} {name} ({id}) is there"))
        .collect();
    Look::from(what)
}

impl Wish<Hetzner> for Absent {
    async fn check(&self, api: &Hetzner) -> Result<Look> {
        Ok(match self {
            Absent::Servers(stack) => {
                let found = servers(api, stack).await?;
                there("server", found.into_iter().map(|one| (one.name, one.id)))
            }
            Absent::Firewalls(stack) => {
                let found = api.firewalls_of(stack).await?;
                there("firewall", found.into_iter().map(|one| (one.name, one.id)))
            }
            Absent::SshKeys(stack) => {
                let found = ssh_keys(api, stack).await?;
                there("ssh key", found.into_iter().map(|one| (one.name, one.id)))
            }
        })
    }

    async fn apply(&self, api: &Hetzner) -> Result<()> {
        match self {
            Absent::Servers(stack) => {
                for server in servers(api, stack).await? {
                    api.delete_server(&server).await?;
                }
            }
            Absent::Firewalls(stack) => {
                for firewall in api.firewalls_of(stack).await? {
                    api.delete_firewall(&firewall).await?;
                }
            }
            Absent::SshKeys(stack) => {
                for key in ssh_keys(api, stack).await? {
                    api.delete_ssh_key(&key).await?;
                }
            }
        }
        Ok(())
    }
}
