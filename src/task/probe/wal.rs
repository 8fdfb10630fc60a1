//! Could the database be brought back to a point in time?

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::super::archiving::{Archiver, archiver};
use super::super::pgbackrest::{self, Info};
use super::measured::measured;
use crate::core::engine::CheckResult;
use crate::host::system::System;

/// What is written arrives in the repository. The figure is how long the oldest segment waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalWaits {
    pub stanza: String,
    pub max_s: f64,
}

/// There is a backup to begin from. The figure is its age.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recoverable {
    pub stanza: String,
    pub max_h: f64,
}

/// The WAL does not fill its disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalSize {
    pub max_mb: f64,
}

impl WalWaits {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let archiver = match archiver(system).await? {
            Ok(archiver) => archiver,
            Err(reason) => return Ok(CheckResult::differs(reason)),
        };
        Ok(match pgbackrest::info(system, &self.stanza).await? {
            Err(reason) => CheckResult::differs(reason),
            Ok(info) => self.seen(&archiver, &info),
        })
    }

    fn seen(&self, archiver: &Archiver, info: &Info) -> CheckResult {
        #[expect(clippy::cast_precision_loss, reason = "shown to a tenth of a second")]
        let waits_s = archiver.waits_s.unwrap_or(0) as f64;
        let look = measured(
            "waiting time of the oldest WAL segment is",
            waits_s,
            "s",
            Some(self.max_s),
        );
        let mut what = Vec::from_iter(faults(archiver, info.newest_wal()));
        what.extend(look.change.into_iter().flat_map(|change| change.what));
        CheckResult {
            figure: look.figure,
            ..CheckResult::from(what)
        }
    }
}

/// What is wrong, whatever the time. When too much waits, pgBackRest tells `PostgreSQL` that a segment was archived and drops it, so
/// the archiver's own word is not enough.
fn faults(archiver: &Archiver, newest: Option<&str>) -> Option<String> {
    if !archiver.on {
        return Some("PostgreSQL does not archive its WAL".to_owned());
    }
    if let Some(failed) = &archiver.failed {
        return Some(format!("WAL segment {failed} could not be archived"));
    }
    // A name may have something behind it, as that of a backup's history has.
    let archived = archiver
        .archived
        .as_deref()
        .and_then(|name| name.get(..SEGMENT))?;
    (newest.is_none_or(|newest| newest < archived)).then(|| {
        format!("WAL segment {archived} was dropped: the repository was unreachable for too long, so points in time have a gap until the next base backup")
    })
}

/// How long the name of a segment is.
const SEGMENT: usize = 24;

impl Recoverable {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        Ok(match pgbackrest::info(system, &self.stanza).await? {
            Err(reason) => CheckResult::differs(reason),
            Ok(info) => match info.newest() {
                None => CheckResult::differs("there is no base backup"),
                Some(base) => self.seen(now - base.timestamp.stop),
            },
        })
    }

    fn seen(&self, age_s: i64) -> CheckResult {
        #[expect(clippy::cast_precision_loss, reason = "shown to a tenth of an hour")]
        let hours = age_s.max(0) as f64 / 3600.0;
        measured(
            "age of the newest base backup is",
            hours,
            "h",
            Some(self.max_h),
        )
    }
}

impl WalSize {
    pub async fn answer(&self, system: &System) -> Result<CheckResult> {
        Ok(match archiver(system).await? {
            Err(reason) => CheckResult::differs(reason),
            Ok(archiver) => {
                #[expect(clippy::cast_precision_loss, reason = "shown to a tenth of a MB")]
                let mb = archiver.wal_bytes as f64 / (1024.0 * 1024.0);
                measured("size of the WAL is", mb, "MB", Some(self.max_mb))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archiver() -> Archiver {
        Archiver {
            on: true,
            archived: Some("000000010000000000000005".to_owned()),
            ..Archiver::default()
        }
    }

    fn told(archiver: &Archiver, newest: Option<&str>) -> String {
        faults(archiver, newest).unwrap_or_default()
    }

    #[test]
    fn the_archiver_is_believed_when_the_repository_says_the_same() {
        assert_eq!(told(&archiver(), Some("000000010000000000000005")), "");
        assert_eq!(told(&archiver(), Some("000000010000000000000006")), "");
        let history = Archiver {
            archived: Some("000000010000000000000005.00000028.backup".to_owned()),
            ..archiver()
        };
        assert_eq!(told(&history, Some("000000010000000000000005")), "");
        assert!(told(&archiver(), Some("000000010000000000000004")).contains("was dropped"));
        assert!(told(&archiver(), None).contains("was dropped"));
    }

    #[test]
    fn what_fails_and_what_waits_is_told() {
        let failed = Archiver {
            failed: Some("000000010000000000000006".to_owned()),
            waits_s: Some(400),
            ..archiver()
        };
        let asked = WalWaits {
            stanza: "citrino".to_owned(),
            max_s: 300.0,
        };
        let look = asked.seen(&failed, &Info::default());
        assert_eq!(
            look.change.unwrap().what,
            [
                "WAL segment 000000010000000000000006 could not be archived",
                "waiting time of the oldest WAL segment is 400 s, expected at most 300 s"
            ]
        );
        assert!(told(&Archiver::default(), None).contains("does not archive"));
    }

    #[test]
    fn a_backup_ages() {
        let asked = Recoverable {
            stanza: "citrino".to_owned(),
            max_h: 50.0,
        };
        assert!(asked.seen(50 * 3600).change.is_none());
        assert!(asked.seen(50 * 3600 + 600).change.is_some());
    }
}
