//! The words around a number that say whether it is a minimum, a maximum or approximate.

use crate::chat::numeral;
use crate::chat::vocabulary;
use crate::chat::words::{Sort, Token};

/// Which end of a range a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// At least.
    Least,
    /// More than.
    Above,
    /// At most.
    Most,
    About,
}

impl Bound {
    /// "no quiero gastar más de" is a maximum.
    fn turned(self) -> Self {
        match self {
            Bound::Least | Bound::Above => Bound::Most,
            Bound::Most => Bound::Least,
            Bound::About => Bound::About,
        }
    }
}

/// Words before a number that say nothing about it.
const FILLERS: &[&str] = &[
    "de",
    "del",
    "los",
    "las",
    "el",
    "la",
    "un",
    "unos",
    "usd",
    "us",
    "$",
    "sus",
    "bs",
    "es",
    "son",
    "a",
    "en",
    ":",
    "=",
    "precio",
    "dolares",
    "bolivianos",
    "ser",
    "seria",
    "total",
    "mi",
    "entre",
    "con",
    "maso",
];

/// The ends of what is before a number, longest first within each bound.
const BEFORE: &[(&str, Bound)] = &[
    ("no mas", Bound::Most),
    ("no mayor", Bound::Most),
    ("no mayores", Bound::Most),
    ("no superior", Bound::Most),
    ("no menos", Bound::Least),
    ("no menor", Bound::Least),
    ("no baje", Bound::Least),
    ("mas o menos", Bound::About),
    ("como mucho", Bound::Most),
    ("a lo sumo", Bound::Most),
    ("al menos", Bound::Least),
    ("por lo menos", Bound::Least),
    ("como minimo", Bound::Least),
    ("como maximo", Bound::Most),
    ("a partir", Bound::Least),
    ("por encima", Bound::Above),
    ("por debajo", Bound::Most),
    ("no pase", Bound::Most),
    ("no pasen", Bound::Most),
    ("no supere", Bound::Most),
    ("no superen", Bound::Most),
    ("no exceda", Bound::Most),
    ("menos", Bound::Most),
    ("menor", Bound::Most),
    ("menores", Bound::Most),
    ("inferior", Bound::Most),
    ("inferiores", Bound::Most),
    ("debajo", Bound::Most),
    ("bajo", Bound::Most),
    ("hasta", Bound::Most),
    ("maximo", Bound::Most),
    ("maxima", Bound::Most),
    ("max", Bound::Most),
    ("max .", Bound::Most),
    ("tope", Bound::Most),
    ("<", Bound::Most),
    ("mas", Bound::Above),
    ("mayor", Bound::Above),
    ("mayores", Bound::Above),
    ("superior", Bound::Above),
    ("superiores", Bound::Above),
    ("encima", Bound::Above),
    ("arriba", Bound::Above),
    ("desde", Bound::Least),
    ("minimo", Bound::Least),
    ("minima", Bound::Least),
    ("min", Bound::Least),
    ("min .", Bound::Least),
    (">", Bound::Least),
    ("+", Bound::Least),
    ("alrededor", Bound::About),
    ("cerca", Bound::About),
    ("aproximadamente", Bound::About),
    ("aprox", Bound::About),
    ("aprox .", Bound::About),
    ("unos", Bound::About),
    ("casi", Bound::About),
];

/// What is after a number.
const AFTER: &[(&str, Bound)] = &[
    ("o menos", Bound::Most),
    ("como maximo", Bound::Most),
    ("como mucho", Bound::Most),
    ("maximo", Bound::Most),
    ("a lo sumo", Bound::Most),
    ("o mas", Bound::Least),
    ("y mas", Bound::Least),
    ("en adelante", Bound::Least),
    ("para arriba", Bound::Least),
    ("hacia arriba", Bound::Least),
    ("para abajo", Bound::Most),
    ("hacia abajo", Bound::Most),
    ("como minimo", Bound::Least),
    ("minimo", Bound::Least),
    ("por lo menos", Bound::Least),
    ("aproximadamente", Bound::About),
    ("aprox", Bound::About),
    ("mas o menos", Bound::About),
];

/// Words that make a number money although nothing else does.
const MONEY: &[&str] = &[
    "presupuesto",
    "gastar",
    "pagar",
    "invertir",
    "gasto",
    "pago",
    "cueste",
    "cuesten",
    "cuesta",
    "precio",
    "ahorros",
    "ahorrado",
    "capital",
    "tope",
    "plata",
    "tengo",
    "tenemos",
];

/// The bound that the words around the number in `start..end` give.
pub fn bound(text: &[Token], start: usize, end: usize) -> Option<Bound> {
    before(text, start).or_else(|| after(text, end))
}

fn before(text: &[Token], start: usize) -> Option<Bound> {
    let mut end = start;
    // At most a few words; another number or a comma ends what belongs to this one.
    let first = (start.saturating_sub(6)..start)
        .rev()
        .take_while(|at| text[*at].sort != Sort::Digits && !text[*at].is_one_of(&[",", ";", ")"]))
        .last()
        .unwrap_or(start);
    while end > first {
        let said = joined(&text[first..end]);
        let cue = BEFORE
            .iter()
            .find(|(cue, _)| said == *cue || said.ends_with(&format!(" {cue}")));
        if let Some((cue, bound)) = cue {
            let negated = matches!(*cue, "mas" | "menos")
                && text[first..end].iter().any(|token| token.is("no"));
            return Some(if negated { bound.turned() } else { *bound });
        }
        if !text[end - 1].is_one_of(FILLERS) && vocabulary::measure(&text[end - 1]).is_none() {
            return None;
        }
        end -= 1;
    }
    None
}

fn after(text: &[Token], end: usize) -> Option<Bound> {
    if end > 0 && text[end - 1].is("+") {
        return Some(Bound::Least);
    }
    let said = joined(text.get(end..(end + 4).min(text.len()))?);
    let (cue, bound) = AFTER
        .iter()
        .find(|(cue, _)| said == *cue || said.starts_with(&format!("{cue} ")))?;
    // "200 mil, mínimo 3 dormitorios": the word belongs to the next number.
    let next = end + cue.split(' ').count();
    let other = (next..next + 2).any(|at| numeral::read(text, at).is_some());
    (!other).then_some(*bound)
}

/// Whether the few words before say that the number is money.
pub fn money(text: &[Token], start: usize) -> bool {
    text[start.saturating_sub(6)..start]
        .iter()
        .rev()
        .take_while(|token| token.sort != Sort::Digits && !token.is_one_of(&[";", "."]))
        .any(|token| token.is_one_of(MONEY))
}

/// Every word of those around a number.
pub fn words() -> impl Iterator<Item = &'static str> {
    let phrases = BEFORE.iter().chain(AFTER).map(|(cue, _)| *cue);
    let words = phrases.flat_map(|cue| cue.split(' '));
    words
        .chain(FILLERS.iter().copied())
        .chain(MONEY.iter().copied())
}

fn joined(tokens: &[Token]) -> String {
    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    words.join(" ")
}
