//! Figures, times and counts as people read them.

use crate::core::event::{Act, Change, Counts, Figure, Outage, Side, UnitAct, UnitEffect};

/// The common width of a terminal.
const LINE_WIDTH: usize = 80;
/// Beside the longest figure with its limit a name of this width fits a line of the common width.
const NAME_WIDTH: usize = 36;
/// What a name gives up of its width in a narrow terminal, at most.
const NARROWEST: usize = 16;

/// How wide names are, so that a figure with its limit still fits a line.
pub fn name_width(line: usize) -> usize {
    let missing = LINE_WIDTH.saturating_sub(line);
    NAME_WIDTH.saturating_sub(missing).max(NARROWEST)
}

/// A name and its figure, as rows of a list have them.
pub fn figured(name: &str, figure: &Figure) -> String {
    format!("{name:<NAME_WIDTH$}  {}", measured(figure))
}

/// `During the run 0 of 1840 test requests on the host failed; longest gap 31 ms`
pub fn seen(outage: &Outage) -> String {
    let place = match outage.side {
        Side::Host => "on the host",
        Side::Operator => "from this machine",
    };
    let Outage {
        requests,
        failed,
        longest_gap_ms,
        ..
    } = outage;
    let rest = format!(
        "{failed} of {requests} test requests {place} failed; longest gap {longest_gap_ms} ms"
    );
    if outage.was_silent {
        format!("The site did not answer at first. After that, {rest}")
    } else {
        format!("During the run {rest}")
    }
}

/// A single difference, which stands beside the name of the step where a line has room for both.
pub fn beside<'c>(name: &str, change: &'c Change) -> Option<&'c str> {
    let [what] = change.what.as_slice() else {
        return None;
    };
    if change.effects.iter().any(|one| effect(one).is_some()) {
        return None;
    }
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
    if figure.unit == "B" && figure.value < 1e6 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // a count of bytes, below a million
        let bytes = figure.value as u64;
        return format!("{:>12}{limit}", size(bytes));
    }
    let (value, unit, decimals) = match figure.unit.as_str() {
        "EUR" => (figure.value, "EUR", 2),
        "rows" | "files with changes" | "kept by the machine" => {
            (figure.value, figure.unit.as_str(), 0)
        }
        "B" => (figure.value / 1e6, "MB", 1),
        unit => (figure.value, unit, 1),
    };
    format!("{value:>8.decimals$} {unit:<3}{limit}")
        .trim_end()
        .to_owned()
}

/// What a step does to a unit beside its own change, where its difference does not say it already.
pub fn effect(effect: &UnitEffect) -> Option<String> {
    let unit = &effect.unit;
    match effect.act {
        UnitAct::HandOver => Some(format!(
            "{unit} hands over to the other slot: no request is lost"
        )),
        UnitAct::Restart if effect.interrupts => {
            Some(format!("the site does not answer while {unit} restarts"))
        }
        _ => None,
    }
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

/// How long a step took, where that is worth a figure.
pub fn took(millis: u64) -> String {
    match seconds(millis).as_str() {
        "0.0 s" => String::new(),
        seconds => seconds.to_owned(),
    }
}

/// `No changes. 59 resources checked in 0.8 s.`, or how many steps ended how. The `checks` of a checklist are
/// in the tally too.
pub fn sum(tally: &Counts, checks: &Counts) -> String {
    let took = seconds(tally.took_ms);
    let others = tally.same.saturating_sub(checks.same);
    let passed = (checks.same > 0).then(|| passed(checks.same));
    if tally.changed + tally.differs + tally.failed + tally.skipped == 0 {
        let resources = if others == 1 { "resource" } else { "resources" };
        return match passed {
            Some(passed) if others == 0 => format!("{} in {took}.", capital(&passed)),
            Some(passed) => {
                format!("No changes. {others} {resources} checked, {passed} in {took}.")
            }
            None => format!("No changes. {others} {resources} checked in {took}."),
        };
    }
    let parts = [
        (tally.changed, "changed"),
        (tally.differs, "would change"),
        (tally.failed, "failed"),
        (tally.skipped, "not run"),
        (others, "unchanged"),
    ];
    let parts = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"));
    let parts: Vec<String> = parts.chain(passed).collect();
    format!("{} in {took}", parts.join(", "))
}

fn passed(checks: usize) -> String {
    match checks {
        1 => "1 check passed".to_owned(),
        count => format!("all {count} checks passed"),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_way_in_a_narrow_terminal() {
        assert_eq!([100, 80, 70, 60, 40].map(name_width), [36, 36, 26, 16, 16]);
    }
}
