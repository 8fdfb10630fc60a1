//! Who listens on the host: the lines of `ss`.

use std::net::IpAddr;

use anyhow::Result;

use super::program::run_if_there;
use crate::core::error::{Code, Fault};
use crate::host::system::{Cmd, System};

/// Over what somebody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Tcp,
    Udp,
}

/// A socket that waits for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// As `ss` writes it: `*`, `127.0.0.53%lo`, `[::1]` and `[::ffff:127.0.0.1]`.
    pub address: String,
    pub port: u16,
    pub program: String,
}

/// All of them; none where there is no `ss`.
///
/// # Errors
/// E0402 for a line that cannot be read.
pub async fn listeners(system: &System, protocol: Protocol) -> Result<Option<Vec<Listener>>> {
    let options = match protocol {
        Protocol::Tcp => "-Hltnp",
        Protocol::Udp => "-Hlunp",
    };
    let cmd = Cmd::new(["ss", options]);
    let Some(output) = run_if_there(system, &cmd).await? else {
        return Ok(None);
    };
    read(&output.success()?.stdout).map(Some)
}

/// # Errors
/// E0402 for a line that cannot be read.
pub fn read(printed: &str) -> Result<Vec<Listener>> {
    let lines = printed.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            Listener::read(line).ok_or_else(|| {
                let why = format!("output `{}` of ss cannot be parsed", line.trim());
                Fault::new(Code::E0402, why).into()
            })
        })
        .collect()
}

impl Listener {
    /// Reads a line of `ss -Hltnp` or `ss -Hlunp`: state, two queues, own address and port, the peer's, the program.
    fn read(line: &str) -> Option<Self> {
        let (address, port) = line.split_whitespace().nth(3)?.rsplit_once(':')?;
        let program = line.split_once("users:((\"").map(|(_, rest)| rest);
        let program = program.and_then(|rest| rest.split('"').next());
        Some(Self {
            address: address.to_owned(),
            port: port.parse().ok()?,
            program: program.unwrap_or("something").to_owned(),
        })
    }

    pub fn is_of(&self, program: &str) -> bool {
        self.program == program
    }

    pub fn is_loopback(&self) -> bool {
        let bare = self.address.split('%').next().unwrap_or(&self.address);
        let bare = bare.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
    }
}
