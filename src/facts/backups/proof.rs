//! What a drill has shown of a backup.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::judge::Judge;
use super::{BackupManifest, at};
use crate::core::stack_key::{SignedKind, StackKey};
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

/// The field of a proof's file that is not the proof's own.
const SIGNATURE: &str = "signature";

impl Proof {
    /// As it is written: signed with the key of the stack, as a proof of this very backup.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn text(&self, backup: &BackupManifest, key: &StackKey) -> Result<String> {
        let mut value = serde_json::to_value(self)?;
        value[SIGNATURE] = key.sign(SignedKind::Proof, &said(backup, &value)).into();
        Ok(format!("{value:#}\n"))
    }

    /// What a proof's file says of this very dump.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn of(backup: &BackupManifest, text: &[u8], judge: &Judge) -> Result<Self, String> {
        let (proof, value, signature) = Self::read(backup, text)?;
        let signature = signature.as_deref();
        if let Some(why) = judge.unsigned(SignedKind::Proof, &said(backup, &value), signature) {
            return Err(why.to_owned());
        }
        if judge.is_ahead(&proof.at) {
            return Err(format!("its time, {}, is in the future", proof.at));
        }
        Ok(proof)
    }

    /// What the file of an earlier version, which signed nothing, says of this very dump.
    pub fn unsigned(backup: &BackupManifest, text: &[u8]) -> Option<Self> {
        Self::read(backup, text).ok().map(|(proof, ..)| proof)
    }

    fn read(backup: &BackupManifest, text: &[u8]) -> Result<(Self, Value, Option<String>), String> {
        let torn = || "it was cut or changed".to_owned();
        let mut value: Value = serde_json::from_slice(text).map_err(|_| torn())?;
        let signature = value
            .as_object_mut()
            .and_then(|fields| fields.remove(SIGNATURE));
        let signature = signature.map(|text| text.as_str().unwrap_or_default().to_owned());
        let proof = Self::deserialize(&value).map_err(|_| torn())?;
        if proof.sha256 != backup.dump.sha256 {
            return Err("it is of another dump".to_owned());
        }
        if at(&proof.at) < at(&backup.at) {
            return Err("it is older than the backup".to_owned());
        }
        Ok((proof, value, signature))
    }

    /// Whether it takes the place of what is known: of two proofs the newer one stays.
    pub fn is_newer_than(&self, known: Option<&Self>) -> bool {
        known.is_none_or(|known| at(&self.at) > at(&known.at))
    }
}

/// What is signed: the proof, and what it is one of.
fn said(backup: &BackupManifest, proof: &Value) -> Value {
    json!({ "stack": backup.stack, "backup": backup.name, "proof": proof })
}
