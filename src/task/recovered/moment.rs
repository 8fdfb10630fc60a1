//! A point in time as people write it.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// Reads RFC 3339, and what `PostgreSQL` prints: `2026-11-24 03:00:00-04`. Seconds may be left out, the zone may not: what the
/// operator calls three o'clock is another time on the host.
///
/// # Errors
/// A sentence fragment for whoever wrote it.
pub fn parse(text: &str) -> Result<OffsetDateTime, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "`{text}` is not a time; write it as `2026-11-24 03:00:00-04` or `2026-11-24T07:00:00Z`"
        )
    };
    let (date, rest) = text.split_at_checked(DATE).ok_or_else(wrong)?;
    let rest = rest.strip_prefix(['T', 't', ' ']).ok_or_else(wrong)?;
    let at = rest.find(['+', '-', 'Z', 'z']).ok_or_else(|| {
        format!("`{text}` has no time zone; add it, as in `{text}-04` or `{text}Z`")
    })?;
    let (clock, zone) = rest.split_at(at);
    let clock = clock.trim_end();
    let clock = if clock.matches(':').count() == 1 {
        format!("{clock}:00")
    } else {
        clock.to_owned()
    };
    let zone = zone_of(zone).ok_or_else(wrong)?;
    OffsetDateTime::parse(&format!("{date}T{clock}{zone}"), &Rfc3339).map_err(|_| wrong())
}

/// How long `2026-11-24` is.
const DATE: usize = 10;

/// `Z`, `-04`, `-0400` and `-04:00` as RFC 3339 has it.
fn zone_of(zone: &str) -> Option<String> {
    if zone.eq_ignore_ascii_case("z") {
        return Some("Z".to_owned());
    }
    let (sign, digits) = zone.split_at_checked(1)?;
    let digits = digits.replacen(':', "", 1);
    let digits = if digits.len() == 2 {
        format!("{digits}00")
    } else {
        digits
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    Some(format!("{sign}{hours}:{minutes}"))
}

/// As it is told, and as pgBackRest and `PostgreSQL` take it: in UTC.
pub fn shown(at: OffsetDateTime) -> String {
    let utc = at.to_offset(UtcOffset::UTC);
    let text = if utc.nanosecond() == 0 {
        utc.format(format_description!(
            "[year]-[month]-[day] [hour]:[minute]:[second]+00"
        ))
    } else {
        utc.format(format_description!(
            "[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]+00"
        ))
    };
    // A time of four-digit years, which is all that is parsed, has its form.
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_time_in_the_forms_that_have_a_zone() {
        for text in [
            "2026-11-24 03:00:00-04",
            "2026-11-24 03:00-04",
            "2026-11-24 03:00:00 -0400",
            "2026-11-24T03:00:00-04:00",
            "2026-11-24T07:00:00Z",
            "2026-11-24 07:00:00.000 z",
            "2026-11-24 12:30:00+0530",
        ] {
            assert_eq!(
                parse(text).map(shown).as_deref(),
                Ok("2026-11-24 07:00:00+00"),
                "{text}"
            );
        }
        assert_eq!(
            parse("2026-11-24 03:00:00.1234567-04")
                .map(shown)
                .as_deref(),
            Ok("2026-11-24 07:00:00.123456+00")
        );
    }

    #[test]
    fn a_time_without_a_zone_is_refused_with_what_to_add() {
        let told = parse("2026-11-24 03:00:00").unwrap_err();
        assert!(
            told.contains("has no time zone") && told.contains("`2026-11-24 03:00:00-04`"),
            "{told}"
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "yesterday",
            "2026-13-24 03:00:00Z",
            "2026-11-24",
            "2026-11-24 03:00:00-",
            "2026-11-24 03:00:00-4",
            "2026-11-24 3:00:00Z",
            "2026-11-24 03:00:00Zebra",
            "2026-11-2é 03:00:00Z",
        ] {
            assert!(parse(text).unwrap_err().contains("is not a time"), "{text}");
        }
    }
}
