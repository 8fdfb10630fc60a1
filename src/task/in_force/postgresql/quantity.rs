//! Values as PostgreSQL means them: `256MB`, `262144kB` and `32768` of 8 kB are one (its manual, 20.1.1).

/// What binary fractions lose of a decimal one.
const ROUNDED: f64 = 1e-9;

/// Whether two spellings of a setting mean the same; `unit` is that of a bare number.
pub fn is_same(one: &str, other: &str, unit: Option<&str>, is_bool: bool) -> bool {
    if is_bool {
        return truth(one).is_some() && truth(one) == truth(other);
    }
    let bare = unit.map_or(Some(1.0), size);
    match (number(one, bare), number(other, bare)) {
        (Some(one), Some(other)) => (one - other).abs() <= one.abs() * ROUNDED,
        _ => one.eq_ignore_ascii_case(other),
    }
}

/// Any beginning of its words that means only one of them.
fn truth(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    match text.as_str() {
        "on" | "1" | "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes" => Some(true),
        "off" | "of" | "0" | "f" | "fa" | "fal" | "fals" | "false" | "n" | "no" => Some(false),
        _ => None,
    }
}

/// In bytes or milliseconds.
fn number(text: &str, bare: Option<f64>) -> Option<f64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+')))
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let value: f64 = digits.parse().ok()?;
    // Zero and what switches off have no unit.
    if value <= 0.0 {
        return Some(value);
    }
    match unit.trim() {
        "" => Some(value * bare?),
        unit => Some(value * size(unit)?),
    }
}

/// How many bytes or milliseconds a unit has; that of `pg_settings` may be `8kB`.
fn size(unit: &str) -> Option<f64> {
    const KB: f64 = 1024.0;
    let end = unit.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
    let (times, unit) = unit.split_at(end);
    let times = if times.is_empty() {
        1.0
    } else {
        times.parse().ok()?
    };
    let one = match unit {
        "B" | "ms" => 1.0,
        "kB" => KB,
        "MB" => KB * KB,
        "GB" => KB * KB * KB,
        "TB" => KB * KB * KB * KB,
        "us" => 0.001,
        "s" => 1_000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    Some(times * one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_quantity_has_many_spellings() {
        for (one, other, unit) in [
            ("256MB", "262144kB", Some("8kB")),
            ("32768", "256MB", Some("8kB")),
            ("500ms", "500", Some("ms")),
            ("1min", "60s", Some("s")),
            ("0", "0", Some("kB")),
            ("-1", "-1", Some("kB")),
            ("1.1", "1.1", None),
            ("0.9", "0.90", None),
            ("scram-sha-256", "SCRAM-SHA-256", None),
        ] {
            assert!(is_same(one, other, unit, false), "{one} {other}");
        }
        for (one, other, unit) in [
            ("256MB", "257MB", Some("8kB")),
            ("4MB", "4kB", Some("kB")),
            ("0", "500", Some("ms")),
            ("1.1", "1.2", None),
            ("localhost", "*", None),
        ] {
            assert!(!is_same(one, other, unit, false), "{one} {other}");
        }
    }

    #[test]
    fn truth_has_many_spellings() {
        assert!(is_same("on", "true", None, true) && is_same("off", "0", None, true));
        assert!(!is_same("on", "off", None, true) && !is_same("maybe", "maybe", None, true));
    }
}
