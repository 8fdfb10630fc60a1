//! What a unit wrote into systemd's journal: the one place that asks for it on the host.

use anyhow::Result;

use crate::host::system::{Cmd, System};

/// The last lines of a unit, oldest first: only those written since `since`, in seconds of the UNIX epoch, where it is given. Empty
/// when the unit wrote nothing.
///
/// # Errors
/// When the journal cannot be asked.
pub async fn last_lines(
    system: &System,
    unit: &str,
    lines: u32,
    since: Option<i64>,
) -> Result<String> {
    let lines = lines.to_string();
    let since = since.map(|since| format!("--since=@{since}"));
    let argv = ["journalctl", "--no-pager", "--quiet", "--output=cat"];
    let argv = argv.into_iter().chain(["-n", &lines, "-u", unit]);
    let cmd = Cmd::new(argv.chain(since.as_deref()));
    Ok(system.run(&cmd).await?.stdout.trim().to_owned())
}
