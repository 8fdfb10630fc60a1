//! How the kinds about a point in time ask and tell pgBackRest, which runs as the user postgres.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::postgres::OWNER;
use crate::host::system::{Cmd, System};

/// Its place also tells whether it is installed.
const PROGRAM: &str = "/usr/bin/pgbackrest";
/// A backup of a cluster of many GB takes longer than anything else that is run.
const PATIENCE: Duration = Duration::from_hours(6);

/// A command on one stanza, as pgBackRest calls a cluster and what is kept of it.
pub fn cmd(stanza: &str, arguments: &[&str]) -> Cmd {
    let stanza = format!("--stanza={stanza}");
    Cmd::new([&[PROGRAM, stanza.as_str()], arguments].concat())
        .user(OWNER)
        .within(PATIENCE)
}

/// What the repository says of a stanza.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Info {
    /// Oldest first.
    #[serde(default)]
    pub backup: Vec<BaseBackup>,
    #[serde(default)]
    archive: Vec<Archived>,
    /// The clusters that it has seen; the last one is the one that it takes WAL from.
    #[serde(default)]
    db: Vec<Cluster>,
    status: RepositoryStatus,
    #[serde(default)]
    repo: Vec<Repo>,
}

/// A backup that a recovery can begin from.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct BaseBackup {
    pub label: String,
    database: Id,
    pub timestamp: Times,
    info: Size,
}

