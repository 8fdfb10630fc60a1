//! The numbers of a question, each with what it counts: rooms, square metres, heads, or money.

use crate::chat::cues::{self, Bound};
use crate::chat::numeral::{self, Numeral};
use crate::chat::vocabulary::{self, Measure};
use crate::chat::words::{Sort, Token};

mod metres;

use metres::{is_ground, past_built, past_hyphen, sides};

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
    /// Whether nothing says that it is money but its place: "entre 80 y 120".
    pub bare: bool,
    /// Its tokens, with the noun and the currency.
    pub span: (usize, usize),
    /// The word between number and noun, where it says nothing of how large or dear that is: "3 buenos dormitorios".
    pub described: Option<usize>,
}

impl Amount {
    /// So many times as much.
    pub fn times(self, factor: f64) -> Self {
        Amount {
            low: self.low * factor,
            high: self.high.map(|high| high * factor),
            ..self
        }
    }
}

const DOLLARS: &[&str] = &[
    "$",
    "usd",
    "us",
    "sus",
    "dolar",
    "dolares",
    "dls",
    "u$s",
    "verdes",
    "verdecitos",
];
const BOLIVIANOS: &[&str] = &["bs", "bob", "boliviano", "bolivianos"];
/// Words before a number that is not an amount.
const LABELS: &[&str] = &[
    "telefono",
    "tel",
    "cel",
    "celular",
    "whatsapp",
    "llamame",
    "llamar",
    "numero",
    "calle",
    "radial",
    "uv",
    "manzana",
    "mz",
    "lote",
    "piso",
    "km",
    "codigo",
    "ano",
    "anillo",
    "av",
    "avenida",
    "inicial",
    "expensas",
    "mensualidad",
    "mensualidades",
];
/// What is measured in metres and is no surface: "10 metros de frente".
const SIDES: &[&str] = &["frente", "fondo", "ancho", "largo", "alto", "altura"];
/// The ends of ordinals.
const ORDINALS: &[&str] = &["ro", "er", "do", "to", "no"];
/// Words before money that is not the price.
const PARTS: &[&str] = &[
    "inicial",
    "expensas",
    "mensualidad",
    "mensualidades",
    "cuota",
    "cuotas",
    "anticipo",
    "entrada",
    "enganche",
    "adelanto",
    "reserva",
];
/// A lone number from here on is money, whatever is around it.
const SURELY_MONEY: f64 = 10_000.0;
/// From here on a number is money if the words around it are about money or a bound: perhaps with its thousands left out.
const PERHAPS_THOUSANDS: f64 = 10.0;
/// From here on nobody leaves the thousands out.
const NEVER_THOUSANDS: f64 = 1000.0;
/// Nobody asks for more rooms, persons or properties than this.
const MANY: f64 = 50.0;

/// All amounts, in order. Tokens that are marked as taken belong to something else.
pub fn find(text: &[Token], taken: &[bool]) -> Vec<Amount> {
    let mut found = Vec::new();
    let mut at = 0;
    // The end of the last amount that a noun followed, so that the noun is not given to the next number as well.
    let mut spent = 0;
    // The end of its currency, likewise.
    let mut paid = 0;
    while at < text.len() {
        if taken[at] {
            at += 1;
            continue;
        }
        if let Some((area, end)) = sides(text, at) {
            found.push(area);
            (spent, at) = (end, end);
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
        let measure = noun.map(|(measure, _)| measure);
        let ends = (first, last, second.is_some());
        if let Some(unit) = unit(text, (at, paid), ends, measure) {
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
                bare: is_bare(text, at, unit, (first, last)),
                span: (at, past_currency(text, end)),
                described: (end == last.end + 2 && vocabulary::quarter(&text[last.end]).is_none())
                    .then_some(last.end),
            });
        }
        spent = end;
        paid = past_currency(text, end);
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
    let counted = next_measure(text, second.end).is_some_and(|measure| {
        measure != Measure::Items || (!second.scaled && second.value < MANY)
    });
    let between = (start.saturating_sub(4)..start).any(|at| text[at].is("entre"));
    let small = first.value < MANY && second.value < MANY && !first.scaled && !second.scaled;
    // "200 mil y 3 dormitorios" is no range, "3 o 4 dormitorios" is.
    let alike = counted == (small || next_measure(text, second.end) == Some(Measure::Surface));
    let joins = match connector.text.as_str() {
        "y" => between && (alike || (small && !counted && first.value >= PERHAPS_THOUSANDS)),
        "o" => counted && small,
        "a" | "hasta" => alike && !unequal(first, second),
        "-" => {
            alike
                && !unequal(first, second)
                && (counted
                    || second.scaled
                    || first.value >= SURELY_MONEY
                    || are_prices(first, second))
        }
        _ => false,
    };
    joins.then_some(second)
}

