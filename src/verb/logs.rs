//! `logs`: what the host wrote down.

use anyhow::Result;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::job::Job;
use crate::cli::{Log, LogOptions};
use crate::core::app_profile::AppProfile;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::exit;
use crate::core::event::Event;
use crate::core::report::Report;
use crate::host::journal;
use crate::operator::remote::LogEnd;
use crate::verb::on_host;

mod line;
mod order;

use order::InOrder;

/// Of a file, which cannot be asked for a time: so many of its last lines are looked through.
const LOOKED_THROUGH: &str = "20000";

pub async fn run(job: &mut Job<'_>, options: &LogOptions) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let log = options.log;
    let argv = argv(&job.stack.profile, options);
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    let report = &mut *job.report;
    // From here on lines come, or nothing does: that is no wait.
    report.rest();
    let end = if options.follow {
        LogEnd::Never
    } else {
        LogEnd::Own
    };
    let mut since = Since::of(options);
    if log == Log::Nginx && !options.follow {
        let mut lines = InOrder::default();
        let mut take = |line: &str| lines.push(line);
        remote.lines(&argv, end, &mut take).await?;
        for line in lines.sorted().filter(|line| since.has(line)) {
            tell(report, log, &line);
        }
    } else {
        let mut take = |line: &str| {
            if since.has(line) {
                tell(report, log, line);
            }
        };
        remote.lines(&argv, end, &mut take).await?;
    }
    remote.close().await;
    Ok(exit::OK)
}

fn tell(report: &mut Report, log: Log, line: &str) {
    match (log, serde_json::from_str::<Event>(line)) {
        (Log::Ops, Ok(event)) => report.past(event),
        _ => report.datum(datum(log, line), &line::told(line)),
    }
}

/// A line of a log: as its fields where it is JSON, as the app's and nginx's are.
pub fn datum(log: Log, line: &str) -> Datum {
    let entry = serde_json::from_str::<Value>(line).ok();
    let data = match entry.filter(Value::is_object) {
        Some(entry) => json!({"log": log.word(), "entry": entry}),
        None => json!({"log": log.word(), "line": line}),
    };
    Datum::new(DatumKind::LogLine, data)
}

/// From when on lines are told. One without a time of its own belongs to the one before it.
struct Since {
    at: Option<OffsetDateTime>,
    is_reached: bool,
}

impl Since {
    fn of(options: &LogOptions) -> Self {
        // The systemd journal looks itself.
        let at = options.since.filter(|_| options.log != Log::App);
        Self {
            at,
            is_reached: at.is_none(),
        }
    }

    fn has(&mut self, line: &str) -> bool {
        if let (Some(since), Some(at)) = (self.at, line::time(line)) {
            self.is_reached = at >= since;
        }
        self.is_reached
    }
}

/// The program that shows a log.
fn argv(app: &AppProfile, options: &LogOptions) -> Vec<String> {
    let (log, units) = (options.log, app.units());
    let lines = options.lines.map(|lines| lines.to_string());
    let lines = match (&lines, options.since) {
        (Some(lines), _) => lines,
        (None, None) => "50",
        // All of them.
        (None, Some(_)) if log == Log::App => "all",
        (None, Some(_)) => LOOKED_THROUGH,
    };
    let since = options.since.map(|at| format!("@{}", at.unix_timestamp()));
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
            lines,
        ],
        _ => vec!["tail", "-q", "-n", lines],
    };
    if let Some(since) = since.as_deref().filter(|_| log == Log::App) {
        argv.extend(["--since", since]);
    }
    if options.follow {
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

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn options(log: Log, since: Option<OffsetDateTime>) -> LogOptions {
        LogOptions {
            follow: false,
            lines: None,
            since,
            log,
        }
    }

    #[test]
    fn a_line_without_a_time_goes_with_the_one_before_it() {
        let at = datetime!(2026-11-30 03:00 UTC);
        let mut since = Since::of(&options(Log::Postgres, Some(at)));
        let told: Vec<&str> = [
            "        of something older",
            "2026-11-30 02:59:59.999 UTC [7] LOG:  old",
            "2026-11-30 03:00:00.000 UTC [7] ERROR:  new",
            "        with a detail",
            "2026-11-30 02:00:00.000 UTC [7] LOG:  a clock that was set back",
        ]
        .into_iter()
        .filter(|line| since.has(line))
        .collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[1].contains("detail"));
        let mut all = Since::of(&options(Log::Postgres, None));
        assert!(all.has("without a time"));
    }

    #[test]
    fn the_journal_looks_itself_and_a_file_is_looked_through() {
        let app = AppProfile::default();
        let at = datetime!(2026-11-30 03:00 UTC);
        let typed = |log, since| argv(&app, &options(log, since)).join(" ");
        assert!(typed(Log::App, Some(at)).contains("-n all --since @1796007600"));
        assert!(typed(Log::App, None).ends_with("-n 50"));
        assert!(typed(Log::Postgres, Some(at)).starts_with("tail -q -n 20000 /var/log/"));
        assert!(typed(Log::Ops, None).starts_with("tail -q -n 50 "));
    }
}
