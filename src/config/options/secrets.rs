//! What the operator writes about secrets. `cli.rs` has the commands.

use clap::{Args, Subcommand};

use crate::core::value::Variable;

#[derive(Clone, Debug, Subcommand)]
pub enum SecretsCommand {
    /// List the secrets: where each comes from, and whether it has a value
    List {
        /// Also run the commands that citrino.yml names for secrets
        #[arg(long)]
        resolve: bool,
    },
    /// Set a secret in secrets.age; its value comes from stdin, or is asked for without being shown
    Set {
        /// The name, such as `ZAI_API_KEY`
        name: Variable,
    },
    /// Open secrets.age in your editor; the plain text is kept in memory only
    Edit,
    /// Give a secret another value, and bring it to the app without an interruption
    Rotate(RotateCommand),
}

#[derive(Clone, Debug, Args)]
pub struct RotateCommand {
    /// The name below `secrets` in citrino.yml
    pub name: Variable,
    /// Make a random value; for `DB_PASSWORD` that is the default
    #[arg(long, conflicts_with = "from_stdin")]
    pub generate: bool,
    /// Take the value from stdin, or ask for it without showing it; for every other secret that is the default
    #[arg(long)]
    pub from_stdin: bool,
}
