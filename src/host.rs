//! Reach: where a stack's host is, and by which keys it is known.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::error::Fault;
use crate::hetzner::{ServerView, pins};
use crate::remote::{Target, known_hosts_path};
use crate::stack::{ExistingHost, Stack};

/// The machine that citrino.yml names.
pub fn existing(stack: &Stack, host: &ExistingHost) -> Target {
    Target {
        address: host.address.clone(),
        port: host.port,
        user: host.user.clone(),
        identity: host.identity.as_deref().map(|path| stack.resolve(path)),
        host_keys: vec![host.host_key.clone()],
        known_hosts: known_hosts_path(&stack.name),
    }
}

/// The server at Hetzner.
///
/// # Errors
/// E0309 when it does not run, E0502 when no host key of it is pinned.
pub fn of_server(stack: &Stack, server: &ServerView) -> Result<Target> {
    let name = &server.name;
    let Some(address) = server.address().filter(|_| server.status == "running") else {
        let status = &server.status;
        return Err(Fault::new(
            "E0309",
            format!("the server {name} is {status}, so there is no host to reach"),
        )
        .hint("run `citrino-ops provision`: it starts the server")
        .into());
    };
    let host_keys = pins(server)?;
    if host_keys.is_empty() {
        return Err(Fault::new("E0502", format!("no host key of the server {name} is pinned in its labels, so nothing was sent to it"))
            .hint("somebody took the label away: compare the host's key with the console's, and put the label back")
            .into());
    }
    Ok(Target {
        address: address.to_owned(),
        port: 22,
        user: "root".to_owned(),
        identity: identity(stack),
        host_keys,
        known_hosts: known_hosts_path(&stack.name),
    })
}

/// The private half of the first of `cloud.ssh_keys` that is here. Without one, ssh asks the
/// operator's agent.
fn identity(stack: &Stack) -> Option<PathBuf> {
    let keys = stack.cloud.iter().flat_map(|cloud| &cloud.ssh_keys);
    keys.filter(|path| path.extension().is_some_and(|end| end == "pub"))
        .map(|path| stack.resolve(&path.with_extension("")))
        .find(|path| Path::exists(path))
}
