//! Is the host as it should be: who listens, what runs, what a program says.

use std::collections::BTreeSet;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::super::listener::{Listener, Protocol, listeners};
use super::super::program::run_if_there;
use crate::core::engine::CheckResult;
use crate::host::neighbours::NeighbourRecord;
use crate::host::system::{Cmd, System};

/// Only these TCP ports may be reached from other machines; that they are in use is not asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    pub public: BTreeSet<u16>,
}

/// The unit is active.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    pub name: String,
}

/// The program ends with 0.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    pub argv: Vec<String>,
}

impl Listen {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let Some(found) = listeners(system, Protocol::Tcp).await? else {
            return Ok(CheckResult::differs("ss is not installed"));
        };
        // What others had before the stack is closed by the firewall, and was agreed on.
        let agreed = NeighbourRecord::read(system)?.unwrap_or_default().ports;
        let public = self.public.union(&agreed).copied().collect();
        Ok(CheckResult::from(Self { public }.faults(&found)))
    }

    fn faults(&self, found: &[Listener]) -> Vec<String> {
        let may = |it: &&Listener| it.is_loopback() || self.public.contains(&it.port);
        let faults: BTreeSet<String> = found
            .iter()
            .filter(|it| !may(it))
            .map(|it| {
                format!(
                    "{} listens on {} port {}, outside loopback",
                    it.program, it.address, it.port
                )
            })
            .collect();
        faults.into_iter().collect()
    }
}

impl Unit {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let cmd = Cmd::new(["systemctl", "is-active", "--", &self.name]);
        let Some(output) = run_if_there(system, &cmd).await? else {
            return Ok(CheckResult::differs("systemd does not run"));
        };
        if output.ok() {
            return Ok(CheckResult::same());
        }
        let state = match output.stdout.trim() {
            "" => output.stderr.trim(),
            state => state,
        };
        Ok(CheckResult::differs(format!(
            "{} is {state}, expected active",
            self.name
        )))
    }
}

impl Program {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let what = self.argv.join(" ");
        let Some(output) = run_if_there(system, &Cmd::new(&self.argv)).await? else {
            return Ok(CheckResult::differs(format!("`{what}` is not on the host")));
        };
        if output.ok() {
            return Ok(CheckResult::same());
        }
        let said = output
            .stderr
            .trim()
            .lines()
            .last()
            .or(output.stdout.trim().lines().last())
            .unwrap_or_default();
        let sentence = format!("`{what}` ended with {} {said}", output.code);
        Ok(CheckResult::differs(sentence.trim_end()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::listener::read;
    use super::*;

    /// Printed by ss of iproute2 6.1 on Debian 12.
    const PRINTED: &str = r#"LISTEN 0      4096      127.0.0.53%lo:53        0.0.0.0:*    users:(("systemd-resolve",pid=300,fd=14))
LISTEN 0      244           127.0.0.1:5432      0.0.0.0:*    users:(("postgres",pid=812,fd=6))
LISTEN 0      128             0.0.0.0:22        0.0.0.0:*    users:(("sshd",pid=400,fd=3))
LISTEN 0      511                   *:8080            *:*    users:(("node",pid=77,fd=18))
LISTEN 0      244               [::1]:5432         [::]:*    users:(("postgres",pid=812,fd=5))
LISTEN 0      511  [::ffff:127.0.0.1]:63342           *:*
LISTEN 0      511           192.0.2.7:9090      0.0.0.0:*
LISTEN 0      128                [::]:22           [::]:*    users:(("sshd",pid=400,fd=4))
"#;

    #[test]
    fn names_who_listens_beyond_loopback_and_may_not() {
        let listen = Listen {
            public: BTreeSet::from([22, 80, 443]),
        };
        assert_eq!(
            listen.faults(&read(PRINTED).unwrap()),
            [
                "node listens on * port 8080, outside loopback",
                "something listens on 192.0.2.7 port 9090, outside loopback",
            ]
        );
        let unread = read("LISTEN 0 128").unwrap_err();
        assert_eq!(
            unread.to_string(),
            "output `LISTEN 0 128` of ss cannot be parsed"
        );
    }
}
