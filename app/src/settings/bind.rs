//! Where the server listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A TCP address or a unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Bind {
    /// An address and port; port 0 lets the kernel choose.
    Tcp(SocketAddr),
    /// The path of a socket.
    Unix(PathBuf),
}

impl Default for Bind {
    fn default() -> Self {
        Bind::Tcp(SocketAddr::from(([127, 0, 0, 1], 5001)))
    }
}

impl FromStr for Bind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!(
                "\"{text}\" is not an address to listen on; write 127.0.0.1:5001 or unix:/run/citrino/app.sock"
            )
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() {
                Ok(Bind::Unix(path))
            } else {
                Err(wrong())
            };
        }
        let text = text.replacen("localhost:", "127.0.0.1:", 1);
        text.parse().map(Bind::Tcp).map_err(|_| wrong())
    }
}

impl TryFrom<String> for Bind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Bind> for String {
    fn from(bind: Bind) -> Self {
        bind.to_string()
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bind::Tcp(address) => address.fmt(out),
            Bind::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}
