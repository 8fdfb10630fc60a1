//! `exec`: a command on the host, as the app or as root.

use anyhow::Result;

use super::job::Job;
use super::session;
use crate::cli::ExecCommand;
use crate::planner::session::{HostSession, SessionPlace};

pub async fn run(job: &mut Job<'_>, wanted: &ExecCommand) -> Result<u8> {
    let streams = session::streams(job);
    let session = |job: &Job<'_>, facts: &_| {
        if wanted.as_root {
            return Ok(HostSession::of_root(&wanted.command));
        }
        let place = SessionPlace {
            stack: &job.stack,
            facts,
            run: &job.claim().run,
            streams,
        };
        Ok(place.as_app(&wanted.command)?)
    };
    session::run(job, &typed(wanted), session).await
}

fn typed(wanted: &ExecCommand) -> Vec<String> {
    let as_root = wanted.as_root.then_some("--as-root");
    let words = ["exec"].into_iter().chain(as_root).chain(["--"]);
    let words = words.map(str::to_owned);
    words.chain(wanted.command.iter().cloned()).collect()
}
