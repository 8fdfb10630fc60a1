//! What a drill has shown of a backup.

use serde::{Deserialize, Serialize};

use super::{BackupManifest, at};
use crate::core::value::{ReleaseId, Sha256, checked, checked_if_any};

/// That a backup was restored and found whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Of the dump that was restored.
    #[serde(deserialize_with = "checked::<_, Sha256>")]
    pub sha256: String,
    /// When that had been done, RFC 3339 in UTC.
    pub at: String,
    /// From the first byte read to the app's answer, in milliseconds.
    pub took_ms: u64,
    /// The release that answered on it.
    #[serde(default, deserialize_with = "checked_if_any::<_, ReleaseId>")]
    pub release: Option<String>,
}

impl Proof {
    /// What a proof's file says of this very dump; none when it says nothing of it.
    pub fn of(backup: &BackupManifest, text: &[u8]) -> Option<Self> {
        let proof: Option<Self> = serde_json::from_slice(text).ok();
        proof.filter(|proof| proof.sha256 == backup.dump.sha256)
    }

    /// Whether it takes the place of what is known: of two proofs the newer one stays.
    pub fn is_newer_than(&self, known: Option<&Self>) -> bool {
        known.is_none_or(|known| at(&self.at) > at(&known.at))
    }
}
