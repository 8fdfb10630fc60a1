//! What `monitoring` prints. `cli.rs` has the commands.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Clone, Debug, Subcommand)]
pub enum MonitoringCommand {
    /// Print the scrape configuration of Prometheus
    Prometheus {
        /// Print the alerting rules instead
        #[arg(long)]
        rules: bool,
    },
    /// Write the dashboards for Grafana, one file each
    Dashboards {
        /// Where to
        #[arg(long, value_name = "FOLDER", default_value = "dashboards")]
        out: PathBuf,
    },
    /// Print the monitors of this stack for the import of Uptime Kuma 1.23
    ///
    /// Uptime Kuma 2 has no import. Its push monitor takes `alerts.heartbeat` all the same.
    ExportKuma,
}
