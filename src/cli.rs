//! The command line. These types are the manual.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::core::handbook::Language;
use crate::core::value::TextLine;

pub use crate::config::options::{
    Artifact, BackupCommand, BackupNow, BackupPrune, CsvOptions, Db, ExecCommand, ImportCommand,
    InitOptions, Key, Log, LogOptions, MonitoringCommand, PortPair, ProxyCommand, ProxyTarget,
    PsqlCommand, RestoreCommand, RotateCommand, SecretsCommand, Yes, line_count, named,
};

/// A package says of which commit it was built, and when. Whoever builds the source tree knows that.
const VERSION: &str = match option_env!("CITRINO_OPS_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// The heading of the options of every command.
const GLOBAL: &str = "Global options";
const EXIT_CODES: &str = "\
Exit codes:
  0  done, or nothing to do
  1  failed
  2  wrong usage or configuration; nothing was changed
  3  changes pending (plan, gc, --check)
  4  unhealthy
  5  another run is changing the host
  6  the new release failed; the old one is live
  7  refused because it is not safe
  8  done, but a hook after it failed
`citrino-ops explain CODE` explains an error.";

/// Create a server at Hetzner, configure it, deploy the app to it, and keep it healthy
#[derive(Debug, Parser)]
#[command(version = VERSION, after_help = EXIT_CODES, arg_required_else_help = true, infer_subcommands = false, max_term_width = 100)]
pub struct Cli {
    /// Configuration file [default: `$CITRINO_CONFIG`, or the citrino.yml of this folder or of the nearest one above]
    #[arg(short, long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Also read citrino.NAME.yml, whose keys replace those of citrino.yml
    #[arg(short, long, global = true, help_heading = GLOBAL, value_name = "NAME")]
    pub environment: Option<String>,
    /// Print JSON, one object per line; the last is the summary
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,
    /// Also print unchanged steps, and each change in detail
    #[arg(short, long, global = true, help_heading = GLOBAL, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Print only errors and requested output
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub quiet: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Ask what a stack needs, and write a commented citrino.yml; nothing is overwritten
    Init(Box<InitOptions>),
    /// Check citrino.yml, playbooks, templates and migrations
    Validate {
        /// Also run the commands that citrino.yml names for secrets
        #[arg(long)]
        resolve: bool,
    },
    /// Show what would change, and the cost per month
    Plan {
        /// Save the plan to a file; `provision --plan FILE` and `converge --plan FILE` apply it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Create or change the resources at Hetzner, and wait for the host
    Provision(Provision),
    /// Configure the host: packages, firewall, PostgreSQL, nginx, users, backups
    Converge(Apply),
    /// Deploy the app; switch to the new release once it is healthy
    Deploy {
        #[command(flatten)]
        artifact: Artifact,
        /// Only show what would happen, and change nothing; exit 3 if something would
        #[arg(long, conflicts_with = "CutOff")]
        check: bool,
        /// One line about it, for `releases` and the audit log
        #[arg(long, value_name = "TEXT", conflicts_with_all = ["CutOff", "check"])]
        note: Option<TextLine>,
        #[command(flatten)]
        cut_off: CutOff,
    },
    /// Run provision, converge, deploy, a first backup, and health
    Up {
        #[command(flatten)]
        yes: Yes,
        #[command(flatten)]
        artifact: Artifact,
    },
    /// List the releases on the host, and which of them `rollback` can use
    Releases,
    /// Return to an earlier release
    Rollback(Rollback),
    /// Take a backup of the database, or list, check and copy backups
    #[command(args_conflicts_with_subcommands = true)]
    Backup {
        #[command(flatten)]
        now: BackupNow,
        #[command(subcommand)]
        what: Option<BackupCommand>,
    },
    /// Restore the database from a backup, or to a point in time
    ///
    /// The current database is kept under another name until `backup prune --previous-databases`.
    Restore(RestoreCommand),
    /// Import data
    Db {
        #[command(subcommand)]
        what: Db,
    },
    /// Show server, host, release, backups and the last run
    Status,
    /// Show the cost per month at the API's prices
    Cost,
    /// Run the production checklist on the host
    ///
    /// Changes nothing; exit 4 if a check fails.
    Health,
    /// Show the certificate of the site, or renew it
    Tls {
        #[command(subcommand)]
        what: TlsCommand,
    },
    /// Check this machine: ssh, keys, clock, token, secrets, the domain, free space
    Doctor,
    /// Close the site to its visitors, or open it again
    Maintenance {
        #[command(subcommand)]
        what: MaintenanceCommand,
    },
    /// Lock the stack: nothing changes it until `unlock`; without a message, show whether it is locked
    Lock {
        /// Why: one line that everybody reads who is refused
        #[arg(long, value_name = "TEXT")]
        message: Option<TextLine>,
    },
    /// Unlock the stack
    Unlock {
        #[command(flatten)]
        yes: Yes,
    },
    /// Show the logs of the host
    Logs(LogOptions),
    /// Show who changed the host and when, or verify that record
    #[command(args_conflicts_with_subcommands = true)]
    Audit {
        /// Number of lines
        #[arg(short = 'n', long, default_value_t = 50, value_name = "LINES", value_parser = line_count)]
        lines: u32,
        #[command(subcommand)]
        what: Option<Audit>,
    },
    /// Send a test alert to every configured recipient
    Alerts {
        #[command(subcommand)]
        what: AlertsCommand,
    },
    /// Print what Prometheus, Grafana and Uptime Kuma need to watch this stack
    Monitoring {
        #[command(subcommand)]
        what: MonitoringCommand,
    },
    /// Log in to the host, or run a command on it
    Ssh {
        /// The command to run; without it, a login shell
        #[arg(trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Run a command as the app: its user, its sandbox, its environment
    ///
    /// Its exit code is passed on.
    Exec(ExecCommand),
    /// Open psql as the app's role, read-only unless `--write` is given
    Psql(PsqlCommand),
    /// Forward a port of this machine to the database, the app or another service, until Ctrl-C
    Proxy(ProxyCommand),
    /// List, set, edit or rotate secrets
    Secrets {
        #[command(subcommand)]
        what: SecretsCommand,
    },
    /// Add existing Hetzner resources with the stack's names to the stack
    Adopt(Adopt),
    /// Give the host a new disk, or recover a lost server from a backup
    ///
    /// The addresses stay. Everything on the disk is lost.
    Rebuild(Rebuild),
    /// Show resources and snapshots that are no longer needed
    ///
    /// With `--yes` they are deleted.
    Gc {
        /// Delete them
        #[arg(short, long)]
        yes: bool,
    },
    /// Delete the stack at Hetzner, with all its data
    ///
    /// Asks you to type the stack's name.
    Destroy {
        /// Only lift the protection and delete nothing; the first step for protected resources
        #[arg(long, conflicts_with_all = ["yes", "snapshots"])]
        unprotect: bool,
        /// Also delete the snapshots
        #[arg(long)]
        snapshots: bool,
        #[command(flatten)]
        yes: Yes,
    },
    /// Show the configuration as it is read, its JSON Schema, or what each key means
    Config {
        #[command(subcommand)]
        what: ConfigCommand,
    },
    /// Read the operator's handbook: the contents or a page, or search for words
    Docs {
        /// A page, an error code, or words to look for; without them, all pages are listed
        words: Vec<String>,
        /// The language [default: that of the environment, English if it is another]
        #[arg(long, value_name = "en|es")]
        lang: Option<Language>,
    },
    /// Explain an error code: cause, what was changed, what to do next
    Explain {
        /// Such as E0502; without it, all codes are listed
        code: Option<String>,
    },
    /// Print the completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// The agent on the host: reads a plan on stdin and writes events to stdout
    #[command(hide = true)]
    Agent,
    /// The dead man's switch, started by systemd on the host
    #[command(hide = true)]
    Guard,
    /// Jobs that timers start on the host
    #[command(hide = true)]
    Scheduled {
        job: Scheduled,
        /// What `alert` is about: a unit that failed, or the name of a test
        unit: Option<String>,
    },
}

#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show every value, and where it comes from
    Show,
    /// Print the JSON Schema of citrino.yml, for editors
    Schema,
    /// Explain a key or task kind: meaning, values, default, and how a change takes effect
    Docs {
        /// The key, such as `app.port`, a section, or a task kind, such as `task.file` [default: all keys]
        key: Option<String>,
        /// Print the whole reference in Markdown
        #[arg(long, conflicts_with = "key")]
        markdown: bool,
    },
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum TlsCommand {
    /// Show the certificate's issuer, names, expiry and next renewal, and the last refusal
    Status,
    /// Request a new certificate with a new key now
    Renew,
}

#[derive(Clone, Debug, Subcommand)]
pub enum MaintenanceCommand {
    /// Close the site: visitors get status 503 and a page
    ///
    /// The app keeps running and its health routes still answer. No alerts are sent for the site meanwhile.
    On {
        /// What visitors read [default: the text of the application profile]
        #[arg(long, value_name = "TEXT")]
        message: Option<String>,
    },
    /// Open the site again
    Off,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum AlertsCommand {
    /// Send a test alert to every configured recipient and report which ones accepted it
    Test,
}

#[derive(Clone, Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    pub yes: Yes,
    /// Only show what would change; exit 3 if something would
    #[arg(long, conflicts_with_all = ["yes", "plan"])]
    pub check: bool,
    /// Apply a plan saved with `plan --out`; refuse if anything changed since
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Provision {
    #[command(flatten)]
    pub apply: Apply,
    /// Rebuild the server if `cloud.image` differs. All data on its disk is lost
    #[arg(long)]
    pub replace: bool,
}

#[derive(Clone, Debug, Args)]
pub struct Adopt {
    #[command(flatten)]
    pub yes: Yes,
    /// Show what `converge` would change of other software on an existing host, and accept it
    #[arg(long, conflicts_with_all = ["server", "host_key"])]
    pub host: bool,
    /// The server's name, if it is not the stack's; `provision` renames it
    #[arg(long, value_name = "NAME")]
    pub server: Option<String>,
    /// The server's host key: the line in its `/etc/ssh/ssh_host_ed25519_key.pub`
    #[arg(long, value_name = "LINE")]
    pub host_key: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct Rollback {
    /// The release: its name, or the start or end of it [default: the one that was live before]
    #[arg(value_parser = named)]
    pub release: Option<String>,
    #[command(flatten)]
    pub data: RollbackData,
    /// Only show what would happen, and change nothing; exit 3 if something would
    #[arg(long, conflicts_with = "yes")]
    pub check: bool,
    /// One line about it, for the audit log
    #[arg(long, value_name = "TEXT", conflicts_with = "check")]
    pub note: Option<TextLine>,
    #[command(flatten)]
    pub yes: Yes,
}

/// What happens to the database when its schema is too new for the release.
#[derive(Clone, Copy, Debug, Args)]
#[group(multiple = false)]
pub struct RollbackData {
    /// Also revert migrations, if that loses no data
    #[arg(long)]
    pub down: bool,
    /// Also restore the database from a backup; everything written since then is lost
    #[arg(long)]
    pub restore_db: bool,
}

#[derive(Clone, Copy, Debug, Default, Args)]
#[group(multiple = false, conflicts_with = "Artifact")]
pub struct CutOff {
    /// Finish a deploy that was interrupted
    #[arg(long)]
    pub resume: bool,
    /// Undo a deploy that was interrupted
    #[arg(long)]
    pub abort: bool,
    /// Follow the current or last run on the host
    #[arg(long)]
    pub attach: bool,
}

impl CutOff {
    /// Whether it is about a run that was interrupted.
    pub fn is_any(self) -> bool {
        self.resume || self.abort || self.attach
    }
}

#[derive(Clone, Debug, Args)]
pub struct Rebuild {
    /// Recover the whole site with this backup: a name, a file, or `s3://BUCKET/PREFIX` [default: the newest in the bucket or in `backups` beside citrino.yml]
    ///
    /// Creates the server if it is lost, configures it, restores the database and deploys the app.
    #[arg(long, value_name = "BACKUP", num_args = 0..=1, default_missing_value = "newest", value_parser = named)]
    pub from_backup: Option<String>,
    /// Go on although the stack's volume exists; the database on it is kept under another name
    #[arg(long, requires = "from_backup")]
    pub over_volume: bool,
    /// Accept the named backup although it is not signed with the stack's key. Use it only if you know who wrote it
    #[arg(long, requires = "from_backup")]
    pub unverified: bool,
    #[command(flatten)]
    pub artifact: Artifact,
    #[command(flatten)]
    pub key: Key,
    #[command(flatten)]
    pub yes: Yes,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Audit {
    /// Verify the hash chain of the host, and compare it with this machine's copy
    Verify {
        /// Only verify this machine's copy, without connecting
        #[arg(long)]
        mirror: bool,
    },
    /// Accept the host's new audit log after a rebuild; this machine's copy of the earlier one is kept
    Accept {
        #[command(flatten)]
        yes: Yes,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scheduled {
    /// Take a backup, and delete those that need not be kept
    Backup,
    /// Prove the newest backup by restoring it
    Drill,
    /// Copy the backups to the bucket
    Offsite,
    /// Renew the certificate of the site when its time has come
    Certificate,
    /// Ask the checklist, and tell what changed
    Health,
    /// Tell that a unit failed
    Alert,
}
