//! Claims that true words can make falsely: of another kind, with other rooms, the cheapest, or that there is none.

use crate::catalog::property::PropertyView;
use crate::chat::facts::{Card, Facts};
use crate::chat::ground::Ungrounded;
use crate::chat::ground::sentence::Sentence;
use crate::chat::numeral;
use crate::chat::vocabulary::{self, Measure};

/// Checks a sentence.
pub fn check(sentence: &Sentence, facts: &Facts) -> Result<(), Ungrounded> {
    let about: Vec<&PropertyView> = facts
        .cards
        .iter()
        .map(Card::property)
        .filter(|property| sentence.about.contains(&property.id))
        .collect();
    none(sentence, facts)?;
    kinds(sentence, &about, facts)?;
    rooms(sentence, facts)?;
    garages(sentence, &about, facts)?;
    orders(sentence, &about, facts)
}

/// "No hay" where there is.
fn none(sentence: &Sentence, facts: &Facts) -> Result<(), Ungrounded> {
    let pairs = sentence.words.windows(2);
    let denied = pairs
        .into_iter()
        .any(|pair| pair[0].is("no") && pair[1].is("hay"))
        || sentence.has(&["ninguna", "ninguno", "nada"]);
    refuse(denied && facts.total > 0, "there is something")
}

/// Kinds and operations are those of what the sentence is about.
fn kinds(sentence: &Sentence, about: &[&PropertyView], facts: &Facts) -> Result<(), Ungrounded> {
    let all = facts.cards.iter().map(Card::property);
    let shown: Vec<&PropertyView> = if about.is_empty() {
        all.collect()
    } else {
        about.to_vec()
    };
    let asked = about.is_empty();
    for token in &sentence.words {
        if let Some(kind) = vocabulary::kind(token) {
            let known = shown
                .iter()
                .any(|property| property.tipo_propiedad == kind || mentions(property, &token.text))
                || (asked && facts.question.tipos.contains(&kind));
            refuse(!known, "the kind is another")?;
        }
        if let Some(operation) = vocabulary::operation(token) {
            let known = shown.iter().any(|property| property.operacion == operation)
                || (asked && facts.question.operacion == Some(operation))
                || (asked
                    && facts
                        .summaries
                        .iter()
                        .any(|summary| summary.operacion == operation));
            refuse(!known, "the operation is another")?;
        }
    }
    Ok(())
}

fn mentions(property: &PropertyView, word: &str) -> bool {
    let name = crate::catalog::fold::fold(&property.nombre);
    name.split(|letter: char| !letter.is_alphanumeric())
        .any(|part| part == word)
}

/// "3 dormitorios" of a property that is cited are its own.
fn rooms(sentence: &Sentence, facts: &Facts) -> Result<(), Ungrounded> {
    let words = &sentence.words;
    for at in 0..words.len() {
        let Some(number) = numeral::read(words, at) else {
            continue;
        };
        let measure = words.get(number.end).and_then(vocabulary::measure);
        let owner = sentence.owner(at);
        let Some(property) = facts
            .cards
            .iter()
            .map(Card::property)
            .find(|property| Some(property.id) == owner)
        else {
            continue;
        };
        let own = match measure {
            Some(Measure::Bedrooms) => property.habitaciones.map(f64::from),
            Some(Measure::Baths) => property.banos.map(f64::from),
            Some(Measure::Garages) => property.garajes.map(f64::from),
            _ => continue,
        };
        let is_own = own.is_some_and(|own| (own - number.value).abs() < 0.01);
        refuse(!is_own, "the rooms are others")?;
    }
    Ok(())
}

/// "Con garaje" and "sin garaje" of what has one, or has none.
fn garages(sentence: &Sentence, about: &[&PropertyView], facts: &Facts) -> Result<(), Ungrounded> {
    let is_garage =
        |at: &usize| vocabulary::measure(&sentence.words[*at]) == Some(Measure::Garages);
    let Some(at) = (0..sentence.words.len()).find(is_garage) else {
        return Ok(());
    };
    let before = &sentence.words[at.saturating_sub(2)..at];
    let without = before
        .iter()
        .any(|token| token.is_one_of(&["sin", "no", "0"]));
    let fits =
        |property: &&PropertyView| property.garajes.map(|garages| garages == 0) == Some(without);
    let known = if about.is_empty() {
        facts.question.tiene_garaje == Some(!without)
    } else {
        about.iter().all(fits)
    };
    refuse(!known, "the garage is not so")
}

/// "La más barata" is the cheapest of what is shown; "barata" alone judges.
fn orders(sentence: &Sentence, about: &[&PropertyView], facts: &Facts) -> Result<(), Ungrounded> {
    for (at, token) in sentence.words.iter().enumerate() {
        if vocabulary::quarter(token).is_none() {
            continue;
        }
        let order = at
            .checked_sub(1)
            .and_then(|first| vocabulary::order(&sentence.words[first], token));
        let shown = || facts.cards.iter().map(Card::property);
        let first = |value: fn(&PropertyView) -> Option<f64>, sign: f64| {
            let best = shown()
                .filter_map(value)
                .map(|value| value * sign)
                .reduce(f64::min);
            about.len() == 1 && best.is_some() && value(about[0]).map(|value| value * sign) == best
        };
        let known = match order {
            Some("precio_asc") => first(|property| property.precio, 1.0),
            Some("precio_desc") => first(|property| property.precio, -1.0),
            Some("superficie_desc") => first(|property| property.superficie_m2, -1.0),
            _ => false,
        };
        let listed = about.is_empty() && order.is_some() && facts.question.orden == order;
        refuse(!known && !listed, "it is not the first of its kind")?;
    }
    Ok(())
}

fn refuse(wrong: bool, why: &str) -> Result<(), Ungrounded> {
    if wrong {
        return Err(Ungrounded(why.to_owned()));
    }
    Ok(())
}
