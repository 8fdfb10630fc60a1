//! What `PostgreSQL`'s own programs write and read, through the files of a backup.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};

use age::x25519::Identity;
use anyhow::{Context, Result};
use tokio::process::ChildStdin;

use crate::core::app_profile::AppProfile;
use crate::core::digest;
use crate::core::error::{Code, Fault, code};
use crate::facts::backups::{self, Accepts, BackupManifest, Format, Judge};
use crate::host::system::{Cmd, System};
use crate::storage::archive::{self, ArchiveContent, ArchivePacking};
use crate::storage::dump::DumpFilter;
use crate::task::postgres::archive::{RestoreTarget, Unpacked, restore};
use crate::task::postgres::{OWNER, WHOLE_WITHIN, client, extensions, reader, roles, script};

/// One file of a backup, by what writes it.
pub enum BackupFileKind<'a> {
    Database {
        format: Format,
        database: &'a str,
        snapshot: &'a str,
    },
    Globals,
}

/// How long a dump waits for a lock that somebody else has, before it gives up.
const LOCK_WAIT: &str = "--lock-wait-timeout=10s";
/// How a plain dump ends: without it, it was cut off.
const TRAILER: &str = "-- PostgreSQL database dump complete";
/// How far from the end the trailer is looked for.
const TAIL: usize = 256;

impl<'a> BackupFileKind<'a> {
    pub fn of(format: Format, database: &'a str, snapshot: &'a str) -> Self {
        Self::Database {
            format,
            database,
            snapshot,
        }
    }

    /// How its file's name ends.
    pub fn ending(&self) -> &'static str {
        match self {
            Self::Database {
                format: Format::Custom,
                ..
            } => ".dump.zst",
            Self::Database {
                format: Format::Plain,
                ..
            } => ".sql.gz",
            Self::Globals => ".globals.sql.zst",
        }
    }

    pub fn packing(&self) -> ArchivePacking {
        match self {
            Self::Database { format, .. } => format.packing(),
            Self::Globals => ArchivePacking::Zstd,
        }
    }

    pub fn program(&self) -> Cmd {
        let Self::Database {
            format,
            database,
            snapshot,
        } = self
        else {
            // What belongs to no database is the superuser's to tell.
            return client(["pg_dumpall", "--globals-only", "--no-role-passwords"]).user(OWNER);
        };
        let snapshot = format!("--snapshot={snapshot}");
        let format = match format {
            Format::Custom => &reader::CUSTOM[..],
            Format::Plain => &["--format=plain"],
        };
        let more = [&[LOCK_WAIT, &snapshot], format].concat();
        reader::dump(database, &more).within(WHOLE_WITHIN)
    }
}

/// The files of a backup, under names that end so.
pub struct Parts<'a> {
    backup: &'a BackupManifest,
    ending: &'a str,
}

impl<'a> Parts<'a> {
    pub fn of(backup: &'a BackupManifest, ending: &'a str) -> Self {
        Self { backup, ending }
    }

    /// The ones that have their names.
    pub fn whole(backup: &'a BackupManifest) -> Self {
        Self::of(backup, "")
    }

    fn path(&self, app: &AppProfile, file: &str) -> String {
        app.backup_file(&format!("{file}{}", self.ending))
    }

    pub fn remove(&self, system: &System) -> Result<()> {
        for content in self.backup.contents() {
            system.remove(self.path(system.app(), &content.file))?;
        }
        Ok(())
    }

    /// Each file is what the manifest says, byte for byte, and `PostgreSQL`'s programs can read it. What is encrypted is
    /// read only when there is an identity for it.
    ///
    /// # Errors
    /// E0422 with the reason.
    pub async fn verify(&self, system: &System, identities: &[Identity]) -> Result<()> {
        let looked = self.look(system, identities).await;
        self.unproven_when_refused(system, looked)
    }

