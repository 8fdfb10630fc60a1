//! Which lines of which log `logs` shows. `cli.rs` has the commands.

use clap::{Args, ValueEnum};
use time::{Duration, OffsetDateTime};

use crate::task::recovered;

#[derive(Clone, Debug, Args)]
pub struct LogOptions {
    /// Keep printing new lines
    #[arg(short, long)]
    pub follow: bool,
    /// Number of lines of each log [default: 50; with --since, all since then]
    #[arg(short = 'n', long, value_name = "LINES", value_parser = line_count)]
    pub lines: Option<u32>,
    /// Only what was written since then: `30m`, `2h`, `3d`, or a time with a time zone, such as `2026-11-24 03:00:00-04`
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<OffsetDateTime>,
    /// Only lines that contain TEXT, among the last 20000 lines or those of `--lines` or `--since`
    #[arg(long, value_name = "TEXT")]
    pub grep: Option<String>,
    /// Only the lines of one request; ID is the `X-Request-Id` header of its response
    #[arg(long, value_name = "ID", conflicts_with_all = ["follow", "grep", "log"])]
    pub request: Option<String>,
    /// Which log
    #[arg(value_enum, default_value_t = Log::App)]
    pub log: Log,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Log {
    /// The app's log, from the systemd journal
    App,
    /// nginx's access and error logs
    Nginx,
    /// PostgreSQL's log
    Postgres,
    /// citrino-ops's own journal
    Ops,
}

impl Log {
    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Nginx => "nginx",
            Self::Postgres => "postgres",
            Self::Ops => "ops",
        }
    }
}

/// # Errors
/// When it is no such number, with those that are.
pub fn line_count(text: &str) -> Result<u32, String> {
    let wrong = |_| format!("must be a number from 0 to {}", u32::MAX);
    text.parse().map_err(wrong)
}

/// A time, or how long ago it was.
fn since(text: &str) -> Result<OffsetDateTime, String> {
    let Some(ago) = ago(text.trim()) else {
        let or_ago = |why| format!("{why}, or as `30m`, `2h` or `3d`");
        return recovered::parse(text).map_err(or_ago);
    };
    let then = OffsetDateTime::now_utc().checked_sub(ago);
    then.ok_or_else(|| format!("`{text}` is longer ago than any time"))
}

/// The length of time that the text says; none when it says something else.
fn ago(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    Some(Duration::seconds(i64::from(count) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_or_how_long_ago() {
        let now = OffsetDateTime::now_utc();
        let seconds = |text: &str| (now - since(text).unwrap()).whole_seconds();
        assert!((-60..=60).contains(&(seconds("90m") - 5400)));
        assert!((-60..=60).contains(&(seconds("2d") - 172_800)));
        assert!(since("2026-11-24 03:00:00-04").is_ok());
        for wrong in [
            "",
            "m",
            "-5m",
            "5 w",
            "yesterday",
            "2026-11-24 03:00:00",
            "ñ",
        ] {
            assert!(since(wrong).unwrap_err().contains("`2h`"), "{wrong}");
        }
        // Longer ago than there is time.
        assert!(since("4294967295d").is_err());
    }
}
