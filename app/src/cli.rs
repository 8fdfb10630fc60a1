//! The command line. These types are the manual.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::demo::DEFAULT_SEED;
use crate::settings::Bind;

/// Citrino: a real-estate investment recommender over `PostGIS`.
///
/// The database comes from the environment: `DATABASE_URL`, or `DB_HOST` (an address or a socket directory), `DB_PORT`,
/// `DB_NAME`, `DB_USER` and `DB_PASSWORD` (without it: peer authentication over the socket).
///
/// Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 changes pending (--check).
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Cli {
    /// Settings as YAML; every key has a default.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub verb: Verb,
}

/// What the binary does.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Answer HTTP until SIGTERM, then finish the requests in flight and leave.
    Serve {
        /// Where to listen instead of the settings' `bind`: `127.0.0.1:5001` or `unix:/run/citrino/app.sock`.
        #[arg(long, value_name = "ADDR")]
        bind: Option<Bind>,
    },
    /// Bring the schema up to this release.
    Migrate {
        /// Change nothing; exit 3 when migrations are pending.
        #[arg(long)]
        check: bool,
    },
    /// Put data into the database.
    Load {
        /// The generated demonstration data: 1,588 properties, 4,777 services, 150 agents.
        #[arg(long, required = true)]
        demo: bool,
        /// The generator's seed; the same seed gives the same rows.
        #[arg(long, default_value_t = DEFAULT_SEED)]
        seed: u64,
        /// Change nothing; exit 3 when the database does not hold exactly this data.
        #[arg(long)]
        check: bool,
    },
    /// Print how the database runs the query of /api/recomendar: EXPLAIN (ANALYZE, BUFFERS).
    Explain {
        /// The wanted zone.
        #[arg(long, value_name = "ZONE")]
        zona: String,
        /// How many recommendations.
        #[arg(long, default_value_t = 10)]
        limite: i64,
    },
    /// Print the settings in force, without secrets.
    Check,
}
