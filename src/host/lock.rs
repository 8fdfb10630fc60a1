//! The lock of a host: a kernel lock on an open file. It dies with its holder, and the file is
//! never removed.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::core::error::{Code, Fault};
use crate::core::event::now;
use crate::core::plan::Claim;
use crate::core::value::{HostName, RunId, checked};
use crate::host::journal;
use crate::host::own;
use crate::host::system::{OwnFile, System};

const PATH: &str = own::LOCK;
const LOOKS: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Who holds the lock of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub who: String,
    pub verb: String,
    #[serde(deserialize_with = "checked::<_, RunId>")]
    pub run: String,
    pub since: String,
    #[serde(default)]
    pub step: String,
    /// Absent when an earlier version holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,
}

/// Takes the lock, or says who holds it.
pub fn take(system: &System, claim: &Claim) -> Result<Result<File, Holder>> {
    let mut file = system.open_own(PATH, OwnFile::Anywhere, 0o644)?;
    if !locked(&file)? {
        return Ok(Err(holder(system, &mut file)?));
    }
    let holder = Holder {
        who: claim.who.clone(),
        verb: claim.verb.clone(),
        run: claim.run.clone(),
        since: now(),
        step: String::new(),
        host: claim.host.clone(),
    };
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(&holder)?)?;
    file.sync_data()?;
    Ok(Ok(file))
}

/// Who only looks whether the lock is held has it for an instant, so one "no" is no answer.
fn locked(file: &File) -> Result<bool> {
    for _ in 0..LOOKS {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_LOOKS),
            Err(TryLockError::Error(error)) => {
                return Err(error).context("could not lock the host");
            }
        }
    }
    Ok(false)
}

/// Whether somebody holds it now.
pub fn is_held(system: &System) -> Result<bool> {
    let Some(file) = system.open(PATH)? else {
        return Ok(false);
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => {
            Err(error).context("could not read the lock of the host")
        }
    }
}

impl Holder {
    /// When it took the lock; none when it does not say.
    pub fn began(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::parse(&self.since, &Rfc3339).ok()
    }
}

/// Who holds it now, as far as he has said so.
///
/// # Errors
/// As of `is_held`.
pub fn holder_now(system: &System) -> Result<Option<Holder>> {
    if !is_held(system)? {
        return Ok(None);
    }
    let text = system.read(PATH)?.unwrap_or_default();
    Ok(serde_json::from_slice(&text).ok())
}

fn holder(system: &System, file: &mut File) -> Result<Holder> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let mut holder: Holder = serde_json::from_str(&text).map_err(|_| {
        Fault::new(
            Code::E0504,
            "the host is locked by a run that has just started",
        )
        .hint("try again in a moment")
    })?;
    if let Some(last) = journal::last_run(system)?
        && last.end.is_none()
    {
        holder.step = last.step;
    }
    Ok(holder)
}
