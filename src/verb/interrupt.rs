//! Ctrl-C: a command that changes something ends with what exists now, and how to go on.

use std::time::Duration;

use anyhow::Result;
use tokio::signal::ctrl_c;

use super::job::Job;
use crate::cli::{Cli, Verb};
use crate::core::error::{Code, Fault};
use crate::core::report::Report;
use crate::hetzner::Holdings;
use crate::verb::on_cloud;

/// How long the look at what exists may take.
const LOOK: Duration = Duration::from_secs(10);

/// Runs a command to its end or to the first Ctrl-C; a second one ends it at once. A deploy minds
/// Ctrl-C itself, since its host can turn back.
pub async fn watch(
    cli: &Cli,
    report: &mut Report,
    command: impl AsyncFn(&Cli, &mut Report) -> Result<u8>,
) -> Result<u8> {
    if !cli.verb.leaves_something() {
        return Box::pin(command(cli, report)).await;
    }
    tokio::select! {
        outcome = command(cli, report) => return outcome,
        _ = ctrl_c() => {}
    }
    report.waiting("interrupted: checking what exists now");
    let there = tokio::select! {
        there = tokio::time::timeout(LOOK, exists(cli, report)) => there.ok().flatten(),
        _ = ctrl_c() => None,
    };
    let message = there.map_or("interrupted".to_owned(), |there| {
        format!("interrupted; {there}")
    });
    // A second rebuild would begin anew.
    let verb = match cli.verb {
        Verb::Rebuild(_) => "provision",
        _ => cli.verb.name(),
    };
    Err(Fault::new(Code::E0804, message)
        .hint(format!("the API and the host finish what they started; run `citrino-ops {verb}` again to continue from what exists"))
        .into())
}

/// What exists of the stack in the cloud, as a sentence; none when that cannot be had.
async fn exists(cli: &Cli, report: &mut Report) -> Option<String> {
    let job = Job::look(cli, report).ok()?;
    let api = on_cloud::api(&job).ok()?;
    let held = Holdings::of(&api, &job.stack.name).await.ok()?;
    Some(held.to_string())
}
