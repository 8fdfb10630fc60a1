//! What a host must be for the stack, looked at before the first step: all that is wrong is said at once.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::listener::{Listener, Protocol, listeners};
use super::neighbours::listed;
use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
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
        faults.extend(self.without_programs(system)?);
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

    fn without_programs(&self, system: &System) -> Result<Vec<String>> {
        let text = system.read_text("/proc/1/mountinfo")?.unwrap_or_default();
        let fault = |folder: &String| {
            let mount = mount_of(&text, folder)?;
            mount.is_noexec.then(|| {
                let place = mount.place;
                format!("{folder} is on a file system without programs (noexec): `mount -o remount,exec {place}`, and in /etc/fstab")
            })
        };
        Ok(self.folders.iter().filter_map(fault).collect())
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

struct Mount<'a> {
    place: &'a str,
    is_noexec: bool,
}

/// The file system that a folder is on or will be on: of those with the longest path the last one, which covers the others.
/// proc(5): the place is the fifth field, its options are the sixth.
fn mount_of<'a>(mounts: &'a str, folder: &str) -> Option<Mount<'a>> {
    let mut best: Option<Mount<'a>> = None;
    for line in mounts.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (Some(place), Some(options)) = (fields.get(4), fields.get(5)) else {
            continue;
        };
        let rest = folder.strip_prefix(place.trim_end_matches('/'));
        let covers = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if covers
            && best
                .as_ref()
                .is_none_or(|best| place.len() >= best.place.len())
        {
            let is_noexec = options.split(',').any(|option| option == "noexec");
            best = Some(Mount { place, is_noexec });
        }
    }
    best
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

    const MOUNTS: &str = "24 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n\
        25 24 8:2 / /home rw,nosuid,noexec - ext4 /dev/sda2 rw\n\
        26 24 8:3 / /homes rw - ext4 /dev/sda3 rw\n\
        27 25 8:4 / /home/citrino rw,noexec - ext4 /dev/sda4 rw\n\
        28 27 8:5 / /home/citrino rw - ext4 /dev/sda5 rw\n";

    #[test]
    fn the_file_system_of_a_folder_is_the_one_that_covers_it() {
        let noexec = |folder| mount_of(MOUNTS, folder).map(|mount| (mount.place, mount.is_noexec));
        assert_eq!(noexec("/home/ana"), Some(("/home", true)));
        assert_eq!(noexec("/home"), Some(("/home", true)));
        assert_eq!(noexec("/homes/ana"), Some(("/homes", false)));
        assert_eq!(
            noexec("/home/citrino/citrino"),
            Some(("/home/citrino", false))
        );
        assert_eq!(noexec("/var/lib"), Some(("/", false)));
        assert_eq!(noexec("relative"), None);
    }

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
