//! Reach: where a stack's host is, and by which keys it is known.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::config::stack::{ExistingHost, Stack};
use crate::core::error::{Code, Fault};
use crate::core::value::{Address, HostName, Login};
use crate::hetzner::{ServerStatus, ServerView, pins};
use crate::operator::mirror::Mirror;
use crate::operator::remote::{Target, known_hosts_path};

/// The machine that citrino.yml names.
pub fn existing(stack: &Stack, name: &HostName, host: &ExistingHost) -> Target {
    Target {
        host: name.clone(),
        address: host.address.clone(),
        port: *host.port,
        user: host.user.clone(),
        identity: host.identity.as_deref().map(|path| stack.resolve(path)),
        is_existing: true,
        host_keys: vec![host.host_key.to_string()],
        known_hosts: known_hosts_path(name),
        mirror: Mirror::of(name),
        profile: stack.profile.clone(),
    }
}

/// The server at Hetzner.
///
/// # Errors
/// E0309 when it does not run, E0502 when no host key of it is pinned.
pub fn of_server(stack: &Stack, host: &HostName, server: &ServerView) -> Result<Target> {
    let name = &server.name;
    let Some(address) = server
        .address()
        .filter(|_| server.status == ServerStatus::Running)
    else {
        let status = &server.status;
        return Err(Fault::new(
            Code::E0309,
            format!("server {name} is {status}, so nobody can connect to it"),
        )
        .hint("run `citrino-ops provision`: it starts the server")
        .into());
    };
    // It becomes an argument of ssh.
    let address = Address::try_from(address.to_owned())
        .map_err(|why| Fault::new(Code::E0303, format!("the address of server {name} {why}")))?;
    let host_keys = pins(server)?;
    if host_keys.is_empty() {
        return Err(Fault::new(Code::E0502, format!("the labels of server {name} have no pinned host key, so nothing was sent to it"))
            .hint("somebody removed the label: compare the host key in the Hetzner console, and restore the label")
            .into());
    }
    Ok(Target {
        host: host.clone(),
        address,
        port: 22,
        user: Login::root(),
        identity: identity(stack),
        is_existing: false,
        host_keys,
        known_hosts: known_hosts_path(host),
        mirror: Mirror::of(host),
        profile: stack.profile.clone(),
    })
}

/// The private half of the first of `cloud.ssh_keys` that is here; else the public half of the first that ssh's agent holds, by which
/// ssh offers that one alone: a host hangs up on who tries key after key.
fn identity(stack: &Stack) -> Option<PathBuf> {
    private_half(stack).or_else(|| {
        let held = held_by_agent();
        let is_held = |path: &PathBuf| {
            let line = std::fs::read_to_string(path).unwrap_or_default();
            body(&line).is_some_and(|key| held.contains(&key))
        };
        public_halves(stack).find(is_held)
    })
}

fn public_halves(stack: &Stack) -> impl Iterator<Item = PathBuf> {
    let keys = stack.cloud.iter().flat_map(|cloud| &cloud.ssh_keys);
    keys.filter(|path| path.extension().is_some_and(|end| end == "pub"))
        .map(|path| stack.resolve(path))
}

fn private_half(stack: &Stack) -> Option<PathBuf> {
    let mut halves = public_halves(stack).map(|path| path.with_extension(""));
    halves.find(|path| Path::exists(path))
}

/// The key itself in a line of a public key.
fn body(line: &str) -> Option<String> {
    line.split_whitespace().nth(1).map(str::to_owned)
}

/// The keys that ssh's agent holds; none where there is no agent.
fn held_by_agent() -> Vec<String> {
    let agent = Command::new("ssh-add").arg("-L").output();
    let listed = agent.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).into_owned()
    });
    listed.lines().filter_map(body).collect()
}

/// The keys of citrino.yml are about to become the only ones that the host lets in: one of them must
/// be at hand here, as a file or in ssh's agent, or this would lock its own maker out.
///
/// # Errors
/// E0509 when none is.
pub fn need_login<'k>(stack: &Stack, mut keys: impl Iterator<Item = &'k str>) -> Result<()> {
    if stack.cloud.is_none() || private_half(stack).is_some() {
        return Ok(());
    }
    let held = held_by_agent();
    if keys.any(|key| body(key).is_some_and(|key| held.contains(&key))) {
        return Ok(());
    }
    Err(Fault::new(
        Code::E0509,
        "none of the keys in cloud.ssh_keys is on this machine, and the host accepts no other",
    )
    .hint("add your public key to cloud.ssh_keys, or your key to the ssh agent")
    .into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::error::code;
    use crate::hetzner::labels;

    #[test]
    fn an_address_of_the_api_is_no_option_of_ssh() {
        let yaml = "stack: prod\ndomain: example.com\ncloud: { server_type: cpx11, location: ash, image: debian-12, ssh_keys: [k.pub] }\n";
        let stack = Stack::parse(yaml, "citrino.yml").unwrap();
        let host = stack.only_host().name;
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";
        let pin = labels::pin_label(key).unwrap();
        for (address, is_one) in [
            ("192.0.2.1", true),
            ("-oProxyCommand=touch pwned", false),
            ("192.0.2.1 -oProxyCommand=x", false),
            ("a\nb", false),
        ] {
            let server = json!({"id": 7, "name": "prod", "status": "running", "labels": {labels::HOST_KEY: pin},
                "public_net": {"ipv4": {"ip": address}, "ipv6": null, "firewalls": []}, "image": null, "location": {"name": "ash"}});
            let server: ServerView = serde_json::from_value(server).unwrap();
            let target = of_server(&stack, &host, &server);
            assert_eq!(target.is_ok(), is_one, "{address}");
            if let Err(error) = target {
                assert_eq!(code(&error), Code::E0303);
            }
        }
    }
}
