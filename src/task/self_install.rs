//! citrino-ops itself on the host, for what happens there with nobody present.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::core::digest;
use crate::core::engine::{CheckResult, Wish};
use crate::host::system::System;

/// What runs is what is wished: the binary of whoever converged last.
const RUNNING: &str = "/proc/self/exe";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfInstall {
    pub path: String,
}

impl Wish<System> for SelfInstall {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        if system.stat(&self.path)?.is_none() {
            return Ok(CheckResult::differs(format!(
                "{} does not exist",
                self.path
            )));
        }
        let path = system.path(&self.path);
        let (own, found) = (fs::metadata(RUNNING)?, fs::metadata(&path)?);
        let is_same_file = (own.dev(), own.ino()) == (found.dev(), found.ino());
        if is_same_file || (own.len() == found.len() && digest(RUNNING)? == digest(&path)?) {
            return Ok(CheckResult::same());
        }
        Ok(CheckResult::differs(format!(
            "{} is another version",
            self.path
        )))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let path = system.path(&self.path);
        let context = || format!("could not write {}", self.path);
        let own = fs::read_link(RUNNING)?;
        let fresh = path.with_extension("new");
        system.remove(&fresh)?;
        // A second name costs nothing, as long as the first one is on the same disk and still there.
        if fs::hard_link(&own, &fresh).is_err() {
            fs::copy(RUNNING, &fresh).with_context(context)?;
            File::open(&fresh)
                .and_then(|file| file.sync_all())
                .with_context(context)?;
        }
        fs::rename(&fresh, &path).with_context(context)
    }
}

fn digest(path: impl AsRef<std::path::Path>) -> Result<(String, u64)> {
    Ok(digest::sha256_of(&mut File::open(path)?)?)
}
