//! Prose within a width. What is typed stands as it is typed: no line ends at a hyphen of a path or an option, nor within a command.

use textwrap::core::Word;
use textwrap::{Options, WordSeparator, WordSplitter};

/// What stands in backticks and is longer has no room in a line: it ends at its blanks.
const LONGEST: usize = 60;

/// The first line and those below it begin with these. A word without room sticks out.
pub fn options<'t>(width: usize, first: &'t str, below: &'t str) -> Options<'t> {
    Options::new(width)
        .initial_indent(first)
        .subsequent_indent(below)
        .break_words(false)
        .word_separator(WordSeparator::Custom(words))
        .word_splitter(WordSplitter::NoHyphenation)
}

/// The words of a line, each with the blanks behind it.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut rest = line;
    Box::new(std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (word, more) = rest.split_at(end_of_word(rest));
        rest = more;
        Some(Word::from(word))
    }))
}

fn end_of_word(line: &str) -> usize {
    let mut ends = line.match_indices(' ').map(|(at, _)| at + 1);
    let is_end = |at: &usize| !line[*at..].starts_with(' ') && !is_quoted(line, *at);
    ends.find(is_end).unwrap_or(line.len())
}

/// Whether the place is between two backticks that have room in a line.
fn is_quoted(line: &str, at: usize) -> bool {
    let (before, after) = line.split_at(at);
    let is_open = before.matches('`').count() % 2 == 1;
    let quote = before.rfind('`').zip(after.find('`'));
    is_open && quote.is_some_and(|(begin, end)| at - begin + end <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, width: usize) -> Vec<String> {
        let lines = textwrap::wrap(text, options(width, "", "  ")).into_iter();
        lines.map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn what_is_typed_is_not_broken() {
        assert_eq!(
            wrapped("run it with `citrino-ops backup prune` now", 30),
            ["run it with", "  `citrino-ops backup prune`", "  now"]
        );
        assert_eq!(
            wrapped("add --previous-databases to it", 14),
            ["add", "  --previous-databases", "  to it"]
        );
        assert_eq!(
            wrapped("see /var/lib/postgresql.old-one", 20),
            ["see", "  /var/lib/postgresql.old-one"]
        );
    }

    #[test]
    fn a_backtick_alone_and_a_quote_without_room_end_at_their_blanks() {
        assert_eq!(wrapped("a ` b c", 4), ["a `", "  b", "  c"]);
        let long = format!("`{}`", "word ".repeat(20));
        for line in wrapped(&long, 30) {
            assert!(line.len() <= 30, "{line}");
        }
    }

    #[test]
    fn lines_of_their_own_keep_their_indent() {
        assert_eq!(wrapped("a\n    b\n\nc", 20), ["a", "      b", "", "  c"]);
    }
}
