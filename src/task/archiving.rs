//! Everything that is written to the cluster goes to pgBackRest's repository, and a backup to begin from is there.

use std::time::SystemTime;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::pgbackrest::{self, Info};
use super::postgres::{SqlAnswer, ask};
use crate::core::engine::{CheckResult, Wish};
use crate::host::system::System;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archiving {
    pub stanza: String,
    /// The settings that switched archiving on: a backup from before they were written cannot lead
    /// past the time in which nothing was archived.
    pub since: String,
}

/// What `PostgreSQL` says of its archiver.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Archiver {
    /// Whether it archives at all.
    pub on: bool,
    /// The last segment that was taken away.
    pub archived: Option<String>,
    /// The last one that could not be, when it has not been since.
    pub failed: Option<String>,
    /// Since how many seconds the oldest segment waits.
    pub waits_s: Option<u64>,
    /// What the WAL takes on its disk.
    pub wal_bytes: u64,
}

const ARCHIVER: &str = "SELECT json_build_object('on', current_setting('archive_mode') <> 'off', 'archived', last_archived_wal, \
        'failed', CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity') THEN last_failed_wal END, \
        'waits_s', (SELECT greatest(0, extract(epoch FROM now() - min(modification)))::bigint FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'), \
        'wal_bytes', (SELECT sum(size)::bigint FROM pg_ls_waldir())) FROM pg_stat_archiver;\n";

/// Asks for it; the reason when it cannot be asked.
pub async fn archiver(system: &System) -> Result<Result<Archiver, String>> {
    Ok(match ask(system, ARCHIVER).await? {
        SqlAnswer::Away(reason) => Err(reason),
        SqlAnswer::Rows(rows) => Ok(serde_json::from_str(rows.trim())?),
    })
}

impl Archiving {
    fn differences(
        &self,
        system: &System,
        archiver: &Archiver,
        info: &Info,
    ) -> Result<Vec<String>> {
        let mut what = Vec::new();
        if !archiver.on {
            what.push("PostgreSQL does not archive its WAL".to_owned());
        }
        if let Some(failed) = &archiver.failed {
            what.push(format!("WAL segment {failed} could not be archived"));
        } else if info.newest_wal().is_none() {
            what.push("the repository has no WAL yet".to_owned());
        }
        if !self.has_base(system, info)? {
            what.push("there is no base backup".to_owned());
        }
        Ok(what)
    }

    fn has_base(&self, system: &System, info: &Info) -> Result<bool> {
        let since = system.stat(&self.since)?.map(|found| found.modified);
        let newest = info.newest().map(|base| base.timestamp.start);
        Ok(since.zip(newest).is_some_and(|(since, newest)| {
            OffsetDateTime::from_unix_timestamp(newest)
                .is_ok_and(|newest| newest >= whole_seconds(since))
        }))
    }
}

/// pgBackRest tells its times so.
fn whole_seconds(time: SystemTime) -> OffsetDateTime {
    let time = OffsetDateTime::from(time);
    time.replace_nanosecond(0).unwrap_or(time)
}

impl Wish<System> for Archiving {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let archiver = match archiver(system).await? {
            Ok(archiver) => archiver,
            Err(reason) => return Ok(CheckResult::differs(reason)),
        };
        Ok(match pgbackrest::info(system, &self.stanza).await? {
            Err(reason) => CheckResult::differs(reason),
            Ok(info) => CheckResult::from(self.differences(system, &archiver, &info)?),
        })
    }

    /// pgBackRest's own check has a segment ended and waits until it has arrived.
    async fn apply(&self, system: &System) -> Result<()> {
        let told = async |arguments: &[&str]| {
            system
                .run(&pgbackrest::cmd(&self.stanza, arguments))
                .await?
                .success()
        };
        told(&["check"]).await?;
        let info = pgbackrest::info(system, &self.stanza).await?;
        if !self.has_base(system, &info.unwrap_or_default())? {
            told(&["--type=full", "backup"]).await?;
        }
        Ok(())
    }
}
