//! The command line. These types are the manual.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use time::OffsetDateTime;

use crate::task::recovered;

/// The file that is read when none is named.
pub const DEFAULT_CONFIG: &str = "citrino.yml";

/// From a citrino.yml to a server that serves: provisions it at Hetzner, configures it, deploys the app and watches over it.
///
/// Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 changes pending (`plan`, `--check`), 4 unhealthy, 5 locked
/// by another run, 6 the new release failed and the old one serves, 7 refused because unsafe.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, infer_subcommands = false)]
pub struct Cli {
    /// What is wished
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        default_value = DEFAULT_CONFIG
    )]
    pub config: PathBuf,
    /// One JSON object a line instead of text; the last is the summary
    #[arg(long, global = true)]
    pub json: bool,
    /// Also what is already so, and what exactly was changed
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Only failures, and what was asked for
    #[arg(short, long, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Read citrino.yml, playbooks and templates, and touch nothing
    Validate,
    /// Show what `provision` and `converge` would change, and what a month costs
    Plan {
        /// Keep the plan in a file; `--plan FILE` of `provision` and `converge` applies it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Make the cloud as wished, and wait until the host answers
    Provision(Provision),
    /// Make the host as wished
    Converge {
        /// Only show what would change; exit 3 when something would
        #[arg(long, conflicts_with = "plan")]
        check: bool,
        /// Make so what this file of `plan --out` says, and refuse when something changed since
        #[arg(long, value_name = "FILE")]
        plan: Option<PathBuf>,
    },
    /// Bring a release of the app to the host, and switch to it when it is healthy
    Deploy {
        #[command(flatten)]
        artifact: Artifact,
        #[command(flatten)]
        cut_off: CutOff,
    },
    /// provision, converge, deploy, health: from nothing to serving
    Up {
        #[command(flatten)]
        yes: Yes,
        #[command(flatten)]
        artifact: Artifact,
    },
    /// List the releases on the host, and which of them can be gone back to
    Releases,
    /// Go back to a release that served before
    Rollback(Rollback),
    /// Take a backup of the database now, or look after those that there are
    #[command(args_conflicts_with_subcommands = true)]
    Backup {
        #[command(flatten)]
        now: BackupNow,
        #[command(subcommand)]
        what: Option<Backup>,
    },
    /// Bring the database back as it was in a backup; the one of now stays aside until `backup prune --previous-databases`
    Restore(Restore),
    /// Work on what the database holds
    Db {
        #[command(subcommand)]
        what: Db,
    },
    /// Show at one look what there is: server, host, release, backups, last run
    Status,
    /// Show what a month costs, by the API's own prices
    Cost,
    /// Ask the host the questions of the production checklist, each with its limit
    Health,
    /// Show the logs of the host
    Logs {
        /// Go on with what comes
        #[arg(short, long)]
        follow: bool,
        /// How many lines of each log
        #[arg(short = 'n', long, default_value_t = 50, value_name = "LINES")]
        lines: u32,
        #[arg(value_enum, default_value_t = Log::App)]
        log: Log,
    },
    /// Show who did what on the host and when, by its hash-chained audit
    #[command(args_conflicts_with_subcommands = true)]
    Audit {
        /// How many lines
        #[arg(short = 'n', long, default_value_t = 50, value_name = "LINES")]
        lines: usize,
        #[command(subcommand)]
        verify: Option<Audit>,
    },
    /// Log in to the host, or run a command there
    Ssh {
        #[arg(trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Take into the stack what has its names and belongs to nobody
    Adopt(Adopt),
    /// Give the host a new disk from its image; its addresses stay, what it holds is lost
    Rebuild(Rebuild),
    /// Show what carries the stack's label and is not wished, old snapshots too; `--yes` deletes it
    Gc(Yes),
    /// Delete everything of the stack in the cloud
    Destroy {
        /// First step for what is protected: take the protection off, and delete nothing
        #[arg(long, conflicts_with_all = ["yes", "snapshots"])]
        unprotect: bool,
        /// The snapshots too, which stay otherwise
        #[arg(long)]
        snapshots: bool,
        #[command(flatten)]
        yes: Yes,
    },
    /// Explain an error code: its cause, what was changed, what to do next
    Explain {
        /// Such as E0502; none lists all
        code: Option<String>,
    },
    /// Print the completions for a shell
    Completions { shell: clap_complete::Shell },
    /// The host's side: speaks with the operator's on stdin and stdout
    #[command(hide = true)]
    Agent,
    /// The dead man's switch: what systemd starts on the host
    #[command(hide = true)]
    Guard,
    /// What timers start on the host
    #[command(hide = true)]
    Scheduled { job: Scheduled },
}

#[derive(Clone, Copy, Debug, Args)]
pub struct Yes {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Clone, Debug, Args)]
pub struct Provision {
    #[command(flatten)]
    pub yes: Yes,
    /// Only show what would change; exit 3 when something would
    #[arg(long, conflicts_with_all = ["yes", "plan"])]
    pub check: bool,
    /// Allow the server's disk to be made anew when the image differs: what it holds is lost
    #[arg(long)]
    pub replace: bool,
    /// Make so what this file of `plan --out` says, and refuse when something changed since
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Adopt {
    #[command(flatten)]
    pub yes: Yes,
    /// The server's name, where it is not the stack's; `provision` renames it then
    #[arg(long, value_name = "NAME")]
    pub server: Option<String>,
    /// The server's ed25519 host key, as the line of its public key file
    #[arg(long, value_name = "LINE")]
    pub host_key: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct Artifact {
    /// A static x86_64 binary of the app, instead of building the app's source
    #[arg(long, value_name = "FILE")]
    pub artifact: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Rollback {
    /// The release, by its name or the begin or end of it; the one that served before when it is not said
    pub release: Option<String>,
    #[command(flatten)]
    pub data: RollbackData,
    #[command(flatten)]
    pub yes: Yes,
}

/// What is to become of the database when the schema is past the release.
#[derive(Clone, Copy, Debug, Args)]
#[group(multiple = false)]
pub struct RollbackData {
    /// Take the schema back too, where that loses nothing
    #[arg(long)]
    pub down: bool,
    /// Bring the database back as it was in a backup: what was written since then is given up
    #[arg(long)]
    pub restore_db: bool,
}

/// What is to become of a run that was cut off.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(multiple = false, conflicts_with = "Artifact")]
pub struct CutOff {
    /// End the deploy that was cut off: its agent was killed, or the host went down
    #[arg(long)]
    pub resume: bool,
    /// Undo the deploy that was cut off
    #[arg(long)]
    pub abort: bool,
    /// Listen to the run that is under way on the host, or to the last one
    #[arg(long)]
    pub attach: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Db {
    /// Bring the data of development into production: beside the live database, counted and looked at, then swapped in
    Import(Import),
}

#[derive(Clone, Debug, Args)]
pub struct Import {
    /// A dump of one database by `pg_dump` (plain or custom format, as it is or packed with gzip or zstd), which replaces
    /// all there is; or CSV files of properties, services and agents, whose rows come into what there is
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub csv: CsvOptions,
    /// Only make it, look at it, and take it away again; nothing is replaced
    #[arg(long, conflicts_with = "yes")]
    pub check: bool,
    #[command(flatten)]
    pub yes: Yes,
}

#[derive(Clone, Debug, Args)]
pub struct Rebuild {
    /// To serving again, a lost server included: a new server or a new disk, converged, its database from a backup, the app
    /// deployed; says how long it took. The newest backup off the host when it is not said: a name, a file, or `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "BACKUP", num_args = 0..=1, default_missing_value = "newest")]
    pub from_backup: Option<String>,
    /// Also when the stack's volume is there: the database on it is set aside, and stays until `backup prune --previous-databases`
    #[arg(long, requires = "from_backup")]
    pub over_volume: bool,
    #[command(flatten)]
    pub artifact: Artifact,
    #[command(flatten)]
    pub key: Key,
    #[command(flatten)]
    pub yes: Yes,
}

#[derive(Clone, Copy, Debug, Default, Args)]
pub struct BackupNow {
    /// SQL as text, packed by gzip: larger and slower than the usual format, and readable everywhere
    #[arg(long)]
    pub plain: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Backup {
    /// Take one now
    Now(BackupNow),
    /// List them, led by when one was last proven by a restore
    List,
    /// Look whether they are, byte for byte, what was written, and can be read
    Verify {
        /// One of them, by its name or the begin or end of it; all when it is not said
        backup: Option<String>,
        #[command(flatten)]
        key: Key,
    },
    /// Restore one into a scratch database, compare it with what was written, ask the app on it, and drop it
    Drill {
        /// The newest when it is not said
        backup: Option<String>,
        #[command(flatten)]
        key: Key,
    },
    /// Bring one to this machine; what is here already is not sent again
    Pull {
        /// By its name or the begin or end of it; the newest when it is not said
        backup: Option<String>,
        /// The folder that it goes into; `backups` beside citrino.yml when it is not said
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Take away what need not be kept, on the host and in the bucket
    Prune {
        /// Also delete the previous databases that restores and imports have kept
        #[arg(long, alias = "aside")]
        previous_databases: bool,
        /// Only show what would go; exit 3 when something would
        #[arg(long)]
        check: bool,
    },
}

/// What opens encrypted backups.
#[derive(Clone, Debug, Default, Args)]
pub struct Key {
    /// The file of an age private key, instead of `backup.identity`
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Restore {
    /// A backup on the host, by its name or the begin or end of it, or `latest`; or a file of one that `backup pull` brought
    #[arg(required_unless_present_any = ["to", "from"])]
    pub backup: Option<String>,
    /// Fetch it from a bucket first, the newest when no name is given: `s3://BUCKET/PREFIX`, or `s3://` for that of citrino.yml
    #[arg(long, value_name = "URL", conflicts_with = "to")]
    pub from: Option<String>,
    /// As it was at this time, with its zone: `2026-11-24 03:00:00-04` (needs `backup: { pitr: true }`)
    #[arg(long, value_name = "TIME", conflicts_with = "backup", value_parser = recovered::parse)]
    pub to: Option<OffsetDateTime>,
    /// Also when it is of another stack
    #[arg(long)]
    pub from_other_stack: bool,
    /// Where the database of now is too damaged to be dumped: it stays aside all the same
    #[arg(long)]
    pub without_safety_backup: bool,
    #[command(flatten)]
    pub key: Key,
    #[command(flatten)]
    pub yes: Yes,
}

/// What a CSV does not say itself; for the app's loader.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "For CSV files")]
pub struct CsvOptions {
    /// Whose rows they are: with a row's code it says which row of the table it is
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// The currency of prices that name none
    #[arg(long, value_parser = ["USD", "BOB"], requires = "source")]
    pub moneda: Option<String>,
    /// How many bolivianos are a dollar
    #[arg(long, value_name = "RATE", requires = "source")]
    pub cambio: Option<f64>,
    /// The operation of properties that name none
    #[arg(long, value_parser = ["venta", "alquiler", "anticretico"], requires = "source")]
    pub operacion: Option<String>,
    /// Reject rows whose zone is none of the city's known ones
    #[arg(long, requires = "source")]
    pub known_zones: bool,
}

impl CsvOptions {
    /// As the app's loader takes them, without the source.
    pub fn of_loader(&self) -> Vec<String> {
        let valued = [
            ("--moneda", self.moneda.clone()),
            ("--cambio", self.cambio.map(|rate| rate.to_string())),
            ("--operacion", self.operacion.clone()),
        ];
        let mut options: Vec<String> = valued
            .into_iter()
            .filter_map(|(option, value)| value.map(|value| [option.to_owned(), value]))
            .flatten()
            .collect();
        if self.known_zones {
            options.push("--known-zones".to_owned());
        }
        options
    }
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Audit {
    /// Hold the chain of the host against itself, and against what this machine has seen of it
    Verify {
        /// Only what this machine has seen; the host is not asked
        #[arg(long)]
        mirror: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scheduled {
    /// A backup, and what need not be kept any more is gone
    Backup,
    /// A proof by a restore
    Drill,
    /// What the host has is in the bucket too
    Offsite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Log {
    /// The app's, from the systemd journal
    App,
    /// nginx's access and error log
    Nginx,
    /// `PostgreSQL`'s
    Postgres,
    /// The journal of citrino-ops itself
    Ops,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
