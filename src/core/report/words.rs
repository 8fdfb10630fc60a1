//! Figures, times and counts as people read them.

use crate::core::event::{Act, Counts, Figure, Outage, Side};

/// `on the host: 0 of 1840 requests failed, longest gap 31 ms`
pub fn seen(outage: &Outage) -> String {
    let place = match outage.side {
        Side::Host => "on the host",
        Side::Operator => "from here",
    };
    format!(
        "asked {place}: {} of {} requests failed, longest gap {} ms",
        outage.failed, outage.requests, outage.longest_gap_ms
    )
}

/// As in the listings that operators know.
pub fn mark(act: Act) -> (&'static str, &'static str) {
    match act {
        Act::Create => ("+", "32"),
        Act::Change => ("~", "33"),
        Act::Replace => ("±", "31"),
        Act::Delete => ("-", "31"),
        Act::Adopt => ("<", "36"),
    }
}

pub fn word(act: Act) -> &'static str {
    match act {
        Act::Create => "create",
        Act::Change => "change",
        Act::Replace => "replace",
        Act::Delete => "delete",
        Act::Adopt => "adopt",
    }
}

pub fn measured(figure: &Figure) -> String {
    let limit = figure.limit.map_or(String::new(), |limit| {
        format!("  limit {limit:.0} {}", figure.unit)
    });
    let (value, unit, decimals) = match figure.unit.as_str() {
        "EUR" => (figure.value, "EUR", 2),
        "B" => (figure.value / 1e6, "MB", 1),
        unit => (figure.value, unit, 1),
    };
    format!("{value:>8.decimals$} {unit:<3}{limit}")
        .trim_end()
        .to_owned()
}

/// Bytes as people say them: `41 kB`, `14.2 MB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

pub fn seconds(millis: u64) -> String {
    format!("{}.{:01} s", millis / 1000, millis % 1000 / 100)
}

pub fn sum(tally: &Counts) -> String {
    let parts = [
        (tally.changed, "changed"),
        (tally.same, "already so"),
        (tally.differs, "would change"),
        (tally.failed, "failed"),
        (tally.skipped, "not tried"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!("{} in {}", parts.join(", "), seconds(tally.took_ms))
}
