//! The verbs, one a file, each as prose: load, plan, run, report.

mod adopt;
mod audit;
mod backup;
mod completions;
mod converge;
mod cost;
mod cut_off;
mod deploy;
mod destroy;
mod explain;
mod gc;
mod guarded;
mod health;
mod help;
mod import;
mod inputs;
mod interrupt;
mod job;
mod logs;
mod outage_watch;
mod plan;
mod provision;
mod rebuild;
mod releases;
mod restore;
mod rollback;
mod ssh;
mod status;
mod up;
mod validate;

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::agent::guard;
use crate::agent::scheduled;
use crate::agent::serve;
use crate::cli::{self, Audit, Cli, Db, Verb};
use crate::core::error::{exit, exit_code};
use crate::core::report::{Report, Volume};
pub use help::parse_args;
use job::Job;

/// Runs one command to its end: what it says, and its exit code.
pub fn run(cli: &Cli) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    if matches!(cli.verb, Verb::Agent) {
        let served = runtime
            .context("could not start")
            .and_then(|runtime| runtime.block_on(serve::serve()));
        return ExitCode::from(u8::from(served.is_err()));
    }
    let mut report = Report::new(cli.json, volume(cli));
    if matches!(cli.verb, Verb::Guard) {
        let fired = runtime
            .context("could not start")
            .and_then(|runtime| runtime.block_on(guard::fire()));
        let exit = fired.as_ref().map_or_else(exit_code, |()| exit::OK);
        report.finish(cli.verb.name(), exit, fired.as_ref().err());
        return ExitCode::from(exit);
    }
    if let Verb::Scheduled { job } = cli.verb {
        let done = runtime.context("could not start").and_then(|runtime| {
            runtime.block_on(scheduled::run(job, &mut |event| report.tell(event)))
        });
        let done = done.and_then(|()| {
            report
                .take_failure()
                .map_or(Ok(()), |fault| Err(fault.into()))
        });
        let exit = done.as_ref().map_or_else(exit_code, |()| exit::OK);
        report.finish(cli.verb.name(), exit, done.as_ref().err());
        return ExitCode::from(exit);
    }
    let outcome = runtime
        .context("could not start")
        .and_then(|runtime| runtime.block_on(interrupt::watch(cli, &mut report, dispatch)));
    let exit = outcome.as_ref().map_or_else(exit_code, |code| *code);
    report.finish(cli.verb.name(), exit, outcome.as_ref().err());
    ExitCode::from(exit)
}

fn volume(cli: &Cli) -> Volume {
    match (cli.quiet, cli.verbose) {
        (true, _) => Volume::Quiet,
        (_, true) => Volume::Verbose,
        _ => Volume::Normal,
    }
}

/// Every verb gives the exit code of a run without an error: 0, or 3 for pending changes.
async fn dispatch(cli: &Cli, report: &mut Report) -> Result<u8> {
    match &cli.verb {
        Verb::Explain { code } => return explain::run(report, code.as_deref()),
        Verb::Completions { shell } => return Ok(completions::run(report, *shell)),
        _ => {}
    }
    let mut job = match &cli.verb {
        Verb::Logs { .. }
        | Verb::Audit { .. }
        | Verb::Ssh { .. }
        | Verb::Releases
        | Verb::Status
        | Verb::Cost
        | Verb::Backup {
            what: Some(cli::Backup::List | cli::Backup::Pull { .. }),
            ..
        }
        | Verb::Destroy { .. } => Job::look(cli, report)?,
        _ => Job::load(cli, report)?,
    };
    let job = &mut job;
    match &cli.verb {
        Verb::Validate => validate::run(job),
        Verb::Plan { out } => plan::run(job, out.as_deref()).await,
        Verb::Provision(options) => provision::run(job, options).await,
        Verb::Converge { check, plan } => converge::run(job, *check, plan.as_deref()).await,
        Verb::Deploy { artifact, cut_off } => match cut_off::Way::of(*cut_off) {
            None => deploy::run(job, artifact).await,
            Some(way) => cut_off::run(job, way).await,
        },
        Verb::Up { yes, artifact } => up::run(job, *yes, artifact).await,
        Verb::Releases => releases::run(job).await,
        Verb::Rollback(wish) => rollback::run(job, wish).await,
        Verb::Backup { now, what: None } => backup::now(job, *now).await,
        Verb::Backup {
            what: Some(what), ..
        } => backup::run(job, what).await,
        Verb::Restore(wish) => restore::run(job, wish).await,
        Verb::Db {
            what: Db::Import(wish),
        } => Box::pin(import::run(job, wish)).await,
        Verb::Status => status::run(job).await,
        Verb::Cost => cost::run(job).await,
        Verb::Health => health::run(job).await,
        Verb::Logs { follow, lines, log } => logs::run(job, *log, *lines, *follow).await,
        Verb::Audit {
            verify: Some(Audit::Verify { mirror }),
            ..
        } => audit::verify(job, *mirror).await,
        Verb::Audit { lines, .. } => audit::show(job, *lines).await,
        Verb::Ssh { command } => ssh::run(job, command).await,
        Verb::Adopt(options) => adopt::run(job, options).await,
        Verb::Rebuild(wish) => rebuild::run(job, wish).await,
        Verb::Gc(yes) => gc::run(job, *yes).await,
        Verb::Destroy {
            unprotect: true, ..
        } => destroy::unprotect(job).await,
        Verb::Destroy { snapshots, yes, .. } => destroy::run(job, *snapshots, *yes).await,
        Verb::Explain { .. }
        | Verb::Completions { .. }
        | Verb::Agent
        | Verb::Guard
        | Verb::Scheduled { .. } => Ok(0),
    }
}
