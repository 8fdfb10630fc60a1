//! A person works on the host: what is run is written into the audit, and then speaks with the person.

use std::cell::RefCell;
use std::io::IsTerminal;

use anyhow::Result;
use serde_json::json;
use tokio::signal::ctrl_c;

use super::job::Job;
use super::lock;
use crate::core::datum::{Datum, DatumKind};
use crate::core::plain;
use crate::core::report::Report;
use crate::core::shell;
use crate::facts::Facts;
use crate::operator::remote::{Agent, HostStream, LocalStreams, Remote};
use crate::planner::session::{HostSession, SessionStreams};
use crate::verb::on_host;

/// As a shell says that Ctrl-C has ended a program.
const INTERRUPTED: u8 = 130;
/// How much of a command line the audit keeps.
const NOTED: usize = 1000;

/// Where the program's input and output are.
pub fn streams(job: &Job<'_>) -> SessionStreams {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if is_terminal && !job.report.is_for_programs() {
        SessionStreams::Terminal
    } else {
        SessionStreams::Pipes
    }
}

/// Runs what `session` makes of the host's facts, and gives its exit code. `typed` is what the audit says of it.
pub async fn run(
    job: &mut Job<'_>,
    typed: &[String],
    session: impl FnOnce(&Job<'_>, &Facts) -> Result<HostSession>,
) -> Result<u8> {
    let streams = streams(job);
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    lock::note(job, agent.facts());
    let session = session(job, agent.facts())?;
    noted(job, agent, typed).await?;
    // From here on the program speaks.
    job.report.rest();
    let code = match streams {
        SessionStreams::Terminal => remote.pass_terminal(&words(&session.argv)).await,
        SessionStreams::Pipes => passed(job, &remote, &session).await,
    };
    remote.close().await;
    code
}

/// Has the host write down what is about to be run.
pub async fn noted(job: &mut Job<'_>, agent: Agent<'_>, typed: &[String]) -> Result<()> {
    let command = shell::line(typed);
    let command = plain::at_most(&command, NOTED).into_owned();
    let (stack, by) = (job.stack.name.clone(), job.claim());
    let tell = &mut |event| job.report.tell(event);
    agent.note_session(&stack, by, &command, tell).await
}

/// Whatever a person would read goes through the one printer; a file or a program gets the very bytes.
async fn passed(job: &mut Job<'_>, remote: &Remote, session: &HostSession) -> Result<u8> {
    let is_for_programs = job.report.is_for_programs();
    let own = LocalStreams {
        output: !is_for_programs && !std::io::stdout().is_terminal(),
        errors: !is_for_programs && !std::io::stderr().is_terminal(),
    };
    let report = RefCell::new(&mut *job.report);
    let tell = |stream, line: &str| told(&mut report.borrow_mut(), stream, line);
    let argv = words(&session.argv);
    tokio::select! {
        code = remote.pass(&argv, own, &tell) => code,
        _ = ctrl_c() => {
            stop(remote, session).await;
            Ok(INTERRUPTED)
        }
    }
}

fn told(report: &mut Report, stream: HostStream, line: &str) {
    match stream {
        HostStream::Output => report.datum(datum("stdout", line), line),
        HostStream::Errors if report.is_for_programs() => report.datum(datum("stderr", line), line),
        HostStream::Errors => report.complaint(line),
    }
}

fn datum(stream: &str, line: &str) -> Datum {
    Datum::new(
        DatumKind::OutputLine,
        json!({"stream": stream, "line": line}),
    )
}

/// A program in a pipe does not notice that nobody listens.
async fn stop(remote: &Remote, session: &HostSession) {
    if let Some(unit) = &session.unit {
        // What cannot be stopped has ended, or the connection has.
        let _ = remote.output(&["systemctl", "stop", unit]).await;
    }
}

fn words(argv: &[String]) -> Vec<&str> {
    argv.iter().map(String::as_str).collect()
}
