//! The verbs, one a file, each as prose: load, plan, run, report.

mod about;
mod adopt;
mod alerts;
mod audit;
mod backup;
mod cloud_door;
mod completions;
mod config;
mod consent;
mod converge;
mod cost;
mod cut_off;
mod deploy;
mod destroy;
mod docs;
mod doctor;
mod domain;
mod exec;
mod explain;
mod forecast;
mod gc;
mod guarded;
mod health;
mod help;
mod import;
mod init;
mod inputs;
mod interrupt;
mod job;
mod lock;
mod logs;
mod maintenance;
mod monitoring;
mod notify;
mod on_cloud;
mod on_host;
mod outage_watch;
mod own_address;
mod plan;
mod provision;
mod proxy;
mod psql;
mod rebuild;
mod releases;
mod restore;
mod rollback;
mod secrets;
mod session;
mod ssh;
mod status;
mod tls;
mod up;
mod validate;

use std::process::ExitCode;

use anyhow::{Result, anyhow};

use crate::agent::guard;
use crate::agent::scheduled;
use crate::agent::serve;
use crate::agent::watch;
use crate::cli::{Cli, Db, Scheduled, Verb};
use crate::core::error::{exit, exit_code};
use crate::core::report::{Report, Verbosity};
use about::Needs;
pub use completions::{answer as answer_shell, script as completion_script};
pub use help::{grouped as manual, parse_args};
use job::Job;

/// Runs one command to its end: what it says, and its exit code.
pub fn run(cli: &Cli) -> ExitCode {
    let mut report = Report::new(cli.json, volume(cli));
    if let Some(typed) = job::another_file(cli) {
        report.typed_as(typed);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = match &runtime {
        Ok(runtime) => runtime.block_on(begin(cli, &mut report)),
        Err(error) => Err(anyhow!("could not start: {error}")),
    };
    // A look-up of a name that nobody answers must not keep the end waiting.
    if let Ok(runtime) = runtime {
        runtime.shutdown_background();
    }
    let exit = outcome.as_ref().map_or_else(exit_code, |code| *code);
    report.finish(cli.verb.name(), exit, outcome.as_ref().err());
    ExitCode::from(exit)
}

/// On the operator's side or the host's, by the verb.
async fn begin(cli: &Cli, report: &mut Report) -> Result<u8> {
    match cli.verb {
        // Its stdout and stderr are the operator's side's: what failed was told there, or cannot be.
        Verb::Agent => return Ok(u8::from(serve::serve().await.is_err())),
        Verb::Guard => guard::fire().await?,
        Verb::Scheduled {
            job: Scheduled::Health,
            ..
        } => watch::look(&mut |event| report.tell(event)).await?,
        Verb::Scheduled {
            job: Scheduled::Alert,
            ref unit,
        } => {
            let about = unit.as_deref().unwrap_or_default();
            alerts::on_host(about, &mut |event| report.tell(event)).await?;
        }
        Verb::Scheduled { job, .. } => {
            scheduled::run(job, &mut |event| report.tell(event)).await?;
            if let Some(fault) = report.take_failure() {
                return Err(fault.into());
            }
        }
        _ => return Box::pin(interrupt::watch(cli, report, dispatch)).await,
    }
    Ok(exit::OK)
}

fn volume(cli: &Cli) -> Verbosity {
    match (cli.quiet, cli.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    }
}

/// Every verb gives the exit code of a run without an error: 0, or 3 for pending changes.
async fn dispatch(cli: &Cli, report: &mut Report) -> Result<u8> {
    let mut job = match cli.verb.needs() {
        Needs::Nothing => return Box::pin(without_stack(cli, report)).await,
        Needs::Config => Job::look(cli, report)?,
        Needs::Everything => Job::load(cli, report)?,
    };
    Box::pin(of_stack(&cli.verb, &mut job)).await
}

/// The verbs that know no stack. Those of the host's side have begun before.
async fn without_stack(cli: &Cli, report: &mut Report) -> Result<u8> {
    match &cli.verb {
        Verb::Init(options) => init::run(report, cli, options).await,
        Verb::Docs { words, lang } => docs::run(report, words, *lang),
        Verb::Explain { code } => explain::run(report, code.as_deref()),
        Verb::Config { what } => config::at_once(report, what),
        Verb::Completions { shell } => Ok(completions::run(report, *shell)),
        _ => Ok(exit::OK),
    }
}

async fn of_stack(verb: &Verb, job: &mut Job<'_>) -> Result<u8> {
    match verb {
        Verb::Validate { resolve } => validate::run(job, *resolve),
        Verb::Plan { out } => plan::run(job, out.as_deref()).await,
        Verb::Provision(options) => provision::run(job, options).await,
        Verb::Converge(options) => converge::run(job, options).await,
        Verb::Deploy {
            artifact,
            check: true,
            ..
        } => Box::pin(forecast::deploy(job, artifact)).await,
        Verb::Deploy {
            artifact,
            note,
            cut_off,
            ..
        } => match cut_off::CutOffChoice::of(*cut_off) {
            None => Box::pin(deploy::run(job, artifact, note.clone())).await,
            Some(way) => cut_off::run(job, way).await,
        },
        Verb::Up { yes, artifact } => Box::pin(up::run(job, *yes, artifact)).await,
        Verb::Releases => releases::run(job).await,
        Verb::Rollback(wish) => Box::pin(rollback::run(job, wish)).await,
        Verb::Backup { now, what: None } => backup::now(job, *now).await,
        Verb::Backup {
            what: Some(what), ..
        } => backup::run(job, what).await,
        Verb::Restore(wish) => Box::pin(restore::run(job, wish)).await,
        Verb::Db {
            what: Db::Import(wish),
        } => Box::pin(import::run(job, wish)).await,
        Verb::Status => status::run(job).await,
        Verb::Cost => cost::run(job).await,
        Verb::Doctor => doctor::run(job).await,
        Verb::Health => health::run(job).await,
        Verb::Maintenance { what } => maintenance::run(job, what).await,
        Verb::Lock { message } => lock::run(job, message.as_ref()).await,
        Verb::Unlock { yes } => lock::unlock(job, yes.yes).await,
        Verb::Tls { what } => tls::run(job, *what).await,
        Verb::Logs(options) => logs::run(job, options).await,
        Verb::Audit { lines, what } => audit::run(job, *lines, what.as_ref()).await,
        Verb::Alerts { what } => alerts::run(job, *what).await,
        Verb::Monitoring { what } => monitoring::run(job, what),
        Verb::Ssh { command } => ssh::run(job, command).await,
        Verb::Secrets { what } => secrets::run(job, what).await,
        Verb::Exec(command) => exec::run(job, command).await,
        Verb::Psql(command) => psql::run(job, command).await,
        Verb::Proxy(command) => proxy::run(job, &command.ports).await,
        Verb::Adopt(options) => adopt::run(job, options).await,
        Verb::Rebuild(wish) => rebuild::run(job, wish).await,
        Verb::Gc { yes } => gc::run(job, *yes).await,
        Verb::Destroy {
            unprotect: true, ..
        } => destroy::unprotect(job).await,
        Verb::Destroy { snapshots, yes, .. } => destroy::run(job, *snapshots, *yes).await,
        Verb::Config { what } => config::run(job, what),
        Verb::Docs { .. }
        | Verb::Init(_)
        | Verb::Explain { .. }
        | Verb::Completions { .. }
        | Verb::Agent
        | Verb::Guard
        | Verb::Scheduled { .. } => Ok(0),
    }
}
