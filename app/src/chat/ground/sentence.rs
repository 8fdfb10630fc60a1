//! A text in sentences, and which properties each is about.

use crate::chat::ground::Ungrounded;
use crate::chat::words::{Sort, Token, tokens};

/// A sentence of an answer.
pub struct Sentence {
    pub words: Vec<Token>,
    /// The properties that it cites, each with the token of its number.
    pub cited: Vec<(usize, i64)>,
    /// The properties that it is about: those that it cites, or else those of its line.
    pub about: Vec<i64>,
}

impl Sentence {
    /// Reads one of a line; `knows` says whether a property is shown.
    pub fn new(text: &str, line: &str, knows: impl Fn(i64) -> bool) -> Result<Self, Ungrounded> {
        let words = tokens(unlisted(text));
        let cited = cited(&words, &knows)?;
        let mut about: Vec<i64> = cited.iter().map(|(_, id)| *id).collect();
        if about.is_empty() {
            // What follows a property in its line is said of it. An id that was not found is cut with its own sentence.
            let line = cited_in(&tokens(line));
            about = line.into_iter().filter(|id| knows(*id)).collect();
        }
        Ok(Sentence {
            words,
            cited,
            about,
        })
    }

    /// The property that a token is about: the one that was cited last before it, or else the first.
    pub fn owner(&self, at: usize) -> Option<i64> {
        let before = self.cited.iter().rfind(|(place, _)| *place < at);
        before
            .or(self.cited.first())
            .map(|(_, id)| *id)
            .or_else(|| self.about.first().copied())
    }

    /// Whether a token is one of these words.
    pub fn has(&self, words: &[&str]) -> bool {
        self.words.iter().any(|token| token.is_one_of(words))
    }
}

/// The sentences of a line, with the spaces between them. A dot within "Av. Beni" or "USD 53.600" ends none.
pub fn split(line: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let begun = line.len() - unlisted(line).len();
    for (at, letter) in line.char_indices() {
        let end = at + letter.len_utf8();
        let spaced = line[end..].starts_with([' ', '\t']) || line[end..].starts_with("**");
        let ends = match letter {
            ';' | '!' | '?' => true,
            '.' => spaced && !abbreviated(&line[start..at]),
            _ => false,
        };
        if ends && at >= begun {
            sentences.push(&line[start..end]);
            start = end;
        }
    }
    sentences.push(&line[start..]);
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

fn abbreviated(before: &str) -> bool {
    let word = before.rsplit([' ', '(', '*']).next().unwrap_or("");
    matches!(
        word.to_lowercase().as_str(),
        "av" | "dr" | "dra" | "sr" | "sra" | "nro" | "no" | "c" | "edif" | "prof"
    )
}

/// A line without the number of a list: "1. …" and "2) …".
fn unlisted(line: &str) -> &str {
    let trimmed = line.trim_start_matches(['*', '-', '•', ' ', '\t', '>']);
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &trimmed[digits..];
    match rest.strip_prefix(['.', ')']) {
        Some(rest)
            if (1..=2).contains(&digits) && (rest.is_empty() || rest.starts_with([' ', '*'])) =>
        {
            rest
        }
        _ => line,
    }
}

/// The ids that a sentence cites; each must have been found.
fn cited(words: &[Token], knows: impl Fn(i64) -> bool) -> Result<Vec<(usize, i64)>, Ungrounded> {
    let mut cited = Vec::new();
    for (at, written) in places(words) {
        match written.parse() {
            Ok(id) if knows(id) => cited.push((at, id)),
            _ => return Err(Ungrounded(format!("the id {written} was not found"))),
        }
    }
    Ok(cited)
}

fn cited_in(words: &[Token]) -> Vec<i64> {
    places(words)
        .filter_map(|(_, id)| id.parse().ok())
        .collect()
}

fn places(words: &[Token]) -> impl Iterator<Item = (usize, &str)> {
    words.windows(2).enumerate().filter_map(|(at, pair)| {
        let marked = pair[0].is("#") || pair[0].is_one_of(&["id", "propiedad", "numero"]);
        (marked && pair[1].sort == Sort::Digits).then_some((at + 1, pair[1].text.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_where_sentences_end() {
        for (line, sentences) in [
            (
                "La #1 cuesta USD 53.600. Tiene piscina; es ideal",
                vec!["La #1 cuesta USD 53.600.", " Tiene piscina;", " es ideal"],
            ),
            (
                "1. **#12**: casa en Av. Beni",
                vec!["1. **#12**: casa en Av. Beni"],
            ),
            ("¿Algo más? No.", vec!["¿Algo más?", " No."]),
            ("", vec![]),
        ] {
            assert_eq!(split(line), sentences);
        }
    }
}
