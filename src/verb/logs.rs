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
use crate::operator::remote::{LogEnd, Remote};
use crate::verb::on_host;

mod line;
mod order;

use order::InOrder;

/// Of a file, which cannot be asked for a time: so many of its last lines are looked through.
const LOOKED_THROUGH: &str = "20000";

pub async fn run(job: &mut Job<'_>, options: &LogOptions) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    // From here on lines come, or nothing does: that is no wait.
    job.report.rest();
    if options.request.is_some() {
        in_order(job, &remote, options, &[Log::Nginx, Log::App]).await?;
    } else if options.log == Log::Nginx && !options.follow {
        in_order(job, &remote, options, &[Log::Nginx]).await?;
    } else {
        as_they_come(job, &remote, options).await?;
    }
    remote.close().await;
    Ok(exit::OK)
}

async fn as_they_come(job: &mut Job<'_>, remote: &Remote, options: &LogOptions) -> Result<()> {
    let log = options.log;
    let argv = argv(&job.stack.profile, options, log);
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    let end = if options.follow {
        LogEnd::Never
    } else {
        LogEnd::Own
    };
    let mut wanted = WantedLines::of(options, log);
    let report = &mut *job.report;
    let mut take = |line: &str| {
        if wanted.has(line) {
            tell(report, log, line);
        }
    };
    remote.lines(&argv, end, &mut take).await
}

/// What several files have, oldest first.
async fn in_order(
    job: &mut Job<'_>,
    remote: &Remote,
    options: &LogOptions,
    logs: &[Log],
) -> Result<()> {
    let mut lines = InOrder::default();
    for log in logs {
        let argv = argv(&job.stack.profile, options, *log);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        // The files are looked through whole: what is old in one of them may stand behind what is new in another.
        let text = WantedLines::of(options, *log).text;
        let mut take = |line: &str| {
            if text.as_ref().is_none_or(|text| line.contains(text)) {
                lines.push(*log, line);
            }
        };
        remote.lines(&argv, LogEnd::Own, &mut take).await?;
    }
    let mut since = WantedLines {
        text: None,
        ..WantedLines::of(options, Log::Nginx)
    };
    for (log, line) in lines.sorted().filter(|(_, line)| since.has(line)) {
        tell(job.report, log, &line);
    }
    Ok(())
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

/// Which lines are told: from a time on, and with a text in them. One without a time of its own belongs to the one before it.
struct WantedLines {
    at: Option<OffsetDateTime>,
    is_reached: bool,
    text: Option<String>,
}

impl WantedLines {
    fn of(options: &LogOptions, log: Log) -> Self {
        // The systemd journal looks itself.
        let at = options.since.filter(|_| log != Log::App);
        Self {
            at,
            is_reached: at.is_none(),
            text: options.request.clone().or_else(|| options.grep.clone()),
        }
    }

    fn has(&mut self, line: &str) -> bool {
        if let (Some(since), Some(at)) = (self.at, line::time(line)) {
            self.is_reached = at >= since;
        }
        let has_text = self.text.as_ref().is_none_or(|text| line.contains(text));
        self.is_reached && has_text
    }
}

/// The program that shows a log.
fn argv(app: &AppProfile, options: &LogOptions, log: Log) -> Vec<String> {
    let units = app.units();
    let looks_for = options.grep.is_some() || options.request.is_some();
    let lines = options.lines.map(|lines| lines.to_string());
    let lines = match (&lines, options.since) {
        (Some(lines), _) => lines,
        (None, None) if !looks_for => "50",
        // All of them.
        (None, Some(_)) if log == Log::App => "all",
        (None, _) => LOOKED_THROUGH,
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
            grep: None,
            request: None,
            log,
        }
    }

    #[test]
    fn a_line_without_a_time_goes_with_the_one_before_it() {
        let at = datetime!(2026-11-30 03:00 UTC);
        let mut since = WantedLines::of(&options(Log::Postgres, Some(at)), Log::Postgres);
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
        let mut all = WantedLines::of(&options(Log::Postgres, None), Log::Postgres);
        assert!(all.has("without a time"));
    }

    #[test]
    fn the_journal_looks_itself_and_a_file_is_looked_through() {
        let app = AppProfile::default();
        let at = datetime!(2026-11-30 03:00 UTC);
        let typed = |log, since| argv(&app, &options(log, since), log).join(" ");
        assert!(typed(Log::App, Some(at)).contains("-n all --since @1796007600"));
        assert!(typed(Log::App, None).ends_with("-n 50"));
        assert!(typed(Log::Postgres, Some(at)).starts_with("tail -q -n 20000 /var/log/"));
        assert!(typed(Log::Ops, None).starts_with("tail -q -n 50 "));
    }

    #[test]
    fn a_text_is_looked_for_in_many_lines_and_a_request_in_both_logs() {
        let app = AppProfile::default();
        let request = LogOptions {
            request: Some("abc-1".to_owned()),
            ..options(Log::App, None)
        };
        for (log, begin) in [(Log::Nginx, "tail -q -n 20000"), (Log::App, "journalctl")] {
            let typed = argv(&app, &request, log).join(" ");
            assert!(
                typed.starts_with(begin) && typed.contains("-n 20000"),
                "{typed}"
            );
        }
        let mut wanted = WantedLines::of(&request, Log::App);
        assert!(wanted.has(r#"{"time":"2026-11-30T03:00:00Z","request_id":"abc-1"}"#));
        assert!(!wanted.has(r#"{"time":"2026-11-30T03:00:00Z","request_id":"abc-2"}"#));
    }
}