    /// A backup that is refused has no proof from then on, whoever looked at it: what was proven are other bytes. Neither a key that
    /// does not fit, nor a disk without room says anything of the backup.
    fn unproven_when_refused(&self, system: &System, outcome: Result<()>) -> Result<()> {
        if let Err(error) = &outcome
            && code(error) == Code::E0422
        {
            system.remove(backups::proof(system.app(), &self.backup.name))?;
        }
        outcome
    }

    async fn look(&self, system: &System, identities: &[Identity]) -> Result<()> {
        self.compare(system)?;
        if self.backup.is_sealed() && identities.is_empty() {
            return Ok(());
        }
        let listed = self.list(system, identities).await;
        // A key that does not fit says nothing of the backup.
        listed.map_err(|error| match code(&error) {
            Code::E0425 => error,
            _ => broken(self.backup, &format!("{error:#}")).into(),
        })
    }

    /// Each file is what the manifest says, byte for byte.
    ///
    /// # Errors
    /// E0422 with the reason.
    pub fn compare(&self, system: &System) -> Result<()> {
        for content in self.backup.contents() {
            let path = self.path(system.app(), &content.file);
            let found = system.stat(&path)?.map(|found| found.bytes);
            content
                .has_length(found)
                .map_err(|why| broken(self.backup, &why))?;
            // Not more than was looked at, should it grow meanwhile.
            let mut file = self.file(system, content)?.take(content.bytes);
            let (sha256, _) =
                digest::sha256_of(&mut file).with_context(|| format!("could not read {path}"))?;
            if sha256 != content.sha256 {
                let why = format!(
                    "{} was changed after it was written: its hash differs",
                    content.file
                );
                return Err(broken(self.backup, &why).into());
            }
        }
        Ok(())
    }

    /// The dump, unpacked.
    ///
    /// # Errors
    /// E0425 when it is encrypted, and not to one of these.
    pub fn open(&self, system: &System, identities: &[Identity]) -> Result<Box<dyn Read>> {
        self.unpack(
            system,
            &self.backup.dump,
            self.backup.format.packing(),
            identities,
        )
    }

    /// The roles that its server had.
    fn roles(&self, system: &System, identities: &[Identity]) -> Result<Vec<String>> {
        roles::made_by(self.unpack(
            system,
            &self.backup.globals,
            ArchivePacking::Zstd,
            identities,
        )?)
    }

    fn unpack(
        &self,
        system: &System,
        content: &ArchiveContent,
        packing: ArchivePacking,
        identities: &[Identity],
    ) -> Result<Box<dyn Read>> {
        let file = self.file(system, content)?;
        archive::unpack(file, packing, self.backup.is_sealed(), identities)
    }

    fn file(&self, system: &System, content: &ArchiveContent) -> Result<File> {
        let path = self.path(system.app(), &content.file);
        let missing = || broken(self.backup, &format!("{} is missing", content.file)).into();
        system.open(path)?.ok_or_else(missing)
    }

    /// Reads all of it: `pg_restore` its head, the rest for the sake of the checksums.
    async fn list(&self, system: &System, identities: &[Identity]) -> Result<()> {
        let mut read = self.open(system, identities)?;
        if self.backup.format == Format::Plain {
            return ends_well(read);
        }
        let list = client(["pg_restore", "--list"])
            .user(OWNER)
            .within(WHOLE_WITHIN);
        let listed = system.feed(&list, &mut read).await?;
        io::copy(&mut read, &mut io::sink()).context("the dump is incomplete")?;
        if listed.stdout.contains("TABLE DATA") {
            return Ok(());
        }
        Err(anyhow::anyhow!("the dump has no tables"))
    }

    /// Restores it into a new database that nobody was in yet, as the app's role. The roles come along that its grants are to, unless
    /// it is another stack's.
    ///
    /// # Errors
    /// E0402 with the words of the program that failed, E0422 when other rows came out than were written.
    pub async fn restore(
        &self,
        system: &System,
        identities: &[Identity],
        into: &RestoreTarget<'_>,
    ) -> Result<()> {
        let restored = self.fill(system, identities, into).await;
        self.unproven_when_refused(system, restored)
    }

