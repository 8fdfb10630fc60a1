//! The clusters of `PostgreSQL` on a host, as Debian's `postgresql-common` keeps them: a folder of settings for each.
//!
//! The first one gets port 5432, and that need not be the stack's. So nothing here trusts the default port: each cluster says its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::own::{CLUSTER, CLUSTER_OWNER};
use super::system::System;

const SETTINGS: &str = "/etc/postgresql";
const DATA: &str = "/var/lib/postgresql";
/// What `PostgreSQL` and `postgresql-common` begin with.
pub const FIRST_PORT: u16 = 5432;

/// One cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCluster {
    pub version: String,
    pub name: String,
    pub port: u16,
}

impl FoundCluster {
    /// Whether it is the stack's.
    pub fn is_own(&self) -> bool {
        (&*self.version, &*self.name) == CLUSTER
    }

    fn settings(&self) -> PathBuf {
        [SETTINGS, &self.version, &self.name].iter().collect()
    }

    /// The port that it has now; of one that does not run, the one that it will have.
    fn port(&self, system: &System) -> Result<u16> {
        let data: PathBuf = [DATA, &self.version, &self.name].iter().collect();
        let running = system.read_text(data.join("postmaster.pid"))?;
        if let Some(port) = running.as_deref().and_then(running_port) {
            return Ok(port);
        }
        let folder = self.settings();
        let mut files = vec![folder.join("postgresql.conf")];
        let mut more = system.names(folder.join("conf.d"))?;
        more.retain(|name| Path::new(name).extension().is_some_and(|end| end == "conf"));
        more.sort();
        files.extend(more.iter().map(|name| folder.join("conf.d").join(name)));
        files.push(data.join("postgresql.auto.conf"));
        let mut port = FIRST_PORT;
        for file in files {
            let text = system.read_text(file)?.unwrap_or_default();
            port = said_port(&text).unwrap_or(port);
        }
        Ok(port)
    }
}

/// Every cluster of the host.
///
/// # Errors
/// E0409 when somebody beside root and `postgres` could have put their settings there.
pub fn all(system: &System) -> Result<Vec<FoundCluster>> {
    let system = &owned(system);
    let mut clusters = Vec::new();
    for version in sorted(system, SETTINGS)? {
        let folder = format!("{SETTINGS}/{version}");
        if system.read_link(&folder)?.is_some()
            || !version.starts_with(|c: char| c.is_ascii_digit())
        {
            continue;
        }
        for name in sorted(system, &folder)? {
            clusters.extend(found(system, &version, &name)?);
        }
    }
    Ok(clusters)
}

/// The stack's cluster; none before it is made.
///
/// # Errors
/// As of [`all`].
pub fn own(system: &System) -> Result<Option<FoundCluster>> {
    let (version, name) = CLUSTER;
    found(&owned(system), version, name)
}

/// The port of the stack's cluster, or the one that it is to be made with: the first that no other cluster has, and nobody
/// listens on.
///
/// # Errors
/// As of [`all`].
pub fn own_port(system: &System) -> Result<u16> {
    if let Some(own) = own(system)? {
        return Ok(own.port);
    }
    let mut taken: BTreeSet<u16> = all(system)?.iter().map(|cluster| cluster.port).collect();
    taken.extend(listening(system)?);
    let mut free = (FIRST_PORT..).filter(|port| !taken.contains(port));
    Ok(free.next().unwrap_or(FIRST_PORT))
}

/// The TCP ports that somebody listens on. `/proc/net` is a link, and none is followed: the first process is in the host's network.
fn listening(system: &System) -> Result<BTreeSet<u16>> {
    let mut ports = BTreeSet::new();
    for file in ["/proc/1/net/tcp", "/proc/1/net/tcp6"] {
        let text = system.read_text(file)?.unwrap_or_default();
        ports.extend(text.lines().filter_map(listening_port));
    }
    Ok(ports)
}

