//! The numbers of a question, each with what it counts: rooms, square metres, heads, or money.

use crate::chat::cues::{self, Bound};
use crate::chat::numeral::{self, Numeral};
use crate::chat::vocabulary::{self, Measure};
use crate::chat::words::{Sort, Token};

/// A currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Currency {
    Dollars,
    Bolivianos,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Measure(Measure),
    Money(Currency),
}

/// A number or a range of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amount {
    pub unit: Unit,
    pub low: f64,
    /// The other end, where two were given.
    pub high: Option<f64>,
    pub bound: Option<Bound>,
}

const DOLLARS: &[&str] = &["$", "usd", "us", "sus", "dolar", "dolares", "dls", "u$s"];
const BOLIVIANOS: &[&str] = &["bs", "bob", "boliviano", "bolivianos"];
/// Words before a number that is not an amount.
const LABELS: &[&str] = &[
    "telefono", "tel", "cel", "celular", "whatsapp", "llamame", "llamar", "numero", "calle",
    "radial", "uv", "manzana", "mz", "lote", "piso", "km", "codigo", "ano", "anillo", "av",
    "avenida",
];
/// A lone number from here on is money, whatever is around it.
const SURELY_MONEY: f64 = 10_000.0;
/// From here on it is money if the words around it are about money or a bound.
const PERHAPS_MONEY: f64 = 100.0;
/// Nobody asks for more rooms, persons or properties than this.
const MANY: f64 = 50.0;

/// All amounts, in order. Tokens that are marked as taken belong to something else.
pub fn find(text: &[Token], taken: &[bool]) -> Vec<Amount> {
    let mut found = Vec::new();
    let mut at = 0;
    // The end of the last amount that a noun followed, so that the noun is not given to the next number as well.
    let mut spent = 0;
    while at < text.len() {
        if taken[at] {
            at += 1;
            continue;
        }
        let Some(first) = numeral::read(text, at) else {
            at += 1;
            continue;
        };
        let second = range(text, at, first);
        let last = second.unwrap_or(first);
        let noun = noun(text, at, last, spent);
        let end = noun.map_or(last.end, |(_, end)| end.max(last.end));
        if let Some(unit) = unit(text, at, first, last, noun.map(|(measure, _)| measure)) {
            let scale = match second {
                Some(second) if !first.scaled && first.value < second.value / second.scale => {
                    second.scale
                }
                _ => 1.0,
            };
            let (low, high) = ordered(first.value * scale, second.map(|second| second.value));
            found.push(Amount {
                unit,
                low,
                high,
                bound: cues::bound(text, at, past_currency(text, end)),
            });
        }
        spent = end;
        at = end.max(at + 1);
    }
    found
}

fn ordered(first: f64, second: Option<f64>) -> (f64, Option<f64>) {
    match second {
        Some(second) => (first.min(second), Some(first.max(second))),
        None => (first, None),
    }
}

/// The second number of "entre A y B", "de A a B", "A - B" or "A o B dormitorios".
fn range(text: &[Token], start: usize, first: Numeral) -> Option<Numeral> {
    let after = past_currency(text, first.end);
    let connector = text.get(after)?;
    let mut at = after + 1;
    while text
        .get(at)
        .is_some_and(|token| token.is_one_of(&["los", "las", "de", "$", "usd", "us", "bs", "sus"]))
    {
        at += 1;
    }
    let second = numeral::read(text, at)?;
    let counted = next_measure(text, second.end).is_some();
    let between = (start.saturating_sub(4)..start).any(|at| text[at].is("entre"));
    let small = first.value < MANY && second.value < MANY && !first.scaled && !second.scaled;
    // "200 mil y 3 dormitorios" is no range, "3 o 4 dormitorios" is.
    let alike = counted == (small || next_measure(text, second.end) == Some(Measure::Surface));
    let joins = match connector.text.as_str() {
        "y" => between && alike,
        "o" => counted && small,
        "a" | "hasta" => alike && !unequal(first, second),
        "-" => {
            alike
                && !unequal(first, second)
                && (counted || second.scaled || first.value >= SURELY_MONEY)
        }
        _ => false,
    };
    joins.then_some(second)
}

/// Whether a first number without and a second with a scale cannot be ends of one range.
fn unequal(first: Numeral, second: Numeral) -> bool {
    if first.scaled || !second.scaled {
        first.value > second.value
    } else {
        first.value >= second.value && first.value < SURELY_MONEY
    }
}

