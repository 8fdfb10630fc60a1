//! What a command was asked for, as data. `docs/json.schema.json` has the form of each kind.

use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident => $word:literal),* $(,)?) => {
        /// What a datum is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum DatumKind { $($(#[$doc])* #[serde(rename = $word)] $kind),* }

        impl DatumKind {
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// As `--json` names it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$kind => $word),* }
            }
        }
    };
}

kinds! {
    /// What was found valid.
    Configuration => "configuration",
    /// What the wished server is and costs.
    Offer => "offer",
    /// Of what exists at Hetzner, when a run that changes it failed.
    Price => "price",
    Cost => "cost",
    Server => "server",
    Host => "host",
    /// The release that serves.
    Live => "live",
    /// What a change of release would do.
    ReleaseForecast => "release_forecast",
    /// What `converge` would change.
    Waiting => "waiting",
    /// Whether somebody has locked the stack.
    Freeze => "freeze",
    /// The site is closed to its visitors.
    Maintenance => "maintenance",
    /// How well the data is kept.
    Backups => "backups",
    LastRun => "last_run",
    /// Where the site's name leads.
    Domain => "domain",
    /// The certificate of the site, and what becomes of it.
    Certificate => "certificate",
    /// Where the site is, and what it waits for.
    Site => "site",
    Release => "release",
    /// A folder of a release that never arrived whole.
    TornRelease => "torn_release",
    Backup => "backup",
    /// A file that was copied to this machine.
    Copied => "copied",
    /// Rows of a table before and after an import.
    Rows => "rows",
    /// What a rebuild took, and what was lost.
    Recovery => "recovery",
    LogLine => "log_line",
    /// A line that a command on the host printed.
    OutputLine => "output_line",
    /// A port of this machine that leads to the host.
    Proxy => "proxy",
    /// What a chain of the audit is.
    AuditChain => "audit_chain",
    /// What stands between two lines of the audit.
    TornLine => "torn_line",
    ErrorCode => "error_code",
    /// A page of the handbook, as its contents have it.
    HandbookEntry => "handbook_entry",
    HandbookPage => "handbook_page",
    /// What a key of citrino.yml is, and where that is said.
    ConfigValue => "config_value",
    ConfigSchema => "config_schema",
    /// What Prometheus or Uptime Kuma reads.
    Monitoring => "monitoring",
    /// A dashboard that was written.
    Dashboard => "dashboard",
    /// What the operator's own machine is like.
    Machine => "machine",
    /// Where a secret comes from, and whether that gives a value.
    SecretSource => "secret_source",
    /// What a key means.
    ConfigKey => "config_key",
    TaskKind => "task_kind",
    ConfigReference => "config_reference",
    Completions => "completions",
    /// What is protected no more.
    Unprotected => "unprotected",
    /// Snapshots that stay.
    Snapshots => "snapshots",
}

/// One thing that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Datum {
    pub kind: DatumKind,
    pub data: Value,
}

impl Datum {
    pub fn new(kind: DatumKind, data: Value) -> Self {
        Self { kind, data }
    }
}
