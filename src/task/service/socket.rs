//! Units that a socket starts: it waits for who comes, and gives them its place.

use anyhow::Result;

use crate::host::system::{Cmd, System};

/// Whether one of these sockets waits, so that its service answers whether it runs or not.
pub async fn is_open(system: &System, sockets: &[String]) -> Result<bool> {
    if sockets.is_empty() {
        return Ok(false);
    }
    let words = ["systemctl", "is-active", "--quiet", "--"].map(str::to_owned);
    let words = words.into_iter().chain(sockets.iter().cloned());
    // It succeeds when any of them is active.
    Ok(system.run(&Cmd::new(words)).await?.ok())
}
