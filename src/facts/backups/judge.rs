//! Which backups are the stack's own. Whoever may write to a bucket, or to a folder, can put files there that look like one: the
//! signature tells them apart. Nobody reads a manifest or a proof but by a judge.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::manifest::UnjudgedManifest;
use super::{BackupManifest, at, stack};
use crate::core::error::{Code, Fault};
use crate::core::stack_key::{SignedKind, StackKey};
use crate::host::stack_key;
use crate::host::system::System;

/// How far two clocks that are right may be apart.
const SKEW: Duration = Duration::minutes(5);

/// What is known where a backup is looked at.
#[derive(Clone, Debug)]
pub struct Judge {
    key: Option<StackKey>,
    stack: Option<String>,
    now: OffsetDateTime,
}

/// What a backup is to the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The stack wrote it.
    Own,
    /// It says that it is another stack's, whose key is not here.
    Foreign,
    /// It says that it is the stack's, and why that is not believed.
    Doubtful(String),
}

/// A backup, and what it is to the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedBackup {
    pub backup: BackupManifest,
    pub standing: Standing,
}

/// Which backups somebody may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accepts {
    /// The stack's own.
    #[default]
    Own,
    /// Another stack's too, which the operator has named.
    Foreign,
    /// Also one that says that it is the stack's, and is not believed: the operator has named it and answers for it.
    Doubtful,
}

impl Judge {
    /// With the key, where there is one. Of which stack backups are looked at need not be known: then none is foreign.
    pub fn new(key: Option<StackKey>, stack: Option<&str>) -> Self {
        Self {
            key,
            stack: stack.map(str::to_owned),
            now: OffsetDateTime::now_utc(),
        }
    }

    /// That of a host.
    ///
    /// # Errors
    /// E0437 when its key cannot be read.
    pub fn on(system: &System) -> Result<Self> {
        Ok(Self::new(
            stack_key::read(system)?,
            stack(system)?.as_deref(),
        ))
    }

    pub fn judged(&self, found: UnjudgedManifest) -> JudgedBackup {
        let of = |stack: &String| *stack != found.backup.stack;
        let standing = if self.stack.as_ref().is_some_and(of) {
            Standing::Foreign
        } else {
            let signature = found.signature.as_deref();
            match self.doubt(&found, signature) {
                Some(why) => Standing::Doubtful(why),
                None => Standing::Own,
            }
        };
        JudgedBackup {
            backup: found.backup,
            standing,
        }
    }

    fn doubt(&self, found: &UnjudgedManifest, signature: Option<&str>) -> Option<String> {
        let signed = self.unsigned(SignedKind::Manifest, &found.said, signature);
        let ahead = || {
            let at = &found.backup.at;
            self.is_ahead(at)
                .then(|| format!("its time, {at}, is in the future"))
        };
        signed.map(str::to_owned).or_else(ahead)
    }

    /// Why what was said is not believed to be the stack's; none when it is.
    pub(super) fn unsigned(
        &self,
        kind: SignedKind,
        said: &serde_json::Value,
        signature: Option<&str>,
    ) -> Option<&'static str> {
        match (&self.key, signature) {
            (None, _) => Some("the key of the stack is not there to check it with"),
            (_, None) => Some("it is not signed with the key of the stack"),
            (Some(key), Some(signature)) => (!key.has_signed(kind, said, signature))
                .then_some("its signature is not one of the key of the stack"),
        }
    }

    /// Whether a time is later than now.
    pub fn is_ahead(&self, time: &str) -> bool {
        at(time) > self.now + SKEW
    }
}

impl JudgedBackup {
    pub fn is_own(&self) -> bool {
        self.standing == Standing::Own
    }

    /// The backup, for who accepts what it is.
    ///
    /// # Errors
    /// E0423 for another stack's, E0436 for one that is not believed.
    pub fn accepted(self, accepts: Accepts) -> Result<BackupManifest, Fault> {
        let Self { backup, standing } = self;
        match standing {
            Standing::Doubtful(why) if accepts != Accepts::Doubtful => {
                Err(not_believed(&backup.name, &why))
            }
            Standing::Foreign if accepts == Accepts::Own => {
                let message = format!("{} is from stack {}", backup.name, backup.stack);
                Err(Fault::new(Code::E0423, message)
                    .hint("nothing was changed; to use it, name it and add --from-other-stack to `restore`"))
            }
            Standing::Own | Standing::Doubtful(_) | Standing::Foreign => Ok(backup),
        }
    }
}

/// That a backup is not taken for one of the stack's.
pub fn not_believed(name: &str, why: &str) -> Fault {
    let message = format!("backup {name} cannot be verified: {why}");
    Fault::new(Code::E0436, message).hint(
        "nothing was changed; name another backup, or add --unverified to `restore` or `rebuild` if you know who wrote this one",
    )
}
