//! What an operator wishes of backups: the section `backup` of citrino.yml.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Source;
use crate::storage::archive;
use crate::storage::bucket;
use crate::storage::retention::Retention;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// Local time of the host, `HH:MM`.
    pub at: String,
    /// When the newest one is restored to prove it: a day of the week and a time, `Sun 04:00`.
    pub drill: String,
    pub keep_days: u32,
    pub keep_at_least: u32,
    pub keep_weeks: u32,
    pub keep_months: u32,
    /// How many hours old the newest one may be before the host is unhealthy.
    pub max_age_h: u32,
    /// How many days ago the last proof may be, for `health` and for deploys that migrate.
    pub proof_max_age_days: u32,
    /// The age keys that backups are encrypted to; none leaves them readable on the host.
    pub recipients: Vec<String>,
    /// The file of the private key on the operator's machine, for restores and drills.
    pub identity: Option<PathBuf>,
    /// Whether the write-ahead log is archived, to restore to any moment.
    pub pitr: bool,
    /// What the archive of the log is encrypted with.
    pub pitr_passphrase: Option<Source>,
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
    pub endpoint: Option<String>,
    #[serde(default = "region")]
    pub region: String,
    /// What the names of its objects begin with; the stack's name when it is not said.
    #[serde(default)]
    pub prefix: Option<String>,
    pub key_id: Source,
    pub secret: Source,
    /// The key may not delete: whoever has the host cannot take the backups away.
    #[serde(default)]
    pub append_only: bool,
}

fn region() -> String {
    "us-east-1".to_owned()
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            at: "03:00".to_owned(),
            drill: "Sun 04:00".to_owned(),
            keep_days: 7,
            keep_at_least: 3,
            keep_weeks: 0,
            keep_months: 0,
            max_age_h: 26,
            proof_max_age_days: 8,
            recipients: Vec::new(),
            identity: None,
            pitr: false,
            pitr_passphrase: None,
            s3: None,
        }
    }
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl Backup {
    pub fn keep(&self) -> Retention {
        Retention {
            days: self.keep_days,
            at_least: self.keep_at_least,
            weeks: self.keep_weeks,
            months: self.keep_months,
        }
    }

    /// The key that is wrong, and why.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        if !super::check::is_time(&self.at) {
            return Some((
                "at",
                format!("is `{}`; write a time of day as \"03:00\"", self.at),
            ));
        }
        let drill = self.drill.split_once(' ');
        if !drill.is_some_and(|(day, at)| DAYS.contains(&day) && super::check::is_time(at)) {
            let why = format!(
                "is `{}`; write a day and a time as \"Sun 04:00\"",
                self.drill
            );
            return Some(("drill", why));
        }
        if self.keep_at_least == 0 {
            return Some((
                "keep_at_least",
                "is 0; the last backup is never taken away".to_owned(),
            ));
        }
        let mut keys = self.recipients.iter();
        let wrong = keys.find_map(|key| archive::recipient(key).err());
        if let Some(fault) = wrong {
            return Some((
                "recipients",
                format!("has what is no key: {}", fault.message),
            ));
        }
        let s3 = self.s3.as_ref();
        let fault = s3.and_then(|s3| bucket::fault(&s3.bucket, s3.endpoint.as_deref(), &s3.region));
        if fault.is_some() {
            return fault;
        }
        if self.pitr_passphrase.is_some() && !self.pitr {
            return Some((
                "pitr_passphrase",
                "is said, and `pitr` is not on".to_owned(),
            ));
        }
        let endpoint = self.s3.as_ref().and_then(|s3| s3.endpoint.as_ref());
        if let Some(endpoint) = endpoint.filter(|at| self.pitr && at.starts_with("http:")) {
            let why = format!(
                "is `{endpoint}`; with `pitr` it must be https, as pgBackRest speaks nothing else"
            );
            return Some(("endpoint", why));
        }
        None
    }
}
