//! Whether what is named is refused: by a word before it ("no en", "nada de", "lejos de"), or by a "no" after it.

use crate::chat::lexicon;
use crate::chat::words::{Sort, Token};

/// Words by which "lejos" and "fuera" are turned around again: "no tan lejos de Equipetrol" is near it.
const AWAY: &[&str] = &["lejos", "fuera"];

/// How what is named at a place stands to a word of refusing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The word.
    pub at: usize,
    /// Whether it refuses; else it is refused itself.
    pub holds: bool,
}

/// The refusal of what stands in `start..end`, if a word of refusing belongs to it.
pub fn of(text: &[Token], start: usize, end: usize) -> Option<Refusal> {
    before(text, start).or_else(|| after(text, start, end))
}

/// Whether what stands there is refused.
pub fn is(text: &[Token], start: usize, end: usize) -> bool {
    of(text, start, end).is_some_and(|refusal| refusal.holds)
}

fn before(text: &[Token], start: usize) -> Option<Refusal> {
    let at = refusing(text, start)?;
    let away = text[at].is_one_of(AWAY);
    let holds = !(away
        && refusing(text, at).is_some_and(|no| text[no].is_one_of(&["no", "ni", "tampoco"])));
    Some(Refusal { at, holds })
}

/// The nearest word of refusing, over words that may stand between.
fn refusing(text: &[Token], start: usize) -> Option<usize> {
    let at = text[..start]
        .iter()
        .rposition(|token| is_word(token) || !is_between(token))?;
    // "90 mil o menos con patio" and "al menos en el centro" refuse nothing.
    let earlier = at.checked_sub(1).map_or("", |at| text[at].text.as_str());
    let bound = text[at].is("menos") && matches!(earlier, "o" | "lo" | "al" | "y");
    (is_word(&text[at]) && !bound).then_some(at)
}

/// "nada" between "no" and what is refused is the word as well.
fn is_word(token: &Token) -> bool {
    lexicon::refuses(&token.text)
}

fn is_between(token: &Token) -> bool {
    lexicon::stands_between(&token.text)
}

/// "Equipetrol no": at the end of what is said, and not the "no" of what comes next.
fn after(text: &[Token], start: usize, end: usize) -> Option<Refusal> {
    let no = text.get(end)?;
    let ends = text.get(end + 1).is_none_or(|next| {
        next.sort == Sort::Mark || next.is_one_of(&["pero", "mejor", "gracias", "por"])
    });
    // "¿equipetrol o no?" asks.
    let asks = start > 0 && text[start - 1].is_one_of(&["o", "u"]);
    (no.is_one_of(&["no", "tampoco"]) && !no.attached && ends && !asks).then_some(Refusal {
        at: end,
        holds: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::words::tokens;

    /// Whether "urubo" is refused.
    fn refused(text: &str) -> bool {
        let text = tokens(text);
        let at = text.iter().position(|token| token.is("urubo")).unwrap();
        is(&text, at, at + 1)
    }

    #[test]
    fn what_is_named_is_refused_by_what_stands_around_it() {
        for text in [
            "no en urubo",
            "que no sea en urubo",
            "no me muestre nada en el urubo",
            "nada de urubo",
            "quite lo de urubo",
            "todo menos urubo",
            "excepto en urubo",
            "ni en urubo",
            "lejos del urubo",
            "fuera de urubo",
            "no quisiera vivir en urubo",
            "casa, urubo no, gracias",
            "evitando el urubo",
            "tampoco en urubo",
            "no me convence el urubo",
        ] {
            assert!(refused(text), "{text}");
        }
        for text in [
            "en urubo",
            "no tan lejos de urubo",
            "que no quede lejos de urubo",
            "¿no tiene algo en urubo?",
            "no hay casas en urubo?",
            "no importa si es en urubo",
            "no solo en urubo",
            "sin garaje en urubo",
            "menos de 90 mil en urubo",
            "al menos en urubo",
            "100 mil o menos en urubo",
            "urubo, no equipetrol",
            "en urubo o no",
        ] {
            assert!(!refused(text), "{text}");
        }
    }
}
