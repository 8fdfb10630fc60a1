//! What an operator wishes of backups: the section `backup` of citrino.yml.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretSource;
use crate::core::value::{DayAndTime, HttpUrl, TimeOfDay, WholeNumber};
use crate::storage::retention::Retention;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BackupSettings {
    /// When a backup is taken each day, in UTC: no night has that hour twice or never.
    #[schemars(extend("x-applied" = "host"))]
    pub at: TimeOfDay,
    /// When the newest backup of the week is restored to prove it, in UTC.
    #[schemars(extend("x-applied" = "host"))]
    pub drill: DayAndTime,
    /// All backups of so many days are kept.
    #[schemars(extend("x-applied" = "host"))]
    pub keep_days: WholeNumber<0, 36_500>,
    /// Never fewer backups are kept than these. The newest proven one always stays.
    #[schemars(extend("x-applied" = "host"))]
    pub keep_at_least: WholeNumber<1, 10_000>,
    /// Of so many weeks the newest backup is kept.
    #[schemars(extend("x-applied" = "host"))]
    pub keep_weeks: WholeNumber<0, 10_000>,
    /// Of so many months the newest backup is kept.
    #[schemars(extend("x-applied" = "host"))]
    pub keep_months: WholeNumber<0, 10_000>,
    /// How many hours old the newest backup may be; then `health` fails.
    #[schemars(extend("x-applied" = "host"))]
    pub max_age_h: WholeNumber<1, 87_600>,
    /// How many days ago the last proof may be; then `health` fails, and a release with migrations is refused until a drill.
    #[schemars(extend("x-applied" = "host"))]
    pub proof_max_age_days: WholeNumber<1, 3650>,
    /// The age public keys that backups are encrypted to. Without one, they are readable on the host.
    #[schemars(extend("x-applied" = "host"))]
    #[schemars(extend("x-takes" = "a list; each is an age public key, `age1…`"))]
    pub recipients: Vec<String>,
    /// The file of the age private key on this machine, to read encrypted backups.
    #[schemars(extend("x-applied" = "here"))]
    #[schemars(extend("x-takes" = "a path on this machine; a relative one starts at citrino.yml"))]
    pub identity: Option<PathBuf>,
    /// Keeps every write, to return to any point in time: `restore --to TIME`.
    #[schemars(extend("x-applied" = "postgresql"))]
    pub pitr: bool,
    /// What the archive of writes is encrypted with.
    #[schemars(extend("x-applied" = "host"))]
    pub pitr_passphrase: Option<SecretSource>,
    /// What backups are signed with, of at least 32 characters. Without it, the host makes a key of its own.
    #[schemars(extend("x-applied" = "host"))]
    pub signing_key: Option<SecretSource>,
    /// A bucket, where a copy of each backup goes.
    pub s3: Option<S3>,
}

/// A bucket that speaks S3.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// The name of the bucket.
    #[schemars(extend("x-applied" = "host"))]
    #[schemars(extend("x-takes" = "the name of a bucket"))]
    pub bucket: String,
    /// Where the bucket is, when it is not Amazon's.
    #[serde(default)]
    #[schemars(extend("x-applied" = "host"))]
    pub endpoint: Option<HttpUrl>,
    /// The region of the bucket.
    #[serde(default = "region")]
    #[schemars(extend("x-applied" = "host"))]
    #[schemars(extend("x-takes" = "the name of a region"))]
    pub region: String,
    /// What the names of its objects begin with. The default is the stack's name.
    #[serde(default)]
    #[schemars(extend("x-applied" = "host"))]
    #[schemars(extend("x-takes" = "the beginning of a path in the bucket"))]
    pub prefix: Option<String>,
    /// The id of the key.
    #[schemars(extend("x-applied" = "host"))]
    pub key_id: SecretSource,
    /// The key.
    #[schemars(extend("x-applied" = "host"))]
    pub secret: SecretSource,
    /// The key cannot delete, so whoever has the host cannot take the backups away. Old ones are deleted by a rule of the bucket.
    #[serde(default)]
    #[schemars(extend("x-applied" = "host"))]
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
