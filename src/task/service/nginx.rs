//! nginx reads its configuration anew on a signal, and nobody waits for it. What it cannot do (a port that somebody else has, a
//! zone of another size, a file that is not there) stands in its log only, while it goes on as it was: so its next start
//! fails. That it took the new one shows in its processes: those that serve are new.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::told;
use crate::core::error::{Code, Fault};
use crate::host::system::{Cmd, System};

/// How long it may take. It opens files and sockets, and starts a process for each processor.
const WITHIN: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);
const LOG: &str = "/var/log/nginx/error.log";
/// How much of the log's end can be of one reload, in bytes.
const MOST: u64 = 20_000;

/// # Errors
/// E0412 when it goes on as it was.
pub async fn reload(system: &System, unit: &str) -> Result<()> {
    let main = main_process(system, unit).await?;
    let before = children(system, &main)?;
    let log_at = system.stat(LOG)?.map_or(0, |found| found.bytes);
    told(system, "reload", unit).await?;
    // Where the kernel does not tell of children, nothing shows.
    let Some(before) = before else {
        return Ok(());
    };
    let begun = Instant::now();
    while begun.elapsed() < WITHIN {
        let now = children(system, &main)?.unwrap_or_default();
        if !now.is_subset(&before) {
            return Ok(());
        }
        if let Some(why) = refusal(system, log_at).await? {
            return Err(not_taken(&why));
        }
        sleep(PAUSE).await;
    }
    Err(not_taken("it does not say why"))
}

async fn main_process(system: &System, unit: &str) -> Result<String> {
    let show = Cmd::new(["systemctl", "show", "-P", "MainPID", "--", unit]);
    let shown = system.run(&show).await?.success()?.stdout;
    Ok(shown.trim().to_owned())
}

/// `proc_pid_task_children(5)`.
fn children(system: &System, main: &str) -> Result<Option<BTreeSet<String>>> {
    let text = system.read_text(format!("/proc/{main}/task/{main}/children"))?;
    Ok(text.map(|text| text.split_whitespace().map(str::to_owned).collect()))
}

/// What it wrote into its log since, when that is why it did not.
async fn refusal(system: &System, log_at: u64) -> Result<Option<String>> {
    let grown = system.stat(LOG)?.map_or(0, |found| found.bytes);
    let new = grown.saturating_sub(log_at).min(MOST);
    if new == 0 {
        return Ok(None);
    }
    let tail = Cmd::new(["tail", "-c", &new.to_string(), LOG]);
    Ok(reason(&system.run(&tail).await?.success()?.stdout))
}

/// The last of its words that are grave, without time and process: `2026/11/30 14:00:00 [emerg] 7#7: bind() to … failed`. It tries a
/// port several times before it gives up, and says so at the end.
fn reason(log: &str) -> Option<String> {
    let graves = log.lines().filter(|line| line.contains("[emerg]"));
    let graves: Vec<&str> = graves.collect();
    let is_over = |line: &&&str| !line.contains("bind() to");
    let over = graves.iter().find(is_over)?;
    let first = graves.first().unwrap_or(over);
    let words = first
        .split_once("[emerg] ")
        .map_or(*first, |(_, words)| words);
    let words = words.split_once(": ").map_or(words, |(_, words)| words);
    Some(words.to_owned())
}

fn not_taken(why: &str) -> anyhow::Error {
    let message = format!("nginx was reloaded and goes on with its old configuration: {why}");
    Fault::new(Code::E0412, message)
        .hint("the site answers as before; correct what it names, then run the command again")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_why_a_configuration_was_not_taken() {
        let bind = "2026/11/30 14:00:00 [emerg] 7#7: bind() to 0.0.0.0:8099 failed (98: Address already in use)\n";
        let tried = format!(
            "{bind}2026/11/30 14:00:00 [notice] 7#7: try again to bind() after 500ms\n{bind}"
        );
        // It still tries.
        assert_eq!(reason(&tried), None);
        let over = format!("{tried}2026/11/30 14:00:02 [emerg] 7#7: still could not bind()\n");
        assert_eq!(
            reason(&over).unwrap(),
            "bind() to 0.0.0.0:8099 failed (98: Address already in use)"
        );
        let zone = "2026/11/30 14:00:00 [emerg] 9#9: the size 1 of shared memory zone \"a\" conflicts with 2\n";
        assert!(reason(zone).unwrap().starts_with("the size 1"));
        assert_eq!(reason("2026/11/30 14:00:00 [warn] 9#9: x\n"), None);
    }
}
