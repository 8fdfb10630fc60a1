//! What the operator writes on the command line about the data: backups, restores, imports. `cli.rs` has the rest.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use time::OffsetDateTime;

use crate::task::recovered;

mod init;
mod logs;
mod monitoring;
mod seat;
mod secrets;

pub use init::{CiSystem, InitOptions};
pub use logs::{Log, LogOptions, line_count};
pub use monitoring::MonitoringCommand;
pub use seat::{ExecCommand, PortPair, ProxyCommand, ProxyTarget, PsqlCommand};
pub use secrets::{RotateCommand, SecretsCommand};

#[derive(Clone, Debug, Subcommand)]
pub enum Db {
    /// Replace the data with a dump, or add CSV files to it
    ///
    /// The data is imported into a separate database, counted and checked, and then swapped in.
    Import(ImportCommand),
}

#[derive(Clone, Debug, Args)]
pub struct ImportCommand {
    /// A dump, which replaces all data, or CSV files, whose rows are added
    ///
    /// A dump is of one database, by `pg_dump` in plain or custom format, also compressed with gzip or zstd. The
    /// application profile says which tables CSV files can have.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Only import and check the data next to the live database, then delete it again
    #[arg(long, conflicts_with = "yes")]
    pub check: bool,
    #[command(flatten)]
    pub yes: Yes,
    #[command(flatten)]
    pub artifact: Artifact,
    // Its heading holds for what comes after it too.
    #[command(flatten)]
    pub csv: CsvOptions,
}

#[derive(Clone, Copy, Debug, Default, Args)]
pub struct BackupNow {
    /// Write SQL text compressed with gzip: larger and slower, but readable everywhere
    #[arg(long)]
    pub plain: bool,
}

/// A name, or a part of one. Every name begins with an empty text, which a variable of the shell that is not set gives.
///
/// # Errors
/// When it is empty.
pub fn named(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("the name is empty; is a variable of your shell not set?".to_owned());
    }
    Ok(text.to_owned())
}

#[derive(Clone, Debug, Subcommand)]
pub enum BackupCommand {
    /// Take a backup
    Now(BackupNow),
    /// List the backups, and when one was last proven by a restore
    List,
    /// Check that backups are unchanged and can be read
    Verify {
        /// The backup: its name, or the start or end of it [default: all]
        #[arg(value_parser = named)]
        backup: Option<String>,
        #[command(flatten)]
        key: Key,
    },
    /// Prove a backup: restore it into a scratch database, compare the rows, and run the app on it
    Drill {
        /// The backup: its name, the start or end of it, or `latest` [default: latest]
        #[arg(value_parser = named)]
        backup: Option<String>,
        #[command(flatten)]
        key: Key,
    },
    /// Copy a backup to this machine
    Pull {
        /// The backup: its name, the start or end of it, or `latest` [default: latest]
        #[arg(value_parser = named)]
        backup: Option<String>,
        /// The folder for the copy [default: `backups` beside citrino.yml]
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Delete backups past `backup.keep_days` and the other `keep_` limits, on the host and in the bucket
    Prune(BackupPrune),
}

#[derive(Clone, Copy, Debug, Args)]
pub struct BackupPrune {
    /// Also delete the previous databases that restores and imports kept
    #[arg(long, alias = "aside")]
    pub previous_databases: bool,
    /// Only show what would be deleted; exit 3 if something would
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub yes: Yes,
}

#[derive(Clone, Debug, Default, Args)]
pub struct Key {
    /// The file of an age private key, instead of `backup.identity`
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct RestoreCommand {
    /// The backup: its name, the start or end of it, `latest`, or a file from `backup pull`
    ///
    /// Leave it out with `--to`, or with `--from` to use the newest backup in the bucket.
    #[arg(value_parser = named)]
    pub backup: Option<String>,
    /// Download the backup from a bucket: `s3://BUCKET/PREFIX`, or `s3://` for the one in citrino.yml
    ///
    /// Without a name the newest one is used.
    #[arg(long, value_name = "URL", conflicts_with = "to")]
    pub from: Option<String>,
    /// Return to this time, with a time zone: `2026-11-24 03:00:00-04` (needs `backup: { pitr: true }`)
    #[arg(long, value_name = "TIME", conflicts_with = "backup", value_parser = recovered::parse)]
    pub to: Option<OffsetDateTime>,
    /// Allow a backup of another stack
    #[arg(long)]
    pub from_other_stack: bool,
    /// Accept the named backup although it is not signed with the stack's key. Use it only if you know who wrote it
    #[arg(long)]
    pub unverified: bool,
    /// Take no backup first, because the current database is too damaged; it is still kept under another name
    #[arg(long)]
    pub without_safety_backup: bool,
    #[command(flatten)]
    pub key: Key,
    #[command(flatten)]
    pub yes: Yes,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "For CSV files")]
pub struct CsvOptions {
    /// Name of the data source; source and row code together identify a row
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Column with the unique row code, if it is not the loader's default
    #[arg(long, value_name = "COLUMN", requires = "source")]
    pub key: Option<String>,
    /// Options for the app's loader, after `--`; the application profile lists them
    #[arg(last = true, requires = "source", value_name = "LOADER OPTIONS")]
    pub loader: Vec<String>,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct Yes {
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub struct Artifact {
    /// Deploy this static x86_64 binary instead of building the app
    #[arg(long, value_name = "FILE")]
    pub artifact: Option<PathBuf>,
}