/// What a number counts by the noun after it ("3 amplios dormitorios") or right before it ("dormitorios: 3"), and where
/// that ends.
fn noun(text: &[Token], start: usize, number: Numeral, spent: usize) -> Option<(Measure, usize)> {
    let fits = |measure| number.value <= MANY || measure == Measure::Surface;
    let between = [
        ":", "=", "de", "minimo", "minima", "maximo", "maxima", "min", "max", ".",
    ];
    let before = (start.saturating_sub(4)..start)
        .rev()
        .find(|at| !text[*at].is_one_of(&between))
        .filter(|at| *at >= spent && !number.scaled)
        .and_then(|at| vocabulary::measure(&text[at]))
        .filter(|measure| {
            *measure != Measure::Items && *measure != Measure::Other && fits(*measure)
        });
    if let Some(measure) = before {
        return Some((measure, number.end));
    }
    if let Some(measure) = next_measure(text, number.end) {
        return Some((measure, number.end + 1));
    }
    let described = text.get(number.end).is_some_and(|token| {
        token.sort == Sort::Word
            && !token.is_one_of(&["y", "o", "a", "con", "en", "de", "para", "por", "hasta"])
    });
    let next = next_measure(text, number.end + 1).filter(|measure| {
        !matches!(measure, Measure::Items | Measure::Other)
            && number.value <= 20.0
            && !number.scaled
    });
    match next {
        Some(measure) if described && vocabulary::kind(&text[number.end]).is_none() => {
            Some((measure, number.end + 2))
        }
        _ => None,
    }
}

fn next_measure(text: &[Token], at: usize) -> Option<Measure> {
    let token = text.get(at)?;
    match vocabulary::measure(token) {
        // "100 mil más" or "3 o más" is no count of properties; "las 3 más caras" is.
        Some(Measure::Items) if token.is("mas") => {
            vocabulary::order(token, text.get(at + 1)?).map(|_| Measure::Items)
        }
        Some(measure) => Some(measure),
        None => vocabulary::kind(token).map(|_| Measure::Items),
    }
}

/// What the number counts; `None` if that is not clear.
fn unit(
    text: &[Token],
    start: usize,
    first: Numeral,
    last: Numeral,
    noun: Option<Measure>,
) -> Option<Unit> {
    let currency = currency(text, start, first).or_else(|| currency(text, start, last));
    if let Some(currency) = currency {
        return Some(Unit::Money(currency));
    }
    if label(text, start) {
        return None;
    }
    match noun {
        Some(Measure::Other) => None,
        Some(Measure::Items) if last.scaled || last.value > MANY => money(text, start, last),
        Some(measure) if measure != Measure::Surface && last.value > MANY => None,
        Some(measure) => Some(Unit::Measure(measure)),
        None => money(text, start, last),
    }
}

fn money(text: &[Token], start: usize, number: Numeral) -> Option<Unit> {
    let digits = &text[start].text;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let spoken = cues::money(text, start);
    let bound = cues::bound(text, start, number.end);
    let telephone = plain && digits.len() == 8 && !spoken && bound.is_none();
    let year =
        plain && (1900.0..=2100.0).contains(&number.value) && bound != Some(Bound::Most) && !spoken;
    let is_money = number.scaled
        || (number.value >= SURELY_MONEY && !telephone)
        || (number.value >= PERHAPS_MONEY && (spoken || bound.is_some()) && !year);
    is_money.then_some(Unit::Money(Currency::Dollars))
}

/// A currency right before or after the number.
pub fn currency(text: &[Token], start: usize, number: Numeral) -> Option<Currency> {
    let named = |token: &Token| {
        if token.is_one_of(DOLLARS) {
            Some(Currency::Dollars)
        } else if token.is_one_of(BOLIVIANOS) {
            Some(Currency::Bolivianos)
        } else {
            None
        }
    };
    let before = start.checked_sub(1).map(|at| {
        if text[at].is(".") {
            at.saturating_sub(1)
        } else {
            at
        }
    });
    let after = match text.get(number.end) {
        Some(token) if token.is("de") => text.get(number.end + 1),
        token => token,
    };
    after
        .and_then(named)
        .or_else(|| before.and_then(|at| named(&text[at])))
}

fn past_currency(text: &[Token], mut at: usize) -> usize {
    if text.get(at).is_some_and(|token| token.is("de"))
        && text
            .get(at + 1)
            .is_some_and(|token| token.is_one_of(DOLLARS) || token.is_one_of(BOLIVIANOS))
    {
        at += 1;
    }
    while text.get(at).is_some_and(|token| {
        token.is_one_of(DOLLARS)
            || token.is_one_of(BOLIVIANOS)
            || token.is_one_of(&["americanos", "."])
    }) {
        at += 1;
    }
    at
}

fn label(text: &[Token], start: usize) -> bool {
    let near = &text[start.saturating_sub(2)..start];
    near.iter().any(|token| token.is_one_of(LABELS))
}