/// "90-130": prices with their thousands left out, and no part of a telephone number.
fn are_prices(first: Numeral, second: Numeral) -> bool {
    first.value >= 2.0 * PERHAPS_THOUSANDS && second.value < NEVER_THOUSANDS
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
    let number = past_hyphen(text, number);
    // "un auto usado" is no count of places for cars.
    let article = text[start].is_one_of(&["un", "una"]) && number.end == start + 1;
    if article
        && !text[start.saturating_sub(1)].is("para")
        && vocabulary::is_car(text.get(number.end))
    {
        return None;
    }
    if let Some(measure) = next_measure(text, number.end) {
        let of =
            |at: usize, words: &[&str]| text.get(at).is_some_and(|token| token.is_one_of(words));
        let side = of(number.end + 1, &["de"]) && of(number.end + 2, SIDES);
        if side || is_ground(text, number.end + 1) {
            return Some((Measure::Other, number.end + 1));
        }
        return Some((measure, past_built(text, number.end + 1)));
    }
    if is_ground(text, number.end) {
        return Some((Measure::Other, number.end));
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
        // The "no" of "9no" stands right behind its number; that of "70 mil, no en" does not.
        Some(Measure::Other) if !token.attached && token.is_one_of(ORDINALS) => None,
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
    (start, paid): (usize, usize),
    (first, last, ranged): (Numeral, Numeral, bool),
    noun: Option<Measure>,
) -> Option<Unit> {
    if labelled(text, start, PARTS) || is_part(text, past_currency(text, last.end)) {
        return None;
    }
    let before = (start > paid)
        .then(|| currency_before(text, start))
        .flatten();
    let currency = currency_after(text, first)
        .or_else(|| currency_after(text, last))
        .or(before);
    if let Some(currency) = currency {
        return Some(Unit::Money(currency));
    }
    let counted =
        noun.is_some_and(|measure| measure != Measure::Other && measure != Measure::Items);
    if !counted && labelled(text, start, LABELS) {
        return None;
    }
    match noun {
        Some(Measure::Other) => None,
        Some(Measure::Items) if last.scaled || last.value > MANY => {
            money(text, start, last, ranged)
        }
        Some(measure) if measure != Measure::Surface && last.value > MANY => None,
        Some(measure) => Some(Unit::Measure(measure)),
        None => money(text, start, last, ranged),
    }
}

/// "80 mil de inicial".
fn is_part(text: &[Token], end: usize) -> bool {
    let of = text.get(end).is_some_and(|token| token.is("de"));
    of && text
        .get(end + 1)
        .is_some_and(|token| token.is_one_of(PARTS))
}

fn is_bare(text: &[Token], start: usize, unit: Unit, (first, last): (Numeral, Numeral)) -> bool {
    let named = currency(text, start, first).or_else(|| currency(text, start, last));
    matches!(unit, Unit::Money(_))
        && named.is_none()
        && !first.scaled
        && !last.scaled
        && last.value < NEVER_THOUSANDS
}

fn money(text: &[Token], start: usize, number: Numeral, ranged: bool) -> Option<Unit> {
    let digits = &text[start].text;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let spoken = cues::money(text, start);
    let bound = cues::bound(text, start, number.end);
    let between = (start.saturating_sub(3)..start).any(|at| text[at].is("entre"));
    let telephone = plain && digits.len() == 8 && !spoken && bound.is_none();
    let year =
        plain && (1900.0..=2100.0).contains(&number.value) && bound != Some(Bound::Most) && !spoken;
    let is_money = number.scaled
        || (number.value >= SURELY_MONEY && !telephone)
        || (number.value >= PERHAPS_THOUSANDS
            && (spoken || bound.is_some() || between || ranged)
            && !year);
    is_money.then_some(Unit::Money(Currency::Dollars))
}

/// A currency right before or after the number.
pub fn currency(text: &[Token], start: usize, number: Numeral) -> Option<Currency> {
    currency_after(text, number).or_else(|| currency_before(text, start))
}

fn currency_after(text: &[Token], number: Numeral) -> Option<Currency> {
    match text.get(number.end) {
        Some(token) if token.is("de") => text.get(number.end + 1).and_then(named),
        token => token.and_then(named),
    }
}

fn currency_before(text: &[Token], start: usize) -> Option<Currency> {
    let before = start.checked_sub(1)?;
    let at = if text[before].is(".") {
        before.saturating_sub(1)
    } else {
        before
    };
    named(&text[at])
}

fn named(token: &Token) -> Option<Currency> {
    if token.is_one_of(DOLLARS) {
        Some(Currency::Dollars)
    } else if token.is_one_of(BOLIVIANOS) {
        Some(Currency::Bolivianos)
    } else {
        None
    }
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

/// A label stands right before its number, or with a small word between: "calle 7", "piso nro 3".
fn labelled(text: &[Token], start: usize, labels: &[&str]) -> bool {
    let small = |token: &&Token| {
        !token.is_one_of(&[
            "de", "del", "al", "n", "nro", "no", "numero", "#", ".", ":", "la", "el",
        ])
    };
    let near = text[start.saturating_sub(3)..start]
        .iter()
        .rev()
        .find(small);
    near.is_some_and(|token| token.is_one_of(labels))
}
