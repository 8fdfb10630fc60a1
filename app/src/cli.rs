//! The command line. These types are the manual.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::catalog::OPERATIONS;
use crate::demo::{DEFAULT_COUNT, DEFAULT_SEED};
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
    /// Serve HTTP until SIGTERM, then finish the requests in flight and exit.
    Serve {
        /// Listen here and not on the settings' `bind`: `127.0.0.1:5001` or `unix:/run/citrino/app.sock`.
        #[arg(long, value_name = "ADDR")]
        bind: Option<Bind>,
        /// Print the settings in force without secrets, and exit.
        #[arg(long)]
        check: bool,
    },
    /// Bring the schema up to this release.
    Migrate(Migrate),
    /// Load data into the database.
    Load(Load),
    /// Print EXPLAIN (ANALYZE, BUFFERS) of the query behind /api/recomendar.
    Explain {
        /// The zone.
        #[arg(long, value_name = "ZONE")]
        zona: String,
        /// How many recommendations.
        #[arg(long, default_value_t = 10)]
        limite: i64,
    },
    /// Print the settings in force, without secrets.
    Check,
}

/// Without an option, `migrate` applies pending migrations.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Change nothing; exit 3 if migrations are pending, 1 if this release is too old for the schema.
    #[arg(long, group = "what")]
    pub check: bool,
    /// Print the migrations of this release as JSON; needs no database.
    #[arg(long, group = "what")]
    pub describe: bool,
    /// Print the applied migrations and the schema's floor as JSON.
    #[arg(long, group = "what")]
    pub status: bool,
    /// Revert every migration above this version, newest first.
    #[arg(long, group = "what", value_name = "N")]
    pub down_to: Option<i64>,
    /// Revert even if that loses data.
    #[arg(long, requires = "down_to")]
    pub lose_data: bool,
}

/// What to load: generated data or a file.
#[derive(Debug, Args)]
pub struct Load {
    #[command(flatten)]
    pub what: What,
    /// Seed of the generator; the same seed gives the same rows.
    #[arg(long, default_value_t = DEFAULT_SEED, conflicts_with = "file")]
    pub seed: u64,
    /// How many properties to generate.
    #[arg(long, default_value_t = DEFAULT_COUNT, conflicts_with = "file", value_name = "N")]
    pub propiedades: u32,
    #[command(flatten)]
    pub file: FileOptions,
    /// Change nothing; exit 3 if the database does not hold exactly this data.
    #[arg(long)]
    pub check: bool,
}

/// Where the rows come from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct What {
    /// The generated demonstration data: 1,588 properties, 4,777 services, 150 agents.
    #[arg(long)]
    pub demo: bool,
    /// A CSV file with a line of column names, or a JSON file with a list of objects.
    #[arg(long, value_name = "FILE", requires = "source")]
    pub file: Option<PathBuf>,
}

/// Facts that a file does not contain.
#[derive(Debug, Args)]
pub struct FileOptions {
    /// Name of the source; source and code together identify a row.
    #[arg(long, requires = "file")]
    pub source: Option<String>,
    /// The table that the rows are for.
    #[arg(long, value_enum, default_value_t = Kind::Propiedades, requires = "file")]
    pub table: Kind,
    /// Currency of prices without one: USD or BOB.
    #[arg(long, requires = "file")]
    pub moneda: Option<String>,
    /// Bolivianos for one dollar.
    #[arg(long, requires = "file", value_parser = positive)]
    pub cambio: Option<f64>,
    /// Operation of properties without one.
    #[arg(long, requires = "file", value_parser = OPERATIONS.to_vec())]
    pub operacion: Option<String>,
    /// Reject rows whose zone is not a known zone of the city.
    #[arg(long, requires = "file")]
    pub known_zones: bool,
    /// The column that tells rows apart, where it is not codigo or url.
    #[arg(long, requires = "file", value_name = "COLUMN")]
    pub key: Option<String>,
    /// Write the rejected rows to this CSV file, with their places and reasons.
    #[arg(long, requires = "file", value_name = "FILE")]
    pub rejects: Option<PathBuf>,
}

/// The tables that files may fill.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// Properties.
    Propiedades,
    /// Services.
    Servicios,
    /// Agents.
    Agentes,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("it must be a number above 0".to_owned()),
    }
}
