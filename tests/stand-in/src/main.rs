//! `citrino-stand-in`: the app's command line as the host uses it, without a database. What it does wrong is
//! written behind the end of its own executable; see README.md.

mod order;
mod serve;

use std::process::ExitCode;

use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::order::{Fault, Order};

/// The app's: changes pending, said by `--check`.
const PENDING: u8 = 3;
const USAGE: u8 = 2;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words = usual(arguments.iter().map(String::as_str).collect());
    let order = match Order::read() {
        Ok(order) => order,
        Err(error) => return failed(USAGE, &error),
    };
    let said = words.join(" ");
    if let Some(printed) = order.prints.get(&said) {
        println!("{printed}");
        return ExitCode::SUCCESS;
    }
    if let Some(line) = order.runs.get(&said) {
        return run(line).await;
    }
    match words[..] {
        ["serve", "--config", config, "--bind", bind] => {
            match serve::run(&order, config, bind).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed(1, &error),
            }
        }
        ["migrate"] => migrate(&order).await,
        ["migrate", "--describe"] => {
            println!(r#"{{"newest":0,"migrations":[]}}"#);
            ExitCode::SUCCESS
        }
        ["migrate", "--status"] => {
            println!(r#"{{"applied":[],"shas":{{}},"newest":0,"floor":0,"pending":[]}}"#);
            ExitCode::SUCCESS
        }
        ["migrate", "--check"] if order.is_about_migrations() => {
            println!("pending: 9999_stand_in");
            ExitCode::from(PENDING)
        }
        ["migrate", "--check"] | ["load", "--demo"] | ["load", "--demo", "--check"] => {
            println!("nothing is pending");
            ExitCode::SUCCESS
        }
        _ => failed(USAGE, &format!("it does not know `{}`", words.join(" "))),
    }
}

/// The words of Citrino's commands, also for those of an app that has others (`tests/host/other_app.yml`).
fn usual(words: Vec<&str>) -> Vec<&str> {
    match words[..] {
        ["run", bind, "--with", config] => vec!["serve", "--config", config, "--bind", bind],
        ["schema", "up"] => vec!["migrate"],
        ["schema", "up", "--dry"] => vec!["migrate", "--check"],
        ["schema", "known"] => vec!["migrate", "--describe"],
        ["schema", "seen"] => vec!["migrate", "--status"],
        _ => words,
    }
}

fn failed(code: u8, error: &str) -> ExitCode {
    eprintln!("citrino-app: {error}");
    ExitCode::from(code)
}

/// A line of the shell's, with its end as the end.
async fn run(line: &str) -> ExitCode {
    match Command::new("sh").args(["-euc", line]).status().await {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            ExitCode::from(code.unwrap_or(1))
        }
        Err(error) => failed(1, &format!("no shell: {error}")),
    }
}

async fn migrate(order: &Order) -> ExitCode {
    match order.fault {
        Fault::MigrateFails => failed(
            1,
            &order.message("the migration failed and was rolled back"),
        ),
        Fault::MigrateWaits => {
            println!("waiting for a lock");
            std::future::pending().await
        }
        Fault::MigrateIsDeaf => match signal(SignalKind::terminate()) {
            Ok(mut ignored) => {
                println!("waiting for a lock");
                while ignored.recv().await.is_some() {
                    println!("told to end, and waiting on");
                }
                ExitCode::SUCCESS
            }
            Err(error) => failed(1, &format!("signals cannot be listened to: {error}")),
        },
        _ => {
            println!("nothing is pending");
            ExitCode::SUCCESS
        }
    }
}
