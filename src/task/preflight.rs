//! What a host must be for the stack, looked at before the first step: all that is wrong is said at once.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::listener::{Listener, Protocol, listeners};
use super::neighbours::listed;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::mounts;
use crate::host::neighbours::is_ours;
use crate::host::system::System;

/// `check` refuses what is not so: nothing here can be made so.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preflight {
    /// The systems that the stack knows, as `ID VERSION_ID` of /etc/os-release.
    pub systems: Vec<String>,
    /// What nginx is to listen on.
    pub ports: Vec<u16>,
    /// Where programs are started from.
    pub folders: Vec<String>,
}

impl Preflight {
    async fn faults(&self, system: &System) -> Result<Vec<String>> {
        let mut faults = self.other_system(system)?;
        faults.extend(mounts::without_programs(system, &self.folders)?);
        faults.extend(self.taken(system).await?);
        Ok(faults)
    }

    fn other_system(&self, system: &System) -> Result<Vec<String>> {
        let file = system.resolve("/etc/os-release")?;
        let text = system.read_text(file)?.unwrap_or_default();
        let value = |key: &str| {
            let lines = text.lines().filter_map(|line| line.split_once('='));
            let mut values = lines.filter(|(name, _)| *name == key);
            values
                .next()
                .map_or("", |(_, value)| value.trim_matches(['"', '\'']))
        };
        let found = format!("{} {}", value("ID"), value("VERSION_ID"));
        if self.systems.contains(&found) {
            return Ok(Vec::new());
        }
        let known = self.systems.join(" and ");
        Ok(vec![format!(
            "its system is {}, and the stack runs on {known}",
            found.trim()
        )])
    }

    /// Once nginx has its configuration, a port that it does not get is its service's to tell.
    async fn taken(&self, system: &System) -> Result<Vec<String>> {
        let text = system
            .read_text("/etc/nginx/nginx.conf")?
            .unwrap_or_default();
        if is_ours(&text) {
            return Ok(Vec::new());
        }
        let found = listeners(system, Protocol::Tcp).await?;
        Ok(self.takers(&found.unwrap_or_default()))
    }

    fn takers(&self, found: &[Listener]) -> Vec<String> {
        let mut faults: Vec<String> = found
            .iter()
            .filter(|it| self.ports.contains(&it.port) && !it.is_of("nginx"))
            .map(|it| {
                format!(
                    "port {} is taken: {} listens there, and nginx needs it",
                    it.port, it.program
                )
            })
            .collect();
        faults.sort();
        faults.dedup();
        faults
    }
}

impl Wish<System> for Preflight {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let faults = self.faults(system).await?;
        if faults.is_empty() {
            return Ok(CheckResult::same());
        }
        let lines = listed(&faults);
        Err(Fault::new(
            Code::E0416,
            format!("the stack cannot run on this host:{lines}"),
        )
        .hint("nothing was changed; correct what the list names, and run the command again")
        .into())
    }

    async fn apply(&self, system: &System) -> Result<()> {
        self.check(system).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::listener::read;

    #[test]
    fn who_has_a_port_is_named_once() {
        let task = Preflight {
            systems: Vec::new(),
            ports: vec![80, 8000],
            folders: Vec::new(),
        };
        let said = "LISTEN 0 511 *:80 *:* users:((\"apache2\",pid=705,fd=4),(\"apache2\",pid=706,fd=4))\n\
            LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:((\"apache2\",pid=705,fd=4))\n\
            LISTEN 0 511 127.0.0.1:8000 0.0.0.0:* users:((\"nginx\",pid=9,fd=4))\n\
            LISTEN 0 511 *:8080 *:* users:((\"node\",pid=9,fd=4))\n";
        let expected = "port 80 is taken: apache2 listens there, and nginx needs it";
        assert_eq!(task.takers(&read(said).unwrap()), [expected]);
    }
}
