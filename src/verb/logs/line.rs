//! A line of a log: when it was written, and how a person reads it.

use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::core::plain;

/// What programs call the time of an entry.
const TIMES: [&str; 4] = ["time", "at", "timestamp", "ts"];

/// When it was written; none when it does not say. A time without a zone is in UTC, as the hosts' clocks are.
pub fn time(line: &str) -> Option<OffsetDateTime> {
    if line.starts_with('{') {
        let entry: Value = serde_json::from_str(line).ok()?;
        let text = TIMES.iter().find_map(|key| entry.get(key)?.as_str())?;
        return OffsetDateTime::parse(text, &Rfc3339).ok();
    }
    // As PostgreSQL writes it, and as nginx does in its log of errors.
    let text = line.get(..19)?;
    let postgres = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let nginx = format_description!("[year]/[month]/[day] [hour]:[minute]:[second]");
    let parsed = PrimitiveDateTime::parse(text, postgres);
    let parsed = parsed.or_else(|_| PrimitiveDateTime::parse(text, nginx));
    parsed.ok().map(PrimitiveDateTime::assume_utc)
}

/// The same for a person: an entry of fields with its time first and without quotes; anything else as it is.
pub fn told(line: &str) -> String {
    let Ok(Value::Object(entry)) = serde_json::from_str(line) else {
        return plain::line(line).into_owned();
    };
    let first: Vec<&str> = TIMES
        .iter()
        .chain(&["level", "message", "msg"])
        .copied()
        .filter(|key| entry.contains_key(*key))
        .collect();
    let bare = first.iter().map(|key| text(&entry[*key]));
    let rest = entry
        .iter()
        .filter(|(key, _)| !first.contains(&key.as_str()))
        .map(|(key, value)| format!("{key}={}", text(value)));
    let told: Vec<String> = bare.chain(rest).collect();
    plain::line(&told.join("  ")).into_owned()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn each_log_says_when() {
        let at = datetime!(2026-11-30 03:00:07 UTC);
        for line in [
            r#"{"time":"2026-11-30T03:00:07Z","level":"INFO"}"#,
            r#"{"event":"step","at":"2026-11-30T03:00:07Z"}"#,
            r#"{"time":"2026-11-29T23:00:07-04:00","client":"192.0.2.1"}"#,
            "2026/11/30 03:00:07 [error] 812#812: *1 connect() failed",
            "2026-11-30 03:00:07.123 UTC [812] LOG:  ready",
        ] {
            assert_eq!(time(line), Some(at), "{line}");
        }
        for line in [
            "",
            "{",
            "{}",
            "DETAIL:  x",
            "2026-13-30 03:00:07",
            "ññññññññññññ",
        ] {
            assert_eq!(time(line), None, "{line}");
        }
    }

    #[test]
    fn a_person_reads_no_json() {
        let line = r#"{"time":"2026-11-30T03:00:07Z","level":"WARN","message":"slow","ms":1200,"path":"/api\nx"}"#;
        assert_eq!(
            told(line),
            "2026-11-30T03:00:07Z  WARN  slow  ms=1200  path=/api\u{fffd}x"
        );
        assert_eq!(told("2026-11-30 LOG:  ready"), "2026-11-30 LOG:  ready");
        assert_eq!(told("[1]"), "[1]");
    }
}
