//! What an operator wishes of backups: the section `backup` of citrino.yml.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::SecretSource;
use crate::core::value::{DayAndTime, HttpUrl, TimeOfDay, WholeNumber};
use crate::storage::retention::Retention;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupSettings {
    /// Local time of the host, `HH:MM`.
    pub at: TimeOfDay,
    /// When the newest one is restored to prove it: a day of the week and a time, `Sun 04:00`.
    pub drill: DayAndTime,
    pub keep_days: WholeNumber<0, 36_500>,
    /// Not 0: the last backup is never taken away.
    pub keep_at_least: WholeNumber<1, 10_000>,
    pub keep_weeks: WholeNumber<0, 10_000>,
    pub keep_months: WholeNumber<0, 10_000>,
    /// How many hours old the newest one may be before the host is unhealthy.
    pub max_age_h: WholeNumber<1, 87_600>,
    /// How many days ago the last proof may be, for `health` and for deploys that migrate.
    pub proof_max_age_days: WholeNumber<1, 3650>,
    /// The age keys that backups are encrypted to; none leaves them readable on the host.
    pub recipients: Vec<String>,
    /// The file of the private key on the operator's machine, for restores and drills.
    pub identity: Option<PathBuf>,
    /// Whether the write-ahead log is archived, to restore to any moment.
    pub pitr: bool,
    /// What the archive of the log is encrypted with.
    pub pitr_passphrase: Option<SecretSource>,
    /// What backups are signed with, where it must not be the key that the host makes: at least 32 characters.
    pub signing_key: Option<SecretSource>,
    /// Where they go beside the host.
    pub s3: Option<S3>,
}

/// A bucket that speaks S3.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    pub bucket: String,
    /// Where it is, when that is not Amazon's.
    #[serde(default)]
    pub endpoint: Option<HttpUrl>,
    #[serde(default = "region")]
    pub region: String,
    /// What the names of its objects begin with; the stack's name when it is not said.
    #[serde(default)]
    pub prefix: Option<String>,
    pub key_id: SecretSource,
    pub secret: SecretSource,
    /// The key may not delete: whoever has the host cannot take the backups away.
    #[serde(default)]
    pub append_only: bool,
}

fn region() -> String {
    "us-east-1".to_owned()
}

impl Default for BackupSettings {
    fn default() -> Self {
        Self {
            at: TimeOfDay::three(),
            drill: DayAndTime::sunday_four(),
            keep_days: WholeNumber::near(7),
            keep_at_least: WholeNumber::near(3),
            keep_weeks: WholeNumber::near(0),
            keep_months: WholeNumber::near(0),
            max_age_h: WholeNumber::near(26),
            proof_max_age_days: WholeNumber::near(8),
            recipients: Vec::new(),
            identity: None,
            pitr: false,
            pitr_passphrase: None,
            signing_key: None,
            s3: None,
        }
    }
}

impl BackupSettings {
    pub fn keep(&self) -> Retention {
        Retention {
            days: *self.keep_days,
            at_least: *self.keep_at_least,
            weeks: *self.keep_weeks,
            months: *self.keep_months,
        }
    }
}
