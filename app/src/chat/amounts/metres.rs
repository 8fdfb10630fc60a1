//! Square metres as they are written: the sides of a plot, what is built, and the ground that is no surface of a house.

use crate::catalog::GROUND;
use crate::chat::amounts::{Amount, Unit, currency, next_measure};
use crate::chat::numeral::{self, Numeral};
use crate::chat::vocabulary::{self, Measure};
use crate::chat::words::{Sort, Token};

/// Words after a surface that say it is built.
const BUILT: &[&str] = &[
    "construido",
    "construidos",
    "construida",
    "construidas",
    "edificados",
    "cubiertos",
    "techados",
    "cuadrados",
    "utiles",
];

/// "12x30": the sides of a plot, as its square metres, and where they end.
pub fn sides(text: &[Token], at: usize) -> Option<(Amount, usize)> {
    let side = |at: usize| {
        let read = numeral::read(text, at).filter(|_| text[at].sort == Sort::Digits)?;
        ((4.0..=500.0).contains(&read.value) && !read.scaled).then_some(read)
    };
    let first = side(at)?;
    let by = text.get(first.end)?;
    let second = side(first.end + 1).filter(|_| by.is_one_of(&["por", "x", "×", "*"]))?;
    if currency(text, at, second).is_some() {
        return None;
    }
    let end = second.end + usize::from(next_measure(text, second.end) == Some(Measure::Surface));
    let area = Amount {
        unit: Unit::Measure(Measure::Surface),
        low: first.value * second.value,
        high: None,
        bound: None,
        bare: false,
        span: (at, end),
        described: None,
    };
    Some((area, end))
}

/// "2-bedroom".
pub fn past_hyphen(text: &[Token], number: Numeral) -> Numeral {
    let hyphen = text.get(number.end).is_some_and(|token| token.is("-"));
    let word = text
        .get(number.end + 1)
        .is_some_and(|token| token.sort == Sort::Word);
    Numeral {
        end: number.end + usize::from(hyphen && word),
        ..number
    }
}

/// "300 de terreno" of something else than a plot: the catalogue filters by what is built.
pub fn is_ground(text: &[Token], end: usize) -> bool {
    let of = |at: usize, words: &[&str]| text.get(at).is_some_and(|token| token.is_one_of(words));
    let other = |token: &Token| vocabulary::kind(token).is_some_and(|kind| kind != GROUND);
    of(end, &["de"]) && of(end + 1, &["terreno", "lote"]) && text.iter().any(other)
}

/// "200 m2 construidos", "200 m2 de construcción".
pub fn past_built(text: &[Token], end: usize) -> usize {
    let is = |at: usize, words: &[&str]| text.get(at).is_some_and(|token| token.is_one_of(words));
    if is(end, BUILT) {
        end + 1
    } else if is(end, &["de"]) && is(end + 1, &["construccion", "superficie"]) {
        end + 2
    } else {
        end
    }
}
