//! A host as it is logged in to.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::core::app_profile::AppProfile;
use crate::core::error::{Code, Fault};
use crate::core::value::HostName;
use crate::operator::cache;
use crate::operator::mirror::Mirror;

/// Where and as whom to log in, and which host keys are the right ones.
#[derive(Clone, Debug)]
pub struct Target {
    pub host: HostName,
    pub address: String,
    pub port: u16,
    pub user: String,
    pub identity: Option<PathBuf>,
    /// Public keys, `ssh-ed25519 AAAA…`: the pins.
    pub host_keys: Vec<String>,
    /// A file of the host's own; the user's known_hosts is neither asked nor written.
    pub known_hosts: PathBuf,
    /// The app on it.
    pub profile: Arc<AppProfile>,
    /// What this machine has seen of the host's audit.
    pub mirror: Mirror,
}

impl Target {
    /// Writes the pins where ssh reads them: the next connection must match one.
    pub fn pin(&self) -> Result<()> {
        let place = if self.port == 22 {
            self.address.clone()
        } else {
            format!("[{}]:{}", self.address, self.port)
        };
        let lines: Vec<String> = self
            .host_keys
            .iter()
            .map(|key| format!("{place} {key}\n"))
            .collect();
        cache::put(&self.known_hosts, lines.concat().as_bytes())
            .with_context(|| format!("could not write {}", self.known_hosts.display()))
    }

    /// The arguments with which plain `ssh` makes the same connection.
    pub fn ssh_arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = vec![
            "-o".into(),
            "StrictHostKeyChecking=yes".into(),
            "-o".into(),
            format!("UserKnownHostsFile={}", self.known_hosts.display()),
            "-p".into(),
            self.port.to_string(),
        ];
        if let Some(identity) = &self.identity {
            arguments.extend(["-i".into(), identity.display().to_string()]);
        }
        arguments.push(format!("{}@{}", self.user, self.address));
        arguments
    }

    /// What ssh said, as a sentence.
    pub(super) fn unreachable(&self, error: &openssh::Error) -> Fault {
        let mut said = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            said = format!("{said}: {inner}");
            cause = inner.source();
        }
        let place = format!("{}@{} port {}", self.user, self.address, self.port);
        if said.contains("Host key verification failed")
            || said.contains("HOST IDENTIFICATION HAS CHANGED")
        {
            return Fault::new(Code::E0502, format!("{place} answers with a host key that is not the pinned one; nothing was sent"))
                .hint("another machine answers at this address, or somebody intercepts the connection: find out before you go on (`citrino-ops explain E0502`)");
        }
        Fault::new(Code::E0501, format!("could not log in to {place}: {}", said.trim()))
            .hint("`citrino-ops plan` shows whether the server runs and its firewall is right; \"Permission denied\" means that it accepts none of your keys: check cloud.ssh_keys and your ssh agent")
    }
}

/// A known_hosts file for the host in the user's cache: it is written anew for every connection,
/// from the pins that the cloud's labels or citrino.yml hold, so losing it loses nothing.
pub fn known_hosts_path(host: &HostName) -> PathBuf {
    cache::folder(host).join("known_hosts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_reads_the_pins_while_another_command_writes_them_reads_them_whole() {
        let folder = tempfile::tempdir().unwrap();
        let host: HostName = "two".parse().unwrap();
        let target = Target {
            mirror: Mirror::of(&host),
            host,
            address: "192.0.2.1".into(),
            port: 22,
            user: "root".into(),
            identity: None,
            host_keys: vec!["ssh-ed25519 AAAA".into()],
            known_hosts: folder.path().join("cache/known_hosts"),
            profile: Arc::default(),
        };
        target.pin().unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| (0..2000).try_for_each(|_| target.pin()));
            while !writer.is_finished() {
                let read = std::fs::read_to_string(&target.known_hosts).unwrap();
                assert_eq!(read, "192.0.2.1 ssh-ed25519 AAAA\n");
            }
            writer.join().unwrap().unwrap();
        });
    }
}
