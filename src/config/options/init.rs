//! What the operator says to begin with, where nobody is there to be asked. `cli.rs` has the command.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::core::value::{Address, Domain, Email, HostKey, Login, Port, StackName, TextLine, Word};

/// Whose files `init` can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CiSystem {
    /// A workflow for GitHub Actions, and `ci/deploy`
    Github,
    /// `ci/deploy` alone, a script for any runner
    Script,
}

#[derive(Clone, Debug, Args)]
pub struct InitOptions {
    /// The name of the stack, and of its server [default: the name of this folder]
    #[arg(long, value_name = "NAME")]
    pub stack: Option<StackName>,
    /// Domain of the site
    #[arg(long)]
    pub domain: Option<Domain>,
    /// Use an existing machine at this address instead of a server at Hetzner
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["server_type", "location", "image"])]
    pub host: Option<Address>,
    /// SSH port of the existing machine
    #[arg(long, requires = "host", default_value = "22", value_parser = port)]
    pub ssh_port: Port,
    /// SSH user on the existing machine
    #[arg(long, requires = "host", default_value = "root")]
    pub ssh_user: Login,
    /// Its host key, as `ssh-ed25519 AAAA…`; without it, `init` shows the fingerprint and asks
    #[arg(long, requires = "host", value_name = "LINE")]
    pub host_key: Option<HostKey>,
    /// The server type [default: the cheapest with 2 GB]
    #[arg(long, value_name = "TYPE")]
    pub server_type: Option<Word>,
    /// Hetzner location, such as `fsn1`
    #[arg(long)]
    pub location: Option<Word>,
    /// Operating system image [default: debian-12]
    #[arg(long)]
    pub image: Option<Word>,
    /// The public key that you log in with [default: one of `~/.ssh`]
    #[arg(long, value_name = "FILE")]
    pub ssh_key: Option<PathBuf>,
    /// A bucket for copies of the backups
    #[arg(long, value_name = "NAME", requires_all = ["endpoint", "region"])]
    pub bucket: Option<Word>,
    /// The bucket's S3 endpoint, as `https://…`
    #[arg(long, value_name = "URL", requires = "bucket")]
    pub endpoint: Option<String>,
    /// The bucket's region
    #[arg(long, requires = "bucket")]
    pub region: Option<Word>,
    /// Have Let's Encrypt issue the site's certificate, and agree to its terms
    #[arg(long)]
    pub letsencrypt: bool,
    /// Mail address that gets alerts
    #[arg(long, value_name = "ADDRESS", requires = "relay")]
    pub alerts: Option<Email>,
    /// SMTP server that sends the host's mail
    #[arg(long, value_name = "HOST", requires = "alerts")]
    pub relay: Option<Address>,
    /// SMTP user; the password comes from the secret `RELAY_PASSWORD`
    #[arg(long, value_name = "USER", requires = "relay")]
    pub relay_user: Option<TextLine>,
    /// Also make secrets.age, with a password for the database
    #[arg(long)]
    pub secrets: bool,
    /// Also write what a CI system needs; where citrino.yml is there already, that alone
    #[arg(long, value_enum, value_name = "SYSTEM")]
    pub ci: Option<CiSystem>,
    /// Write a citrino.yml for the local lab
    #[arg(long, conflicts_with_all = ["stack", "domain", "host", "server_type", "bucket", "secrets"])]
    pub lab: bool,
    /// Do not ask; use defaults for everything not given
    #[arg(short, long)]
    pub yes: bool,
}

fn port(text: &str) -> Result<Port, String> {
    let port = text.parse().ok().and_then(Port::new);
    port.ok_or_else(|| "must be a number from 1 to 65535".to_owned())
}
