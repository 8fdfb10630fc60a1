//! What the operator writes to work on the host by hand. `cli.rs` has the commands.

use std::fmt;
use std::str::FromStr;

use clap::Args;

use crate::core::value::Port;

#[derive(Clone, Debug, Args)]
pub struct ExecCommand {
    /// Run it as root, outside the app's sandbox
    #[arg(long)]
    pub as_root: bool,
    /// The command and its arguments; put `--` before it
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub struct PsqlCommand {
    /// Allow changes; without it, every transaction is read-only
    #[arg(long)]
    pub write: bool,
    /// Arguments of psql, after `--`: `-- -c 'SELECT 1'`
    #[arg(last = true, value_name = "ARGUMENTS")]
    pub arguments: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub struct ProxyCommand {
    /// A port of this machine, and what it forwards to: `database`, `app`, `nginx`, `metrics` or a port of the host [default: the same port]
    #[arg(value_name = "LOCAL[:REMOTE]")]
    pub ports: PortPair,
}

/// `5433:database`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortPair {
    pub local: Port,
    pub remote: ProxyTarget,
}

/// What a port of this machine leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyTarget {
    Database,
    /// The release that serves.
    App,
    Nginx,
    /// The app's figures for Prometheus.
    Metrics,
    /// A port of the host's own loopback.
    Port(Port),
}

impl ProxyTarget {
    const NAMED: [(&str, Self); 4] = [
        ("database", Self::Database),
        ("app", Self::App),
        ("nginx", Self::Nginx),
        ("metrics", Self::Metrics),
    ];
}

impl fmt::Display for ProxyTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut named = Self::NAMED.iter();
        match (self, named.find(|(_, target)| target == self)) {
            (_, Some((name, _))) => f.write_str(name),
            (Self::Port(port), None) => port.fmt(f),
            _ => Ok(()),
        }
    }
}

fn port(text: &str) -> Option<Port> {
    text.parse().ok().and_then(Port::new)
}

impl FromStr for PortPair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (local, remote) = text.split_once(':').unwrap_or((text, text));
        let local = port(local).ok_or_else(|| {
            format!("`{local}` is not a port number: write a number from 1 to 65535 first, as in `5433:database`")
        })?;
        let mut named = ProxyTarget::NAMED.iter();
        let target = named
            .find(|(name, _)| *name == remote)
            .map(|(_, target)| *target);
        let target = target.or_else(|| port(remote).map(ProxyTarget::Port));
        let remote = target.ok_or_else(|| {
            format!(
                "`{remote}` is neither `database`, `app`, `nginx`, `metrics` nor a port of the host"
            )
        })?;
        Ok(Self { local, remote })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_leads_to_a_name_or_to_a_port() {
        let read = |text: &str| text.parse::<PortPair>();
        let pair = read("5433:database").unwrap();
        assert_eq!((*pair.local, pair.remote), (5433, ProxyTarget::Database));
        assert_eq!(read("9000").unwrap().remote.to_string(), "9000");
        assert_eq!(read("1:metrics").unwrap().remote.to_string(), "metrics");
        for wrong in [
            "database",
            "0:app",
            "65536:app",
            "1:postgres",
            "1:",
            "1:0",
            "1:a:b",
            "",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
