//! `logs`: what the host wrote down.

use anyhow::Result;

use super::job::Job;
use crate::cli::Log;
use crate::core::app_profile::AppProfile;
use crate::core::error::exit;
use crate::core::event::Event;
use crate::host::journal;
use crate::operator::remote::LogEnd;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, log: Log, lines: u32, follow: bool) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let argv = argv(&job.stack.profile, log, lines, follow);
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    let report = &mut *job.report;
    remote
        .lines(
            &argv,
            if follow { LogEnd::Never } else { LogEnd::Own },
            &mut |line| match (log, serde_json::from_str::<Event>(line)) {
                (Log::Ops, Ok(event)) => report.past(event),
                _ => report.text(line),
            },
        )
        .await?;
    remote.close().await;
    Ok(exit::OK)
}

/// The program that shows a log.
fn argv(app: &AppProfile, log: Log, lines: u32, follow: bool) -> Vec<String> {
    let (units, lines) = (app.units(), lines.to_string());
    let mut argv: Vec<&str> = match log {
        Log::App => vec![
            "journalctl",
            "--no-pager",
            "--quiet",
            "-o",
            "cat",
            "-u",
            &units,
            "-n",
            &lines,
        ],
        _ => vec!["tail", "-q", "-n", &lines],
    };
    if follow {
        argv.push(if log == Log::App { "-f" } else { "-F" });
    }
    argv.extend(match log {
        Log::App => &[][..],
        Log::Nginx => &["/var/log/nginx/access.log", "/var/log/nginx/error.log"],
        Log::Postgres => &["/var/log/postgresql/postgresql-15-main.log"],
        Log::Ops => &[journal::PATH],
    });
    argv.into_iter().map(str::to_owned).collect()
}
