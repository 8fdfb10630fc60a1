//! Lines of several files in the order in which they were written.

use std::collections::VecDeque;

use time::OffsetDateTime;

use super::line;
use crate::cli::Log;

/// A host must not take this machine's memory: of more than so many bytes the first lines are left out.
const MOST_BYTES: usize = 8 << 20;
/// What a line takes beside its text.
const EACH: usize = 64;

/// Lines with their times.
#[derive(Default)]
pub struct InOrder {
    lines: VecDeque<(OffsetDateTime, Log, String)>,
    bytes: usize,
}

impl InOrder {
    /// One without a time of its own has that of the one before it.
    pub fn push(&mut self, log: Log, text: &str) {
        let before = self.lines.back().map(|(at, ..)| *at);
        let at = line::time(text).or(before);
        let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        self.lines.push_back((at, log, text.to_owned()));
        self.bytes += text.len() + EACH;
        while self.bytes > MOST_BYTES
            && let Some((_, _, gone)) = self.lines.pop_front()
        {
            self.bytes -= gone.len() + EACH;
        }
    }

    /// Oldest first; the sort is stable, so that what belongs together stays so.
    pub fn sorted(mut self) -> impl Iterator<Item = (Log, String)> {
        self.lines.make_contiguous().sort_by_key(|(at, ..)| *at);
        self.lines.into_iter().map(|(_, log, text)| (log, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_files_have_comes_in_its_order() {
        let mut lines = InOrder::default();
        for line in [
            r#"{"time":"2026-11-30T03:00:01+00:00","status":200}"#,
            r#"{"time":"2026-11-30T03:00:03+00:00","status":502}"#,
            "2026/11/30 03:00:02 [error] 7#7: upstream",
            "  with a detail",
        ] {
            lines.push(Log::Nginx, line);
        }
        let told: Vec<String> = lines.sorted().map(|(_, text)| text).collect();
        assert!(
            told[1].contains("upstream") && told[2].contains("detail"),
            "{told:?}"
        );
        assert!(told[3].contains("502"), "{told:?}");
    }

    #[test]
    fn a_host_that_says_much_takes_no_memory() {
        let mut lines = InOrder::default();
        for n in 0..400_000 {
            lines.push(Log::Nginx, &n.to_string());
        }
        assert!(lines.bytes <= MOST_BYTES);
        assert!(lines.lines.len() <= MOST_BYTES / EACH);
        assert_eq!(lines.sorted().last().unwrap().1, "399999");
    }
}
