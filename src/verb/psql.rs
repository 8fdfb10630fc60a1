//! `psql`: the app's database, as the app's role.

use anyhow::Result;

use super::job::Job;
use super::session;
use crate::cli::PsqlCommand;
use crate::facts::Facts;
use crate::planner::session::SessionPlace;

pub async fn run(job: &mut Job<'_>, wanted: &PsqlCommand) -> Result<u8> {
    let streams = session::streams(job);
    let session = |job: &Job<'_>, facts: &Facts| {
        if let Some(freeze) = facts.freeze.as_ref().filter(|_| wanted.write) {
            return Err(freeze.refusal().into());
        }
        let place = SessionPlace {
            stack: &job.stack,
            facts,
            run: &job.claim().run,
            streams,
        };
        Ok(place.psql(wanted.write, &wanted.arguments)?)
    };
    session::run(job, &typed(wanted), session).await
}

fn typed(wanted: &PsqlCommand) -> Vec<String> {
    let write = wanted.write.then_some("--write");
    let more = (!wanted.arguments.is_empty()).then_some("--");
    let words = ["psql"].into_iter().chain(write).chain(more);
    let words = words.map(str::to_owned);
    words.chain(wanted.arguments.iter().cloned()).collect()
}
