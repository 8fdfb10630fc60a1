//! citrino-ops itself on the host, for what happens there with nobody present.

use std::io::{Seek, SeekFrom};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::digest;
use crate::core::engine::{CheckResult, Wish};
use crate::host::system::{Kind, System, running};

/// What runs is what is wished: the binary of whoever converged last.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfInstall {
    pub path: String,
}

impl Wish<System> for SelfInstall {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        let Some(found) = system.stat(&self.path)? else {
            return Ok(CheckResult::differs(format!(
                "{} does not exist",
                self.path
            )));
        };
        if found.kind == Kind::File && is_what_runs(system, &self.path)? {
            return Ok(CheckResult::same());
        }
        Ok(CheckResult::differs(format!(
            "{} is another version",
            self.path
        )))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        system.install_running(&self.path)
    }
}

fn is_what_runs(system: &System, path: &str) -> Result<bool> {
    let Some(mut found) = system.open(path)? else {
        return Ok(false);
    };
    let mut own = running()?;
    let lengths = (own.seek(SeekFrom::End(0))?, found.seek(SeekFrom::End(0))?);
    if lengths.0 != lengths.1 {
        return Ok(false);
    }
    own.rewind()?;
    found.rewind()?;
    Ok(digest::sha256_of(&mut own)? == digest::sha256_of(&mut found)?)
}