    async fn fill(
        &self,
        system: &System,
        identities: &[Identity],
        into: &RestoreTarget<'_>,
    ) -> Result<()> {
        if into.grants {
            roles::bring(system, &self.roles(system, identities)?).await?;
        }
        match self.backup.format {
            Format::Custom => {
                let mut read = Unpacked(self.open(system, identities)?);
                restore(system, &mut read, into).await?;
            }
            Format::Plain => self.run(system, identities, into).await?,
        }
        let restored = reader::rows(system, into.fresh).await?;
        if restored == self.backup.rows {
            return Ok(());
        }
        let differences = self.backup.differences(&restored).join("; ");
        Err(broken(
            self.backup,
            &format!("the restored rows differ from those that were backed up: {differences}"),
        )
        .into())
    }

    /// A plain dump is SQL, and goes the way of one that is imported.
    async fn run(
        &self,
        system: &System,
        identities: &[Identity],
        into: &RestoreTarget<'_>,
    ) -> Result<()> {
        let mut read = self.open(system, identities)?;
        let sieve = DumpFilter::of_backup(BTreeSet::new());
        let counts = script::sift(sieve, &mut read, &mut tokio::io::sink()).await;
        let wished = counts.map_err(|error| self.refused(error))?.extensions;
        let (live, fresh, role) = (into.live, into.fresh, into.role);
        let lent = extensions::prepare(system, live, fresh, role, &wished).await?;
        let sieve = DumpFilter::of_backup(reader::schemas(system, fresh).await?);
        let mut read = self.open(system, identities)?;
        let flow = async |input: &mut ChildStdin| script::sift(sieve, &mut read, input).await;
        let psql = |words: &[&str]| role.session(fresh, words);
        let ran = script::run(system, psql, flow).await;
        ran.map_err(|error| self.refused(error))?;
        lent.give_back(system, fresh).await
    }

    /// A backup is of ours: what is not right with its dump says that it cannot be used.
    fn refused(&self, error: anyhow::Error) -> anyhow::Error {
        match code(&error) {
            Code::E0451 => broken(self.backup, &format!("{error:#}")).into(),
            _ => error,
        }
    }
}

/// Whether a plain dump goes to its end.
fn ends_well(mut read: Box<dyn Read>) -> Result<()> {
    let (mut tail, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let length = read.read(&mut piece).context("the dump is incomplete")?;
        if length == 0 {
            break;
        }
        tail.extend_from_slice(&piece[..length]);
        tail.drain(..tail.len().saturating_sub(TAIL));
    }
    if String::from_utf8_lossy(&tail).contains(TRAILER) {
        return Ok(());
    }
    Err(anyhow::anyhow!("the dump is cut short"))
}

pub fn broken(backup: &BackupManifest, why: &str) -> Fault {
    Fault::new(
        Code::E0422,
        format!("backup {} cannot be used: {why}", backup.name),
    )
    .hint("the live database is unchanged; `citrino-ops backup list` shows the other backups")
}

/// The backup of this name.
///
/// # Errors
/// E0429 when there is none, E0422 when its manifest is torn, E0436 and E0423 when it is not one that is accepted.
pub fn find(system: &System, name: &str, accepts: Accepts) -> Result<BackupManifest> {
    match backups::read(system, name, &Judge::on(system)?)? {
        Some(Ok(found)) => Ok(found.accepted(accepts)?),
        Some(Err(why)) => Err(Fault::new(
            Code::E0422,
            format!("backup {name} cannot be used: {why}"),
        )
        .hint("nothing was changed; `citrino-ops backup list` shows the other backups")
        .into()),
        None => Err(
            Fault::new(Code::E0429, format!("there is no backup {name}"))
                .hint("nothing was changed; `citrino-ops backup list` shows the names")
                .into(),
        ),
    }
}
