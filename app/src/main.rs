//! `citrino-app`: the real-estate recommender that citrino-ops deploys. API, migrations and loader in one static file.

mod catalog;
mod chat;
mod cli;
mod demo;
mod explain;
mod failure;
mod http;
mod load;
mod log;
mod migrate;
mod server;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Verb};
use crate::failure::{Failure, Outcome};
use crate::settings::{Database, Settings};

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("citrino-app: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: Cli) -> Outcome {
    if let Verb::Migrate(job) = &cli.verb
        && job.describe
    {
        println!("{}", migrate::describe()?);
        return Ok(0);
    }
    let mut settings = Settings::read(cli.config.as_deref()).map_err(Failure::Usage)?;
    let database = Database::from_environment().map_err(Failure::Usage)?;
    match cli.verb {
        Verb::Serve { bind, check } => {
            if let Some(bind) = bind {
                settings.bind = bind;
            }
            if check {
                return shown(&settings, &database);
            }
            runtime(settings.workers)?.block_on(server::serve(&settings, &database))
        }
        Verb::Migrate(job) => runtime(1)?.block_on(migrate::run(&database, &job)),
        Verb::Load(job) => runtime(1)?.block_on(load::run(&database, &job)),
        Verb::Explain { zona, limite } => {
            runtime(1)?.block_on(explain::run(&settings, &database, &zona, limite))
        }
        Verb::Check => shown(&settings, &database),
    }
}

fn shown(settings: &Settings, database: &Database) -> Outcome {
    print!("{}", settings::describe(settings, database)?);
    Ok(0)
}

fn runtime(workers: usize) -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(4)
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::Failed(anyhow::Error::new(error).context("could not start the runtime"))
        })
}
