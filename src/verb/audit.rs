//! `audit`: who did what on the host and when; and whether that is still what was written then.

use anyhow::Result;

use super::job::Job;
use crate::core::audit::{Head, Line};
use crate::core::error::{Fault, error_info, exit};
use crate::core::event::Event;
use crate::core::plain;
use crate::host::audit;
use crate::operator::mirror::Mirror;
use crate::verb::on_host;

/// What the mirror is called in a list.
const SEEN: &str = "copy on this machine";

/// Brings the mirror up to date, and shows its last lines: what this machine has seen is what nobody on
/// the host can change any more.
pub async fn show(job: &mut Job<'_>, lines: usize) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let mirror = remote.target().mirror.clone();
    let head = mirror.head()?;
    let news = on_host::agent(job, &remote)
        .await?
        .audit(head.clone())
        .await?;
    remote.close().await;
    let taken = mirror.take_news(&head, news.as_deref());
    let bytes = mirror.bytes()?;
    let seen: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for line in &seen[seen.len().saturating_sub(lines)..] {
        if let Ok(line) = serde_json::from_slice::<Line>(line) {
            job.report.tell(Event::Audit(Box::new(line)));
        } else {
            // What a crash has left of a line, and a later one has closed.
            let text = String::from_utf8_lossy(line);
            job.report.text(&plain::line(text.trim_end()));
        }
    }
    if seen.is_empty() {
        job.report.note("no run has changed the host yet");
    }
    taken?;
    Ok(exit::OK)
}

/// Holds the host's chain against itself and against the mirror.
///
/// # Errors
/// E0520, E0521, E0522: what is wrong with it. The first is the verb's error, the others are told before.
pub async fn verify(job: &mut Job<'_>, only_mirror: bool) -> Result<u8> {
    if only_mirror {
        let mirror = Mirror::of(&job.host.name);
        let found = look(job, SEEN, &mirror.whose(), &mirror.bytes()?);
        let exit = outcome(job, [found])?;
        job.report.note("The copy on this machine is intact.");
        return Ok(exit);
    }
    let remote = on_host::connect(job).await?;
    let mirror = remote.target().mirror.clone();
    let news = on_host::agent(job, &remote)
        .await?
        .audit(Head::default())
        .await?;
    remote.close().await;
    let seen = mirror.bytes()?;
    let there = news.unwrap_or_default();
    let host = look(job, "the host", "the audit of the host", &there);
    let own = look(job, SEEN, &mirror.whose(), &seen);
    // A mirror that is itself broken proves nothing about the host.
    let between = own.clone().and_then(|()| audit::compare(&there, &seen));
    let exit = outcome(job, [host, between])?;
    let head = audit::check(&seen, &Head::default()).head;
    mirror.take_bytes(&head, &there[seen.len()..])?;
    job.report
        .note("The audit on the host is intact. The copy on this machine matches.");
    Ok(exit)
}

/// Says what a chain is, and gives what is wrong with it.
fn look(job: &mut Job, what: &str, whose: &str, bytes: &[u8]) -> Result<(), Fault> {
    let checked = audit::check(bytes, &Head::default());
    let told = match &checked.since {
        None => "no lines yet".to_owned(),
        Some(since) if job.report.is_detailed() => format!(
            "{} lines since {since}, the last is line {} with hash {}",
            checked.lines, checked.head.n, checked.head.hash
        ),
        Some(since) => format!("{} lines since {since}", checked.lines),
    };
    job.report.fact(what, told, None);
    for (n, bytes) in &checked.closed {
        job.report.note(format!(
            "{what}: a crash tore the line before line {n}; {bytes} bytes of it are left"
        ));
    }
    checked.sound(whose)
}

fn outcome(job: &mut Job, found: impl IntoIterator<Item = Result<(), Fault>>) -> Result<u8> {
    let mut faults = found.into_iter().filter_map(Result::err);
    let Some(first) = faults.next() else {
        return Ok(exit::OK);
    };
    for other in faults {
        job.report.tell(Event::alarm(error_info(&other.into())));
    }
    Err(first.into())
}
