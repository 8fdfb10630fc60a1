//! Ring roads in a question: "dentro del 4to anillo", "entre el segundo y el tercer anillo".

use crate::catalog::rings::LAST;
use crate::chat::words::{Sort, Token};

/// The rings between which it must be; either end may be open.
pub type Rings = (Option<f64>, Option<f64>);

/// How far "en el 4to anillo" reaches to either side, in rings.
const NEAR: f64 = 0.5;

const ORDINALS: &[(&str, f64)] = &[
    ("primer", 1.0),
    ("primero", 1.0),
    ("segundo", 2.0),
    ("tercer", 3.0),
    ("tercero", 3.0),
    ("cuarto", 4.0),
    ("quinto", 5.0),
    ("sexto", 6.0),
    ("septimo", 7.0),
    ("octavo", 8.0),
    ("noveno", 9.0),
];
const ENDINGS: &[&str] = &[
    "er", "ro", "ero", "do", "to", "mo", "vo", "no", "º", "°", ".", "o", "th", "rd", "nd", "st",
];
const ARTICLES: &[&str] = &[
    "el", "del", "de", "la", "los", "al", "a", "entre", "en", "por", "altura",
];
const INSIDE: &[&str] = &["dentro", "adentro", "antes", "interior", "hasta", "bajo"];
const OUTSIDE: &[&str] = &[
    "fuera", "afuera", "pasando", "pasado", "despues", "desde", "alla", "partir", "detras",
];

/// The rings of a question; their tokens are marked as taken.
pub fn find(text: &[Token], taken: &mut [bool]) -> Option<Rings> {
    let word = text
        .iter()
        .position(|token| token.is_one_of(&["anillo", "anillos"]))?;
    let (rings, start, end) = numbers(text, word)?;
    let found = related(text, start, &rings)?;
    for (at, taken) in taken.iter_mut().enumerate().take(end).skip(start) {
        *taken |= !text[at].is_one_of(ARTICLES);
    }
    let relation = (start.saturating_sub(4)..start)
        .filter(|at| text[*at].is_one_of(INSIDE) || text[*at].is_one_of(OUTSIDE));
    relation.for_each(|at| taken[at] = true);
    Some(found)
}

/// The rings that are named by this word, at most two, and where they start and end.
fn numbers(text: &[Token], word: usize) -> Option<(Vec<f64>, usize, usize)> {
    let (mut rings, mut start) = (Vec::new(), word);
    let mut at = word;
    while let Some(before) = at.checked_sub(1) {
        let token = &text[before];
        if let Some(ring) = ordinal(token) {
            rings.insert(0, ring);
            start = before;
        } else if !(token.is_one_of(ENDINGS)
            || token.is_one_of(&["y", "o", "el", "del", "al", "a"])
            || token.is_one_of(&["interno", "externo"]))
        {
            break;
        }
        if rings.len() == 2 {
            break;
        }
        at = before;
    }
    let after = text.get(word + 1).and_then(ordinal);
    if rings.is_empty() {
        // "anillo 4".
        return after.map(|ring| (vec![ring], word, word + 2));
    }
    (!rings.is_empty()).then_some((rings, start, word + 1))
}

fn ordinal(token: &Token) -> Option<f64> {
    let ring = match token.sort {
        Sort::Digits => token.text.parse().ok()?,
        _ => ORDINALS.iter().find(|(word, _)| token.is(word))?.1,
    };
    (1.0..=LAST).contains(&ring).then_some(ring)
}

/// Inside, outside, between or near, by what stands before.
fn related(text: &[Token], start: usize, rings: &[f64]) -> Option<Rings> {
    let (first, last) = (*rings.first()?, *rings.last()?);
    if rings.len() == 2 {
        return Some((Some(first.min(last)), Some(first.max(last))));
    }
    let before = &text[start.saturating_sub(4)..start];
    let relation = before.iter().rev().find(|token| !token.is_one_of(ARTICLES));
    let refused = before.iter().any(|token| token.is_one_of(&["no", "ni"]));
    let inside = relation.is_some_and(|token| token.is_one_of(INSIDE));
    let outside = relation.is_some_and(|token| token.is_one_of(OUTSIDE));
    Some(match (inside, outside) {
        (true, _) if refused => (Some(first), None),
        (true, _) => (None, Some(first)),
        (_, true) if refused => (None, Some(first)),
        (_, true) => (Some(first), None),
        _ => (
            Some((first - NEAR).max(0.0)),
            Some((first + NEAR).min(LAST)),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::words::tokens;

    fn read(text: &str) -> Option<Rings> {
        let text = tokens(text);
        find(&text, &mut vec![false; text.len()])
    }

    #[test]
    fn rings_are_read_with_what_stands_before_them() {
        for (text, expected) in [
            ("dentro del 4to anillo", Some((None, Some(4.0)))),
            ("casa antes del cuarto anillo", Some((None, Some(4.0)))),
            ("fuera del 4to anillo", Some((Some(4.0), None))),
            ("pasando el 8vo anillo", Some((Some(8.0), None))),
            ("que no esté fuera del 4° anillo", Some((None, Some(4.0)))),
            ("entre el 4to y 5to anillo", Some((Some(4.0), Some(5.0)))),
            (
                "entre segundo y tercer anillo",
                Some((Some(2.0), Some(3.0))),
            ),
            ("del 2do al 3er anillo", Some((Some(2.0), Some(3.0)))),
            ("por el 6to anillo", Some((Some(5.5), Some(6.5)))),
            ("anillo 4", Some((Some(3.5), Some(4.5)))),
            ("un anillo de oro", None),
            ("en el 40 anillo", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