/// In seconds of the UNIX epoch.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Times {
    pub start: i64,
    pub stop: i64,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Size {
    size: u64,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Id {
    id: u32,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Archived {
    database: Id,
    max: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Cluster {
    id: u32,
    #[serde(rename = "system-id")]
    system: u64,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct RepositoryStatus {
    code: u32,
    message: String,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Repo {
    status: RepositoryStatus,
}

/// Codes of `pgbackrest info` that are no trouble: all is well, there is no stanza yet, no backup yet.
const ANSWERS: [u32; 4] = [0, 1, 2, 3];

/// Asks the repository; the reason when it cannot be asked.
///
/// # Errors
/// When what it printed is not understood.
pub async fn info(system: &System, stanza: &str) -> Result<Result<Info, String>> {
    if system.find_account("/etc/passwd", OWNER)?.is_none() {
        return Ok(Err("PostgreSQL is not installed".to_owned()));
    }
    if system.stat(PROGRAM)?.is_none() {
        return Ok(Err("pgBackRest is not installed".to_owned()));
    }
    let output = system.run(&cmd(stanza, &["info", "--output=json"])).await?;
    if !output.ok() {
        return Ok(Err(format!(
            "the repository cannot be read: {}",
            output.last_words()
        )));
    }
    parse(&output.stdout)
}

fn parse(printed: &str) -> Result<Result<Info, String>> {
    let stanzas: Vec<Info> = serde_json::from_str(printed)
        .context("the output of `pgbackrest info` cannot be parsed")?;
    let info = stanzas.into_iter().next().unwrap_or_default();
    let statuses = info.repo.iter().map(|repo| &repo.status);
    let trouble = statuses
        .chain([&info.status])
        .find(|status| !ANSWERS.contains(&status.code));
    Ok(match trouble {
        // Over several lines.
        Some(status) => Err(format!(
            "the repository cannot be read: {}",
            status.message.replace('\n', " ")
        )),
        None => Ok(info),
    })
}

impl Info {
    /// Whether it takes the WAL of the cluster with this identifier.
    pub fn is_of(&self, system: u64) -> bool {
        self.db
            .last()
            .is_some_and(|cluster| cluster.system == system)
    }

    /// The newest segment of WAL that has arrived from the cluster that it takes WAL from.
    pub fn newest_wal(&self) -> Option<&str> {
        let current = self.db.last()?.id;
        let of_it = self
            .archive
            .iter()
            .filter(|archived| archived.database.id == current);
        of_it.filter_map(|archived| archived.max.as_deref()).max()
    }

    /// The newest backup of that cluster.
    pub fn newest(&self) -> Option<&BaseBackup> {
        let current = self.db.last()?.id;
        self.backup.iter().rfind(|base| base.database.id == current)
    }

    /// The newest backup of any cluster that was whole before this time.
    pub fn before(self, seconds: i64) -> Option<BaseBackup> {
        let whole = self
            .backup
            .into_iter()
            .filter(|base| base.timestamp.stop < seconds);
        whole.max_by_key(|base| base.timestamp.stop)
    }
}

impl BaseBackup {
    /// What it needs on a disk.
    pub fn bytes(&self) -> u64 {
        self.info.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by pgBackRest 2.45, after another cluster had taken over the stanza.
    const PRINTED: &str = r#"[{"archive":[{"database":{"id":1,"repo-key":1},"id":"15-1","max":"000000010000000000000005","min":"000000010000000000000001"},{"database":{"id":2,"repo-key":1},"id":"15-2","max":"000000010000000000000001","min":"000000010000000000000001"}],"backup":[{"archive":{"start":"000000010000000000000002","stop":"000000010000000000000003"},"backrest":{"format":5,"version":"2.45"},"database":{"id":1,"repo-key":1},"error":false,"info":{"delta":23213897,"repository":{"delta":2861344,"size":2861344},"size":23213897},"label":"20261125-181316F","lsn":{"start":"0/2000028","stop":"0/3000050"},"prior":null,"reference":null,"timestamp":{"start":1795630396,"stop":1795630398},"type":"full"}],"cipher":"aes-256-cbc","db":[{"id":1,"repo-key":1,"system-id":7712173813955379807,"version":"15"},{"id":2,"repo-key":1,"system-id":7712173967983903714,"version":"15"}],"name":"citrino","repo":[{"cipher":"aes-256-cbc","key":1,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"lock":{"backup":{"held":false}},"message":"ok"}}]"#;
    /// The same with a repository that does not answer.
    const AWAY: &str = r#"[{"archive":[],"backup":[],"cipher":"none","db":[],"name":"citrino","repo":[{"cipher":"none","key":1,"status":{"code":99,"message":"[HostConnectError] unable to connect to '127.0.0.1:4555': [111] Connection refused"}}],"status":{"code":99,"lock":{"backup":{"held":false}},"message":"other"}}]"#;
    const NOTHING: &str = r#"[{"archive":[],"backup":[],"cipher":"aes-256-cbc","db":[],"name":"citrino","repo":[{"cipher":"aes-256-cbc","key":1,"status":{"code":1,"message":"missing stanza path"}}],"status":{"code":1,"lock":{"backup":{"held":false}},"message":"missing stanza path"}}]"#;

    #[test]
    fn knows_the_cluster_of_now_and_the_backups_of_all() {
        let info = parse(PRINTED).unwrap().unwrap();
        assert!(info.is_of(7_712_173_967_983_903_714));
        assert!(!info.is_of(7_712_173_813_955_379_807));
        assert_eq!(info.newest_wal(), Some("000000010000000000000001"));
        assert_eq!(info.newest(), None);
        let base = info.before(1_795_630_399).unwrap();
        assert_eq!(
            (base.label.as_str(), base.bytes()),
            ("20261125-181316F", 23_213_897)
        );
        assert_eq!(parse(PRINTED).unwrap().unwrap().before(1_795_630_398), None);
    }

    #[test]
    fn tells_a_repository_that_is_away_from_one_that_is_empty() {
        let away = parse(AWAY).unwrap().unwrap_err();
        assert!(away.contains("[111] Connection refused"), "{away}");
        let empty = parse(NOTHING).unwrap().unwrap();
        assert!(empty.backup.is_empty() && !empty.is_of(0) && empty.newest_wal().is_none());
        assert!(parse("ERROR").is_err());
    }
}
