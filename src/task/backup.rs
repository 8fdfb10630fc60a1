//! A backup of a database: dumped, packed, read back, and only then called by its name.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zstd::stream::{read::Decoder, write::Encoder};

mod snapshot;

use snapshot::Snapshot;

use super::postgres::OWNER;
use crate::blob::hex;
use crate::engine::{Look, Wish};
use crate::error::Fault;
use crate::event::now;
use crate::facts::app::{self, Schema};
use crate::facts::backups::{self, FOLDER};
use crate::system::{Cmd, System};

/// What is not whole yet. There is one at a time, under the host's lock, so a killed run's is taken over.
const PART: &str = "/home/citrino/database/backups/.part";
/// zstd's own middle: beyond it a dump takes much longer for little.
const LEVEL: i32 = 3;

/// `check` finds nothing to do when it is there, and when the release that it is made for migrates nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// `citrino_20261125_150000`
    pub name: String,
    pub database: String,
    /// The binary of the release whose migrations it is made before.
    pub before: String,
}

impl Wish<System> for Backup {
    async fn check(&self, system: &System) -> Result<Look> {
        let schema = match self.schema(system).await? {
            Err(reason) => return Ok(Look::differs(reason)),
            Ok(schema) => schema,
        };
        // A database that was never migrated has nothing to lose.
        if schema.pending.is_empty() || schema.applied.is_empty() {
            return Ok(Look::same());
        }
        let manifest = backups::read(system, &self.name)?;
        Ok(match manifest {
            Some(_) => Look::same(),
            None => Look::differs(format!("there is no backup {}", self.name)),
        })
    }

    async fn apply(&self, system: &System) -> Result<()> {
        let schema = self.schema(system).await?.map_err(|reason| failed(&reason))?;
        let at = now();
        let snapshot = Snapshot::take(system, &self.database).await?;
        system.remove(PART)?;
        let written = self.write(system, &snapshot.id).await;
        if written.is_err() {
            system.remove(PART)?;
        }
        let (sha256, bytes) = written?;
        let manifest = backups::Backup {
            name: self.name.clone(),
            at,
            database: self.database.clone(),
            sha256,
            bytes,
            rows: snapshot.rows.clone(),
            schema,
        };
        snapshot.end().await?;
        std::fs::rename(system.path(PART), system.path(manifest.dump()))
            .with_context(|| format!("could not name the backup {}", self.name))?;
        let text = format!("{:#}\n", serde_json::to_value(&manifest)?);
        let ids = system.ids(OWNER)?;
        let path = backups::manifest(&self.name);
        system.write_atomic(path, text.as_bytes(), 0o640, Some(ids), &[]).await
    }
}

impl Backup {
    async fn schema(&self, system: &System) -> Result<Result<Schema, String>> {
        if system.stat(&self.before)?.is_none() {
            return Ok(Err(format!("{} is not on the host yet", self.before)));
        }
        app::schema(system, &self.before).await
    }

    /// Dumps into the part, and reads it back.
    async fn write(&self, system: &System, snapshot: &str) -> Result<(String, u64)> {
        let context = || format!("could not write below {FOLDER}");
        let path = system.path(PART);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .with_context(context)?;
        let ids = system.ids(OWNER)?;
        std::os::unix::fs::fchown(&file, Some(ids.uid), Some(ids.gid)).with_context(context)?;
        let mut packed = Encoder::new(Hashed::new(file), LEVEL)?;
        packed.include_checksum(true)?;
        let dump = [
            "pg_dump",
            "--format=custom",
            "--compress=0",
            "--lock-wait-timeout=10s",
            &format!("--snapshot={snapshot}"),
            "--dbname",
            &self.database,
        ];
        system.drain(&Cmd::new(dump).user(OWNER), &mut packed).await?;
        let hashed = packed.finish().with_context(context)?;
        hashed.to.sync_all().with_context(context)?;
        let mut read = Decoder::new(File::open(&path)?)?;
        let list = Cmd::new(["pg_restore", "--list"]).user(OWNER);
        let listed = system.feed(&list, &mut read).await?;
        // pg_restore reads the head alone; the rest is read for zstd's checksum.
        io::copy(&mut read, &mut io::sink()).context("the dump cannot be read back")?;
        if !listed.stdout.contains("TABLE DATA") {
            return Err(failed("the dump holds no table").into());
        }
        Ok((hex(&hashed.digest.finalize()), hashed.bytes))
    }
}

fn failed(why: &str) -> Fault {
    Fault::new("E0421", format!("no backup could be made: {why}"))
        .hint("nothing was changed; the backups of before are as they were")
}

/// Counts and hashes what goes to a file.
struct Hashed {
    to: File,
    digest: Sha256,
    bytes: u64,
}

impl Hashed {
    fn new(to: File) -> Self {
        Self {
            to,
            digest: Sha256::new(),
            bytes: 0,
        }
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.to.write(bytes)?;
        self.digest.update(&bytes[..length]);
        self.bytes += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
