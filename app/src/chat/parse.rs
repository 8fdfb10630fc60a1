//! Parses a question from a text. It never fails: what it does not understand is not in the question.

mod intent;

use crate::catalog::zone::{self, Zone};
use crate::chat::amounts::{self, Amount, Currency, Unit};
use crate::chat::cues::Bound;
use crate::chat::places;
use crate::chat::question::Question;
use crate::chat::vocabulary::{self, Measure};
use crate::chat::words::{Sort, Token, tokens};

/// How far "about" reaches to either side.
const ABOUT: f64 = 0.1;
/// Properties shown at most.
const LIMIT: f64 = 20.0;

/// The question in a text, against the zones of the database; amounts in bolivianos become dollars at so many for one.
pub fn question(text: &str, zones: &[Zone], bob_per_usd: f64) -> Question {
    let text = tokens(text);
    let said = format!(
        " {} ",
        text.iter()
            .map(|token| token.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    );
    let mut question = Question::default();
    let mut taken = place(&text, zones, &mut question);
    question.propiedad = property(&text, &mut taken);
    for amount in amounts::find(&text, &taken) {
        take(amount, bob_per_usd, &mut question);
    }
    words(&text, &taken, &mut question);
    question.anew = intent::anew(&said);
    question.intent = intent::intent(&text, &said, &question);
    if let (Some(low), Some(high)) = (question.presupuesto_min, question.presupuesto_max)
        && low > high
    {
        (question.presupuesto_min, question.presupuesto_max) = (Some(high), Some(low));
    }
    question
}

fn place(text: &[Token], zones: &[Zone], question: &mut Question) -> Vec<bool> {
    let found = places::find(text, zones);
    if let Some(name) = &found.doubtful
        && found.unknown.is_none()
    {
        let similar = zone::similar(zones.to_vec(), name).join(", ");
        question.avisos.push(format!(
            "No reconocí «{name}» como zona, así que no filtré por ella. Zonas parecidas: {similar}."
        ));
    }
    question.zonas = found.zones;
    question.zonas_excluidas = found.unwanted;
    question.zona_desconocida = found.unknown;
    found.taken
}

/// "#123", "id 123", "propiedad 123", "la propiedad número 123".
fn property(text: &[Token], taken: &mut [bool]) -> Option<i64> {
    for at in 1..text.len() {
        if text[at].sort != Sort::Digits || taken[at] {
            continue;
        }
        let mut before = at - 1;
        while before > 0
            && text[before].is_one_of(&["#", "n", "nro", "numero", "°", "º", ".", ":", "id"])
        {
            before -= 1;
        }
        let named = text[before].is_one_of(&["propiedad", "inmueble", "ficha", "id", "codigo"])
            || text[at - 1].is_one_of(&["#", "id"]);
        if let (true, Ok(id)) = (named, text[at].text.parse()) {
            taken[at] = true;
            return Some(id);
        }
    }
    None
}

fn take(amount: Amount, bob_per_usd: f64, question: &mut Question) {
    let count = whole(amount.low);
    match amount.unit {
        Unit::Money(Currency::Dollars) => budget(amount, question),
        Unit::Money(Currency::Bolivianos) => {
            budget(converted(amount, bob_per_usd), question);
            let rate = bob_per_usd.to_string().replace('.', ",");
            question.avisos.push(format!(
                "Los precios están en dólares; convertí los bolivianos al cambio de {rate}."
            ));
        }
        Unit::Measure(Measure::Surface) => {
            let (low, high) = ends(amount, Bound::Least);
            question.superficie_min = low.or(question.superficie_min);
            question.superficie_max = high.or(question.superficie_max);
        }
        Unit::Measure(Measure::Bedrooms) => rooms(
            amount,
            &mut question.dormitorios_min,
            &mut question.dormitorios_max,
        ),
        Unit::Measure(Measure::Baths) => {
            rooms(amount, &mut question.banos_min, &mut question.banos_max);
        }
        Unit::Measure(Measure::Garages) => question.tiene_garaje = Some(count > 0),
        Unit::Measure(Measure::People) if count > 0 => question.personas = Some(count),
        Unit::Measure(Measure::Children) if count > 0 => question.ninos = Some(count),
        Unit::Measure(Measure::Items) if (2.0..=LIMIT).contains(&amount.low) => {
            question.limite = Some(count);
        }
        Unit::Measure(_) => {}
    }
}

/// Up to the next whole number; numbers of rooms and persons are small.
#[allow(
    clippy::cast_possible_truncation,
    reason = "beyond an i64 it saturates, which is still too many"
)]
fn whole(value: f64) -> i64 {
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

fn budget(amount: Amount, question: &mut Question) {
    if amount.high.unwrap_or(amount.low) > 1e12 || amount.low <= 0.0 {
        return;
    }
    let (low, high) = ends(amount, Bound::Most);
    question.presupuesto_min = low.or(question.presupuesto_min);
    question.presupuesto_max = high.or(question.presupuesto_max);
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

/// Kinds, operation, needs, order and garage, each by its words.
fn words(text: &[Token], taken: &[bool], question: &mut Question) {
    for (at, word) in text.iter().enumerate().filter(|(at, _)| !taken[*at]) {
        let before = |distance: usize| {
            at.checked_sub(distance)
                .map_or("", |at| text[at].text.as_str())
        };
        let refused =
            matches!(before(1), "no" | "sin") || (before(1) == "quiero" && before(2) == "no");
        if let Some(kind) = vocabulary::kind(word)
            && !part_of_another(before(1), before(2), kind)
            && !refused
            && !question.tipos.contains(&kind)
        {
            question.tipos.push(kind);
        }
        if let Some(operation) = vocabulary::operation(word) {
            // "invertir para alquilar" buys.
            question.operacion = question.operacion.or(Some(operation));
        }
        // What is paid by the month is rented.
        if word.is("mes") && matches!(before(1), "por" | "al") {
            question.operacion = question.operacion.or(Some("alquiler"));
        }
        if let Some(need) = vocabulary::need(word)
            && !(word.is("comercial") && matches!(before(1), "local" | "locales" | "galpon"))
            && !question.necesidades.contains(&need)
        {
            question.necesidades.push(need);
        }
        if let Some(next) = text.get(at + 1)
            && let Some(order) = vocabulary::order(word, next)
        {
            question.orden = Some(order);
        }
        if vocabulary::measure(word) == Some(Measure::Garages) {
            question.tiene_garaje = Some(before(1) != "sin");
        }
    }
    household(text, question);
}

/// "casa en un edificio", "lote de oficina": a kind that only says where another one is.
fn part_of_another(before: &str, earlier: &str, kind: &str) -> bool {
    kind == "edificio" && (before == "en" || (matches!(before, "un" | "el") && earlier == "en"))
}

/// "somos 4", "familia de 4".
fn household(text: &[Token], question: &mut Question) {
    for at in 0..text.len() {
        let number = match text[at].text.as_str() {
            "somos" => at + 1,
            "familia" if text.get(at + 1).is_some_and(|next| next.is("de")) => at + 2,
            _ => continue,
        };
        if let Some(numeral) = crate::chat::numeral::read(text, number)
            && (1.0..=20.0).contains(&numeral.value)
        {
            question.personas = Some(whole(numeral.value));
        }
    }
}

#[cfg(test)]
mod tests;
