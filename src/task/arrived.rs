//! A backup that the operator sent is one of the host's.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::postgres::OWNER;
use crate::archive::Content;
use crate::blob;
use crate::engine::{Look, Wish};
use crate::error::Fault;
use crate::facts::backups::{self, Backup, MANIFEST, PROOF};
use crate::system::System;

/// Where what is sent waits for its plan. On the disk of the backups, so that it need not be copied.
pub const INCOMING: &str = "/home/citrino/database/incoming";

/// `check` finds nothing to do when the host has a backup of that name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrived {
    /// The name of the backup.
    pub backup: String,
}

impl Wish<System> for Arrived {
    async fn check(&self, system: &System) -> Result<Look> {
        let name = &self.backup;
        if system.stat(format!("{INCOMING}/{name}{MANIFEST}"))?.is_some() {
            return Ok(Look::absent(format!("{name} was sent, and is not among the host's backups")));
        }
        Ok(match backups::read(system, name)? {
            Some(Ok(_)) => Look::same(),
            Some(Err(why)) => Look::differs(format!("{}: {why}", self.backup)),
            None => Look::absent(format!("{} is not on the host", self.backup)),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let name = &self.backup;
        let text = |ending: &str| system.read_text(format!("{INCOMING}/{name}{ending}"));
        let manifest = text(MANIFEST)?.unwrap_or_default();
        let backup = Backup::parse(name, &manifest).map_err(|why| wrong(name, &why))?;
        // A sound copy may mend one that was spoiled here, and takes no other's place.
        if let Some(Ok(own)) = backups::read(system, name)?
            && own != backup
        {
            return Err(wrong(name, "the host has another backup of that name").into());
        }
        for content in backup.contents() {
            take_in(system, name, content)?;
        }
        let ids = Some(system.ids(OWNER)?);
        if let Some(proof) = text(PROOF)? {
            let path = backups::proof(name);
            system.write_atomic(path, proof.as_bytes(), 0o640, ids, &[]).await?;
        }
        // What has a manifest is whole: it comes last.
        let path = backups::manifest(name);
        system.write_atomic(path, manifest.as_bytes(), 0o640, ids, &[]).await?;
        system.remove(INCOMING)
    }
}

fn take_in(system: &System, name: &str, content: &Content) -> Result<()> {
    let from = system.path(format!("{INCOMING}/{}", content.file));
    let context = || format!("could not take in {}", from.display());
    let mut file = File::open(&from).with_context(context)?;
    let found = blob::sha256_of(&mut file).with_context(context)?;
    if found != (content.sha256.clone(), content.bytes) {
        let why = format!("{} is not what its manifest says: its hash is another", content.file);
        return Err(wrong(name, &why).into());
    }
    let ids = system.ids(OWNER)?;
    chown(&from, Some(ids.uid), Some(ids.gid)).with_context(context)?;
    fs::set_permissions(&from, Permissions::from_mode(0o600)).with_context(context)?;
    fs::rename(&from, system.path(backups::path(&content.file))).with_context(context)
}

fn wrong(name: &str, why: &str) -> Fault {
    Fault::new("E0422", format!("the backup {name} cannot be used: {why}"))
        .hint("nothing was restored; name another backup")
}
