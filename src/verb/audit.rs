//! `audit`: who did what on the host and when; and whether that is still what was written then.

use anyhow::Result;
use serde_json::json;

use super::job::Job;
use crate::cli::{Audit, Yes};
use crate::core::audit::{Head, Line, lines};
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::{Fault, error_info, exit};
use crate::core::event::Event;
use crate::core::plain;
use crate::host::audit;
use crate::operator::mirror::Mirror;
use crate::verb::consent;
use crate::verb::on_host;

/// Whose chain is looked at.
#[derive(Clone, Copy, Debug)]
enum ChainOf {
    Host,
    Mirror,
}

impl ChainOf {
    /// As `--json` names it.
    fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Mirror => "mirror",
        }
    }

    fn told(self) -> &'static str {
        match self {
            Self::Host => "the host",
            Self::Mirror => "copy on this machine",
        }
    }
}

pub async fn run(job: &mut Job<'_>, lines: u32, what: Option<&Audit>) -> Result<u8> {
    match what {
        None => show(job, lines).await,
        Some(Audit::Verify { mirror }) => verify(job, *mirror).await,
        Some(Audit::Accept { yes }) => accept(job, *yes).await,
    }
}

/// Brings the mirror up to date, and shows its last lines: what this machine has seen is what nobody on
/// the host can change any more.
async fn show(job: &mut Job<'_>, lines: u32) -> Result<u8> {
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
    let shown = usize::try_from(lines)?;
    for line in &seen[seen.len().saturating_sub(shown)..] {
        if let Ok(line) = serde_json::from_slice::<Line>(line) {
            job.report.tell(Event::Audit(Box::new(line)));
        } else {
            // What a crash has left of a line, and a later one has closed.
            let text = String::from_utf8_lossy(line);
            let data = json!({ "text": text.trim_end() });
            let line = plain::line(text.trim_end());
            job.report
                .datum(Datum::new(DatumKind::TornLine, data), &line);
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
async fn verify(job: &mut Job<'_>, only_mirror: bool) -> Result<u8> {
    if only_mirror {
        let mirror = Mirror::of(&job.host.name);
        let found = look(job, ChainOf::Mirror, &mirror.whose(), &mirror.bytes()?);
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
    let host = look(job, ChainOf::Host, "the host's audit log", &there);
    let own = look(job, ChainOf::Mirror, &mirror.whose(), &seen);
    // A mirror that is itself broken proves nothing about the host.
    let between = own.clone().and_then(|()| audit::compare(&there, &seen));
    let exit = outcome(job, [host, between])?;
    let head = audit::check(&seen, &Head::default()).head;
    mirror.take_bytes(&head, &there[seen.len()..])?;
    job.report
        .note("The audit log on the host is intact. The copy on this machine matches.");
    Ok(exit)
}

/// From now on the host's chain is the one that is to go on: after somebody else's rebuild it is another than this machine has
/// seen. What was seen is kept: should the host not have been rebuilt, it is the evidence.
///
/// # Errors
/// E0520 and E0521 when the host's chain is itself not whole: nobody is to accept that.
async fn accept(job: &mut Job<'_>, yes: Yes) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let mirror = remote.target().mirror.clone();
    let agent = on_host::agent(job, &remote).await?;
    let there = agent.audit(Head::default()).await?.unwrap_or_default();
    remote.close().await;
    let seen = mirror.bytes()?;
    look(job, ChainOf::Host, "the host's audit log", &there)?;
    let own = look(job, ChainOf::Mirror, &mirror.whose(), &seen);
    if own.is_ok() && audit::compare(&there, &seen).is_ok() {
        let head = audit::check(&seen, &Head::default()).head;
        mirror.take_bytes(&head, &there[seen.len()..])?;
        job.report
            .note("There is nothing to accept: the copy on this machine matches the host.");
        return Ok(exit::OK);
    }
    let why = format!(
        "The audit log on the host is not the one this machine knows. {}",
        begun(&there)
    );
    job.report.note(&why);
    consent::confirm(
        job,
        yes.yes,
        &why,
        "Accept the new audit log? Only if the host was rebuilt.",
    )
    .await?;
    let kept = mirror.set_aside(&job.claim().run)?;
    mirror.take_bytes(&Head::default(), &there)?;
    job.report.note(format!(
        "Accepted. The copy of the earlier audit log is kept in {}.",
        kept.display()
    ));
    Ok(exit::OK)
}

/// Who began a chain, and when: whoever rebuilt the host, if it was rebuilt.
fn begun(there: &[u8]) -> String {
    let first = lines(there).next();
    match first.and_then(|line| serde_json::from_slice::<Line>(line).ok()) {
        Some(first) => {
            let (at, verb, who) = (first.at, first.verb, first.who);
            plain::line(&format!("It begins at {at}, with {verb} by {who}.")).into_owned()
        }
        None => "It has no lines.".to_owned(),
    }
}

/// Says what a chain is, and gives what is wrong with it.
fn look(job: &mut Job, what: ChainOf, whose: &str, bytes: &[u8]) -> Result<(), Fault> {
    let checked = audit::check(bytes, &Head::default());
    let told = match &checked.since {
        None => "no lines yet".to_owned(),
        Some(since) if job.report.is_detailed() => format!(
            "{} lines since {since}, the last is line {} with hash {}",
            checked.lines, checked.head.n, checked.head.hash
        ),
        Some(since) => format!("{} lines since {since}", checked.lines),
    };
    let sound = checked.sound(whose);
    let data = json!({
        "of": what.word(),
        "lines": checked.lines,
        "since": checked.since,
        "last": checked.head.n,
        "hash": checked.head.hash,
        "intact": sound.is_ok(),
    });
    let what = what.told();
    let line = format!("{what:<22} {told}");
    job.report
        .datum(Datum::new(DatumKind::AuditChain, data), &line);
    for (n, bytes) in &checked.closed {
        job.report.note(format!(
            "{what}: the line before line {n} is incomplete after a crash ({bytes} bytes)"
        ));
    }
    sound
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
