//! Reads abbreviations, slang and English as the words that they stand for.

use crate::chat::lexicon::{self, Rewrite};
use crate::chat::words::{Sort, Token};

/// From so many on, "lucas" are single bolivianos: nobody pays "2500 lucas" of a thousand for a month.
const SINGLE: f64 = 1000.0;

/// The text with every such word replaced.
pub fn rewrite(text: &[Token]) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let known = lexicon::rewrites()
            .iter()
            .find(|known| stands_at(text, at, known));
        if let Some(known) = known {
            let to = meant(known, found.last());
            found.extend(replaced(&text[at..at + known.from.len()], &to));
            at += known.from.len();
        } else {
            found.push(text[at].clone());
            at += 1;
        }
    }
    found
}

fn stands_at(text: &[Token], at: usize, known: &Rewrite) -> bool {
    known
        .from
        .iter()
        .enumerate()
        .all(|(index, word)| text.get(at + index).is_some_and(|token| token.is(word)))
}

fn meant(known: &Rewrite, before: Option<&Token>) -> Vec<String> {
    let number = before.and_then(|token| token.text.parse::<f64>().ok());
    let single = number.is_some_and(|number| number >= SINGLE);
    if known.from[0].starts_with("luca") && single {
        return vec!["bolivianos".to_owned()];
    }
    known.to.clone()
}

/// The first new word is told as all that was written.
fn replaced(old: &[Token], new: &[String]) -> Vec<Token> {
    // What stands for itself is only kept from being read as something else.
    if old.iter().map(|token| &token.text).eq(new) {
        return old.to_vec();
    }
    let written: Vec<&str> = old.iter().map(|token| token.written.as_str()).collect();
    let token = |(index, text): (usize, &String)| Token {
        text: text.clone(),
        written: if index == 0 {
            written.join(" ")
        } else {
            String::new()
        },
        sort: if text.bytes().all(|byte| byte.is_ascii_digit()) {
            Sort::Digits
        } else {
            Sort::Word
        },
        attached: index == 0 && old[0].attached,
        capital: old[0].capital,
    };
    new.iter().enumerate().map(token).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::words::tokens;

    fn read(text: &str) -> String {
        let words = rewrite(&tokens(text)).into_iter().map(|token| token.text);
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_stands_for_itself_is_told_as_it_was_written() {
        let read = rewrite(&tokens("Equipetrol norte"));
        let written: Vec<&str> = read.iter().map(|token| token.written.as_str()).collect();
        assert_eq!(written, ["Equipetrol", "norte"]);
    }

    #[test]
    fn slang_and_english_are_read() {
        for (text, expected) in [
            ("200 lucas verdes", "200 mil dolares"),
            ("20 lucas", "20 mil"),
            ("2500 lucas al mes", "2500 bolivianos al mes"),
            ("q no sea en la pampa", "que no sea en la pampa"),
            (
                "2 bedroom apartment under 120k",
                "2 dormitorio departamento hasta 120 k",
            ),
            ("dpto p/ estudiante", "dpto para estudiante"),
            ("casa de 3 dormitorios", "casa de 3 dormitorios"),
            ("por el norte", "por el zona norte"),
            ("en la zona norte", "en la zona norte"),
        ] {
            assert_eq!(read(text), expected);
        }
    }
}
