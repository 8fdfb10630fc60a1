//! Figures, times and counts as people read them.

use crate::core::event::{Act, Change, Counts, Figure, Outage, Side};

/// The common width of a terminal.
const LINE_WIDTH: usize = 80;
/// Beside the longest figure with its limit a name of this width fits a line.
pub const NAME_WIDTH: usize = 36;

/// `watched on the host: 0 of 1840 requests failed, longest gap 31 ms`
pub fn seen(outage: &Outage) -> String {
    let place = match outage.side {
        Side::Host => "on the host",
        Side::Operator => "from this machine",
    };
    format!(
        "watched {place}: {} of {} requests failed, longest gap {} ms",
        outage.failed, outage.requests, outage.longest_gap_ms
    )
}

/// A single difference, which stands beside the name of the step where a line has room for both.
pub fn beside<'c>(name: &str, change: &'c Change) -> Option<&'c str> {
    let [what] = change.what.as_slice() else {
        return None;
    };
    // The mark and the part come first.
    let length = 12 + name.chars().count() + 2 + what.chars().count();
    (length <= LINE_WIDTH).then_some(what)
}

pub fn mark(act: Act) -> (&'static str, &'static str) {
    match act {
        Act::Create => ("+", "32"),
        Act::Change => ("±", "33"),
        Act::Replace => ("!", "31"),
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

/// `No changes. 59 resources checked in 0.8 s.`, or how many steps ended how.
pub fn sum(tally: &Counts, checklist: bool) -> String {
    let took = seconds(tally.took_ms);
    if tally.changed + tally.differs + tally.failed + tally.skipped == 0 {
        return match (tally.same, checklist) {
            (1, true) => format!("1 check passed in {took}."),
            (count, true) => format!("All {count} checks passed in {took}."),
            (1, false) => format!("No changes. 1 resource checked in {took}."),
            (count, false) => format!("No changes. {count} resources checked in {took}."),
        };
    }
    let parts = [
        (tally.changed, "changed"),
        (tally.differs, "would change"),
        (tally.failed, "failed"),
        (tally.skipped, "not run"),
        (tally.same, "unchanged"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!("{} in {took}", parts.join(", "))
}
