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
use crate::core::value::{HostName, RunId, TextLine, checked};
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

/// Somebody has locked the host: nothing changes it until it is unlocked, across runs and reboots. What timers do goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    pub who: String,
    pub since: String,
    pub message: TextLine,
}

impl Freeze {
    /// Who, when and why.
    pub fn told(&self) -> String {
        format!(
            "locked by {} since {}: {}",
            self.who, self.since, self.message
        )
    }

    /// What whoever would change something is told.
    pub fn refusal(&self) -> Fault {
        let message = format!("the stack is {}", self.told());
        Fault::new(Code::E0527, message).hint(format!(
            "nothing was changed; ask {}, or run `citrino-ops unlock`",
            self.who
        ))
    }
}

/// Whether and why it is locked. What cannot be read locks it too: somebody meant it.
///
/// # Errors
/// When the file cannot be read.
pub fn freeze(system: &System) -> Result<Option<Freeze>> {
    let Some(text) = system.read(own::FREEZE)? else {
        return Ok(None);
    };
    Ok(Some(match serde_json::from_slice(&text) {
        Ok(freeze) => freeze,
        Err(_) => Freeze {
            who: "somebody".to_owned(),
            since: "an unknown time".to_owned(),
            message: format!("{} cannot be read", own::FREEZE)
                .parse()
                .map_err(anyhow::Error::msg)?,
        },
    }))
}

/// Refuses who holds the lock of the host what it is locked against.
///
/// # Errors
/// E0527 with who locked it, when and why.
pub fn refuse_while_frozen(system: &System) -> Result<()> {
    match freeze(system)? {
        None => Ok(()),
        Some(freeze) => Err(freeze.refusal().into()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn frozen(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        std::fs::create_dir_all(system.path(own::STATE)).unwrap();
        assert!(refuse_while_frozen(&system).is_ok());
        std::fs::write(system.path(own::FREEZE), text).unwrap();
        let refused = refuse_while_frozen(&system).unwrap_err();
        let info = crate::core::error::error_info(&refused);
        assert_eq!(info.code, Code::E0527);
        info.message
    }

    #[test]
    fn a_frozen_host_says_who_when_and_why() {
        let text = r#"{"who":"ana@desk","since":"2026-11-30T03:00:00Z","message":"moving"}"#;
        assert_eq!(
            frozen(text),
            "the stack is locked by ana@desk since 2026-11-30T03:00:00Z: moving"
        );
    }

    #[test]
    fn what_cannot_be_read_locks_too() {
        for text in ["", "{", "[]", r#"{"who":"a","since":"b","message":"c\nd"}"#] {
            assert!(frozen(text).contains("cannot be read"), "{text}");
        }
    }
}
