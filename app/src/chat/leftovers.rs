//! What no part of the parser took, as phrases: a place by a word like "por" before it, a feature by a word like "con", and else
//! what was not understood.

use crate::catalog::narrow;
use crate::chat::question::{Feature, Landmark, Question};
use crate::chat::words::{Sort, Token};
use crate::chat::{lexicon, vocabulary};

/// Words that a phrase may go on over.
const INNER: &[&str] = &["de", "del", "la", "las", "los", "el", "a"];
/// Words that are skipped on the way back to the one that says what a phrase is.
const ARTICLES: &[&str] = &[
    "de", "del", "el", "la", "los", "las", "al", "un", "una", "a", "unos", "unas",
];
/// Words before a place.
const BEFORE_PLACES: &[&str] = &[
    "en",
    "por",
    "cerca",
    "cercano",
    "cercana",
    "cercanas",
    "sobre",
    "frente",
    "lado",
    "hacia",
    "junto",
    "proximo",
    "proxima",
    "alrededor",
    "alrededores",
    "pegado",
    "pegada",
    "detras",
    "zona",
    "barrio",
    "sector",
];
/// First words of the name of a place.
const PLACES: &[&str] = &[
    "av",
    "avenida",
    "calle",
    "pasaje",
    "torre",
    "torres",
    "urbanizacion",
    "mall",
    "shopping",
    "radial",
    "rotonda",
    "km",
    "kilometro",
];
/// Words before something that a property may have.
const BEFORE_FEATURES: &[&str] = &[
    "con", "sin", "tenga", "tengan", "tiene", "incluya", "incluye", "acepte", "acepten", "acepta",
    "aceptan", "permita", "permitan", "admita", "admitan",
];
/// Phrases longer than this are no name of anything.
const LONG: usize = 5;

/// Takes what is left of the text into the question.
pub fn take(text: &[Token], taken: &[bool], question: &mut Question) {
    let mut at = 0;
    while at < text.len() {
        if !is_left(text, taken, at) {
            at += 1;
            continue;
        }
        let end = end(text, taken, at);
        phrase(text, at, end, question);
        at = end;
    }
}

/// Whether a token means something and nothing has taken it.
fn is_left(text: &[Token], taken: &[bool], at: usize) -> bool {
    let token = &text[at];
    !taken[at]
        && token.sort != Sort::Mark
        && !lexicon::is_filler(&token.text)
        && (token.sort == Sort::Digits || token.text.len() > 1)
}

/// The end of a phrase: it goes on over small words that another word of it follows.
fn end(text: &[Token], taken: &[bool], start: usize) -> usize {
    let mut end = start + 1;
    if text[start].sort == Sort::Digits && text.get(end).and_then(vocabulary::measure).is_some() {
        // "10 metros", "10 años": the number alone would say nothing.
        end += 1;
    }
    let mut at = end;
    while at < text.len() {
        if is_left(text, taken, at) {
            end = at + 1;
        } else if taken[at] || !(text[at].is_one_of(INNER) || text[at].is(".") || text[at].attached)
        {
            break;
        }
        at += 1;
    }
    end
}

fn phrase(text: &[Token], start: usize, end: usize, question: &mut Question) {
    let words = &text[start..end];
    let written = written(words);
    let long = words
        .iter()
        .filter(|token| token.sort != Sort::Mark)
        .count()
        > LONG;
    let before = text[..start]
        .iter()
        .rev()
        .find(|token| !token.is_one_of(ARTICLES) && token.sort != Sort::Mark);
    let is = |list: &[&str]| before.is_some_and(|token| token.is_one_of(list));
    let listed = is(&["y", "e", "o", ","]) && joins_feature(&text[..start], question);
    let place = words[0].is_one_of(PLACES)
        || words.iter().any(|token| token.is_one_of(&["mall"]))
        || is(BEFORE_PLACES);
    let number = words[0].sort == Sort::Digits;
    if place && !long && (!number || words.len() > 1) {
        question.lugares.push(Landmark {
            nombre: written,
            puntos: Vec::new(),
        });
    } else if (is(BEFORE_FEATURES) || listed) && !long && !number {
        let feature = Feature {
            patron: narrow::literal(&written),
            nombre: written,
        };
        if before.is_some_and(|token| token.is("sin")) {
            question.sin_caracteristicas.push(feature);
        } else {
            question.caracteristicas.push(feature);
        }
    } else {
        question.no_entendido.push(written);
    }
}

/// "con sauna y …", "con agua y …": what is joined to a feature is one.
fn joins_feature(before: &[Token], question: &Question) -> bool {
    let last = question
        .caracteristicas
        .iter()
        .chain(&question.sin_caracteristicas)
        .last();
    let earlier = before
        .iter()
        .rev()
        .find(|token| !token.is_one_of(ARTICLES) && !token.is_one_of(&["y", "e", "o"]));
    let ends = |token: &Token| {
        last.is_some_and(|last| last.nombre.ends_with(&token.written) && !token.written.is_empty())
    };
    earlier.is_some_and(|token| lexicon::feature(token).is_some() || ends(token))
}

/// As the user wrote it, with a space where there was one.
fn written(words: &[Token]) -> String {
    let mut text = String::new();
    for token in words.iter().filter(|token| !token.written.is_empty()) {
        if !text.is_empty() && !token.attached {
            text.push(' ');
        }
        text.push_str(&token.written);
    }
    text
}
