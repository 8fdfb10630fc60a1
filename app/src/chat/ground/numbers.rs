//! The numbers of a sentence: each is one of the facts, and of the property that it is said of.

use crate::chat::amounts;
use crate::chat::ground::Ungrounded;
use crate::chat::ground::context::Context;
use crate::chat::ground::sentence::Sentence;
use crate::chat::numeral::{self, Numeral};
use crate::chat::words::{Sort, Token};

/// From here on, a number in a sentence about a property counts as a price.
const PRICE: f64 = 1000.0;

/// Checks every number of a sentence.
pub fn check(sentence: &Sentence, context: &Context) -> Result<(), Ungrounded> {
    let words = &sentence.words;
    let (mut prices, mut own) = (false, false);
    let mut at = 0;
    while at < words.len() {
        let Some(number) = figure(words, at) else {
            at += 1;
            continue;
        };
        if !sentence.cited.iter().any(|(place, _)| *place == at) {
            let price = number.value >= PRICE || amounts::currency(words, at, number).is_some();
            let theirs = is_theirs(sentence, context, at, number);
            one(sentence, context, at, number, theirs)?;
            prices |= price;
            own |= price && theirs;
        }
        at = number.end;
    }
    // A budget may be mentioned beside a price, but not in its place.
    if prices && !own && !sentence.cited.is_empty() {
        return Err(Ungrounded(
            "a sentence cites a property with a price that is not its own".to_owned(),
        ));
    }
    Ok(())
}

fn one(
    sentence: &Sentence,
    context: &Context,
    at: usize,
    number: Numeral,
    theirs: bool,
) -> Result<(), Ungrounded> {
    let words = &sentence.words;
    let allowed = if is_distance(words, number) {
        is_measured(sentence, context, number)
    } else if at > 0 && words[at - 1].is("hay") {
        close(&context.counts, number)
    } else {
        theirs || close(&context.shared.numbers, number)
    };
    if allowed {
        return Ok(());
    }
    Err(Ungrounded(format!(
        "the number {} was not found here",
        number.value
    )))
}

/// Whether it is a number of the property that it is said of; without one, of any that is shown.
fn is_theirs(sentence: &Sentence, context: &Context, at: usize, number: Numeral) -> bool {
    let owner: Vec<i64> = sentence.owner(at).into_iter().collect();
    context
        .shelves(&owner)
        .any(|shelf| close(&shelf.numbers, number))
}

/// "a 200 m", but not "200 m²".
fn is_distance(words: &[Token], number: Numeral) -> bool {
    let word = |offset: usize| words.get(number.end + offset);
    let unit = word(0).is_some_and(|token| token.is_one_of(&["m", "mt", "mts", "metros", "km"]));
    unit && !word(1).is_some_and(|token| token.is_one_of(&["cuadrados", "2"]))
}

/// Whether the service that the sentence names is so far away.
fn is_measured(sentence: &Sentence, context: &Context, number: Numeral) -> bool {
    let named = |names: &Vec<String>| names.iter().all(|name| sentence.has(&[name.as_str()]));
    let mut services = context.services.iter();
    services.any(|(names, metres)| named(names) && close(&[*metres], number))
}

/// A number that is written as one: digits, or words other than "un".
fn figure(words: &[Token], at: usize) -> Option<Numeral> {
    let number = numeral::read(words, at)?;
    let article = words[at].is_one_of(&["un", "una", "uno"]) && !number.scaled;
    (words[at].sort == Sort::Digits || !article).then_some(number)
}

/// Equal, or rounded to the last digit that is written with "mil" or "millones".
fn close(numbers: &[f64], number: Numeral) -> bool {
    let reach = if number.scaled {
        number.step / 2.0
    } else {
        0.51 * number.step.min(1.0)
    };
    numbers
        .iter()
        .any(|known| (known - number.value).abs() <= reach)
}
