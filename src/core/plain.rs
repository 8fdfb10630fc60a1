//! Text from elsewhere as a terminal may show it. Hosts, storage and APIs choose what they say; they must not move the cursor,
//! set the clipboard, turn letters around or hide any.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a terminal obeys the character instead of showing it, or a reader cannot see that it is there: the control characters
/// of both blocks, marks that turn the order of letters around, separators of lines, and what has no width and no shape.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// Text of several lines: ends of lines and tabs stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    replaced(text, |c| is_hidden(c) && !matches!(c, '\n' | '\t'))
}

/// Text that stands in one line, such as a name: an end of line in it would let it pass for a line of ours.
pub fn line(text: &str) -> Cow<'_, str> {
    replaced(text, is_hidden)
}

fn replaced(text: &str, is_replaced: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.contains(&is_replaced) {
        Cow::Owned(text.replace(is_replaced, "\u{FFFD}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A line of JSON that says the same and can be shown. JSON itself only escapes the first block of control characters; all
/// others can only stand inside of its strings.
pub fn in_json(line: &str) -> Cow<'_, str> {
    if !line.contains(is_hidden) {
        return Cow::Borrowed(line);
    }
    let mut shown = String::with_capacity(line.len() + 64);
    for c in line.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // A string takes in whatever is written to it.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// At most so many characters of a text, with a mark where more were.
pub fn at_most(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_a_reader_cannot_see_is_replaced() {
        let clipboard = "ana\u{1b}]52;c;Y3VybCBldmlsfHNo\u{7}";
        assert_eq!(line(clipboard), "ana\u{FFFD}]52;c;Y3VybCBldmlsfHNo\u{FFFD}");
        // CSI as one character, cursor to the begin of the line, a turned name, letters in between that nobody sees.
        for hidden in [
            '\u{9b}',
            '\r',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{feff}',
            '\u{e0041}',
            '\0',
            '\u{7f}',
        ] {
            assert_eq!(lines(&format!("a{hidden}b")), "a\u{FFFD}b", "{hidden:?}");
        }
        assert_eq!(lines("a\n\tb"), "a\n\tb");
        assert_eq!(line("a\n\tb"), "a\u{FFFD}\u{FFFD}b");
    }

    #[test]
    fn letters_and_our_own_signs_stay() {
        let text = "✓ ± ✗ …  Peñalolén, 日本語, עברית, 3 °C — “ok”";
        assert!(matches!(line(text), Cow::Borrowed(_)));
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        assert_eq!(at_most("añb", 2), "añ…");
        assert_eq!(at_most("añb", 3), "añb");
    }

    proptest! {
        #[test]
        fn nothing_hidden_comes_through(text in any::<String>()) {
            prop_assert!(!lines(&text).contains(|c| is_hidden(c) && c != '\n' && c != '\t'));
            prop_assert!(!line(&text).contains(is_hidden));
        }

        #[test]
        fn json_says_the_same_and_can_be_shown(text in any::<String>()) {
            let told = serde_json::to_string(&text).unwrap();
            let shown = in_json(&told);
            prop_assert!(!shown.contains(is_hidden));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
