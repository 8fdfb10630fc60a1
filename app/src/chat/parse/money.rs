//! Takes the amounts of a text into the question.

use crate::catalog::spell;
use crate::chat::amounts::{Amount, Currency, Unit};
use crate::chat::cues::Bound;
use crate::chat::question::Question;
use crate::chat::vocabulary::Measure;

/// How far "about" reaches to either side.
const ABOUT: f64 = 0.1;
/// Properties shown at most.
const LIMIT: f64 = 20.0;
/// Square metres.
const HECTARE: f64 = 10_000.0;
const THOUSAND: f64 = 1000.0;
/// Nothing is let for less dollars.
const LEAST: f64 = 10.0;
/// Nothing is sold for less dollars, and nothing is given in anticrético.
const RENT: f64 = 3000.0;

/// Takes each amount; the tokens of those that mean something are marked as taken.
pub fn take(amounts: &[Amount], bob_per_usd: f64, question: &mut Question, taken: &mut [bool]) {
    for amount in amounts {
        let amount = thousands(*amount, question);
        if one(amount, bob_per_usd, question) {
            taken[amount.span.0..amount.span.1].fill(true);
            if let Some(word) = amount.described {
                taken[word] = false;
            }
        }
    }
    rent(amounts, question);
}

/// "entre 80 y 120" for a sale are thousands; for a rent they are what they are.
fn thousands(amount: Amount, question: &mut Question) -> Amount {
    if !amount.bare || question.operacion == Some("alquiler") {
        return amount;
    }
    let written = [Some(amount.low), amount.high];
    let written: Vec<String> = written.into_iter().flatten().map(spell::whole).collect();
    question.avisos.push(format!(
        "Leí {} como miles de dólares.",
        written.join(" y ")
    ));
    Amount {
        bare: false,
        ..amount.times(THOUSAND)
    }
}

/// A budget that buys nothing is a month's, if no operation was named.
fn rent(amounts: &[Amount], question: &mut Question) {
    let money = amounts
        .iter()
        .any(|amount| matches!(amount.unit, Unit::Money(_)));
    let most = question.presupuesto_max.or(question.presupuesto_min);
    if money && question.operacion.is_none() && most.is_some_and(|most| most < RENT) {
        question.operacion = Some("alquiler");
        question
            .avisos
            .push("Por el monto, busqué alquileres (precio al mes).".to_owned());
    }
}

fn one(amount: Amount, bob_per_usd: f64, question: &mut Question) -> bool {
    let count = whole(amount.low);
    match amount.unit {
        Unit::Money(Currency::Dollars) => return budget(amount, question),
        Unit::Money(Currency::Bolivianos) => {
            if !budget(converted(amount, bob_per_usd), question) {
                return false;
            }
            let rate = bob_per_usd.to_string().replace('.', ",");
            question.avisos.push(format!(
                "Los precios están en dólares; convertí los bolivianos al cambio de {rate}."
            ));
        }
        Unit::Measure(Measure::Hectares) => surface(amount.times(HECTARE), question),
        Unit::Measure(Measure::Surface) => surface(amount, question),
        Unit::Measure(Measure::Bedrooms) => rooms(
            amount,
            &mut question.dormitorios_min,
            &mut question.dormitorios_max,
        ),
        Unit::Measure(Measure::Baths) => {
            rooms(amount, &mut question.banos_min, &mut question.banos_max);
        }
        Unit::Measure(Measure::Garages) => {
            question.tiene_garaje = Some(count > 0);
            question.garajes_min = (count > 1).then_some(count);
        }
        Unit::Measure(Measure::People) if count > 0 => question.personas = Some(count),
        Unit::Measure(Measure::Children) if count > 0 => question.ninos = Some(count),
        Unit::Measure(Measure::Items) if (2.0..=LIMIT).contains(&amount.low) => {
            question.limite = Some(count);
        }
        Unit::Measure(_) => return false,
    }
    true
}

fn surface(amount: Amount, question: &mut Question) {
    let (low, high) = ends(amount, Bound::Least);
    question.superficie_min = low.or(question.superficie_min);
    question.superficie_max = high.or(question.superficie_max);
}

/// Up to the next whole number; numbers of rooms and persons are small.
#[allow(
    clippy::cast_possible_truncation,
    reason = "beyond an i64 it saturates, which is still too many"
)]
pub fn whole(value: f64) -> i64 {
    value.ceil() as i64
}

/// A single number of rooms is a minimum, unless its words say otherwise.
fn rooms(amount: Amount, least: &mut Option<i64>, most: &mut Option<i64>) {
    let count = whole(amount.low);
    match (amount.high, amount.bound) {
        (Some(high), _) => (*least, *most) = (Some(count), Some(whole(high))),
        (None, Some(Bound::Most)) => *most = Some(count),
        (None, Some(Bound::Above)) => *least = Some(count + 1),
        (None, _) => *least = Some(count),
    }
}

fn converted(amount: Amount, bob_per_usd: f64) -> Amount {
    let dollars = |bolivianos: f64| (bolivianos / bob_per_usd).round();
    Amount {
        low: dollars(amount.low),
        high: amount.high.map(dollars),
        ..amount
    }
}

/// Whether it is an amount that something may cost.
fn budget(amount: Amount, question: &mut Question) -> bool {
    if amount.high.unwrap_or(amount.low) > 1e12 || amount.low < LEAST {
        return false;
    }
    let (low, high) = ends(amount, Bound::Most);
    question.presupuesto_min = low.or(question.presupuesto_min);
    question.presupuesto_max = high.or(question.presupuesto_max);
    true
}

/// The ends of the range; a single number is the `usual` end unless its words say otherwise.
fn ends(amount: Amount, usual: Bound) -> (Option<f64>, Option<f64>) {
    match (amount.high, amount.bound.unwrap_or(usual)) {
        (Some(high), _) => (Some(amount.low), Some(high)),
        (None, Bound::Least | Bound::Above) => (Some(amount.low), None),
        (None, Bound::Most) => (None, Some(amount.low)),
        (None, Bound::About) => (
            Some((amount.low * (1.0 - ABOUT)).round()),
            Some((amount.low * (1.0 + ABOUT)).round()),
        ),
    }
}
