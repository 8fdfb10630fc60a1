//! Splits a text into folded words, numbers and marks.

use crate::catalog::fold::fold;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Letters.
    Word,
    /// Digits, with the separators between them.
    Digits,
    /// Any other character.
    Mark,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Lower case and without accents; after [`crate::chat::rewrite`], the word that it stands for.
    pub text: String,
    /// As it was written; empty if it is a further word of an abbreviation.
    pub written: String,
    pub sort: Sort,
    /// Whether it follows the token before it without a space.
    pub attached: bool,
    /// Whether it began with a capital.
    pub capital: bool,
}

impl Token {
    /// Whether it is this word or mark.
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }

    /// Whether it is one of these words or marks.
    pub fn is_one_of(&self, texts: &[&str]) -> bool {
        texts.contains(&self.text.as_str())
    }
}

/// Splits a text.
pub fn tokens(text: &str) -> Vec<Token> {
    // Combining accents are removed here; precomposed letters lose theirs when they are folded.
    let letters: Vec<char> = text
        .chars()
        .filter(|letter| !('\u{300}'..='\u{36f}').contains(letter))
        .collect();
    let mut found = Vec::new();
    let mut at = 0;
    let mut attached = false;
    while at < letters.len() {
        if letters[at].is_whitespace() {
            attached = false;
            at += 1;
            continue;
        }
        let (sort, end) = extent(&letters, at);
        let piece: String = letters[at..end].iter().collect();
        found.push(Token {
            text: fold(&piece.replace('²', "2")),
            written: piece,
            sort,
            attached,
            capital: letters[at].is_uppercase(),
        });
        attached = true;
        at = end;
    }
    found
}

fn extent(letters: &[char], start: usize) -> (Sort, usize) {
    let first = letters[start];
    if first.is_ascii_digit() {
        return (Sort::Digits, digits(letters, start));
    }
    if !first.is_alphabetic() {
        return (Sort::Mark, start + 1);
    }
    let mut end = start;
    while letters
        .get(end)
        .is_some_and(|letter| letter.is_alphabetic())
    {
        end += 1;
    }
    let word: String = letters[start..end].iter().collect();
    let squared = matches!(letters.get(end), Some('2' | '²'))
        && !letters.get(end + 1).is_some_and(char::is_ascii_digit)
        && matches!(word.to_lowercase().as_str(), "m" | "mt" | "mts");
    (Sort::Word, if squared { end + 1 } else { end })
}

fn digits(letters: &[char], start: usize) -> usize {
    let digit = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
    let mut end = start;
    while digit(end) || (matches!(letters.get(end), Some('.' | ',' | '\'')) && digit(end + 1)) {
        end += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_numbers_and_marks_are_told_apart() {
        assert_eq!(
            texts("Busco 3dorm. en URUBÓ, US$200.000 (120m²)"),
            [
                "busco", "3", "dorm", ".", "en", "urubo", ",", "us", "$", "200.000", "(", "120",
                "m2", ")"
            ]
        );
        assert_eq!(texts("uru\u{62}o\u{301} 1,5"), ["urubo", "1,5"]);
        assert_eq!(texts("80m2500"), ["80", "m", "2500"]);
    }
}