/// proc(5): the local address is the second field, and `0A` in the fourth means that it listens.
fn listening_port(line: &str) -> Option<u16> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let port = fields.get(1)?.rsplit_once(':')?.1;
    (*fields.get(3)? == "0A").then(|| u16::from_str_radix(port, 16).ok())?
}

fn owned(system: &System) -> System {
    system.of(system.ids(CLUSTER_OWNER).ok())
}

fn sorted(system: &System, folder: &str) -> Result<Vec<String>> {
    let mut names = system.names(folder)?;
    names.sort();
    Ok(names)
}

fn found(system: &System, version: &str, name: &str) -> Result<Option<FoundCluster>> {
    let (version, name) = (version.to_owned(), name.to_owned());
    let mut cluster = FoundCluster {
        version,
        name,
        port: FIRST_PORT,
    };
    if system
        .stat(cluster.settings().join("postgresql.conf"))?
        .is_none()
    {
        return Ok(None);
    }
    cluster.port = cluster.port(system)?;
    Ok(Some(cluster))
}

/// The fourth line of `postmaster.pid`.
fn running_port(text: &str) -> Option<u16> {
    text.lines().nth(3)?.trim().parse().ok()
}

/// The last `port` of a file of settings.
fn said_port(text: &str) -> Option<u16> {
    let value = |line: &str| {
        let rest = line.split('#').next()?.trim().strip_prefix("port")?;
        let value = rest.trim_start().trim_start_matches('=').trim();
        let is_other = !rest.starts_with(|c: char| c.is_whitespace() || c == '=');
        (!is_other).then(|| value.trim_matches('\'').parse().ok())?
    };
    text.lines().filter_map(value).next_back()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, System) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for file in ["etc/passwd", "etc/group"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let system = System::at(folder.path());
        (folder, system)
    }

    const OTHER: (&str, &str) = (
        "etc/postgresql/15/intranet/postgresql.conf",
        "port = 5432\n",
    );

    #[test]
    fn each_cluster_says_its_own_port() {
        let own = "data_directory = '/x'\n#port = 1\nport_name = 2\nport = 5433\t\t# (change requires restart)\n";
        let (_folder, system) = host(&[
            OTHER,
            ("etc/postgresql/15/main/postgresql.conf", own),
            ("etc/postgresql/13/old/postgresql.conf", "port='5440'\n"),
            ("etc/postgresql/13/old/conf.d/a.conf", "port 5441\n"),
            ("etc/postgresql/13/gone/pg_hba.conf", ""),
        ]);
        let ports: Vec<_> = all(&system)
            .unwrap()
            .into_iter()
            .map(|it| (it.name, it.port))
            .collect();
        let expected = [("old", 5441), ("intranet", 5432), ("main", 5433)];
        assert_eq!(ports, expected.map(|(name, port)| (name.to_owned(), port)));
        assert_eq!(own_port(&system).unwrap(), 5433);
    }

    #[test]
    fn one_that_runs_has_the_port_that_it_was_started_with() {
        let pid =
            "812\n/var/lib/postgresql/15/main\n1764500000\n5434\n/var/run/postgresql\nlocalhost\n";
        let (_folder, system) = host(&[
            ("etc/postgresql/15/main/postgresql.conf", "port = 5432\n"),
            ("var/lib/postgresql/15/main/postmaster.pid", pid),
        ]);
        assert_eq!(own_port(&system).unwrap(), 5434);
    }

    #[test]
    fn one_that_is_not_made_yet_gets_the_first_port_that_nobody_has() {
        let (_folder, system) = host(&[]);
        assert_eq!(own_port(&system).unwrap(), 5432);
        // 5433 is 1539 in hexadecimal; nobody listens on 5434, which only a connection has.
        let tcp = "  sl  local_address rem_address   st\n   0: 0100007F:1539 00000000:0000 0A 0\n   1: 0100007F:153A 0100007F:0050 01 0\n";
        let (_folder, system) = host(&[OTHER, ("proc/1/net/tcp", tcp)]);
        assert_eq!(own_port(&system).unwrap(), 5434);
    }
}
