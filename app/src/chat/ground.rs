//! Checks a model's text against the facts: every number, `#id`, zone and web address must be in the facts, and the prices of a
//! line that cites properties must be theirs.

use std::collections::HashSet;

use serde_json::Value;

use crate::catalog::fold::fold;
use crate::catalog::zone::Zone;
use crate::chat::amounts;
use crate::chat::facts::{Card, Facts};
use crate::chat::numeral::{self, Numeral};
use crate::chat::places;
use crate::chat::prompt;
use crate::chat::words::{Sort, Token, tokens};

/// From here on, a number in a line that cites a property counts as a price.
const PRICE: f64 = 1000.0;
/// Places that may always be named.
const ALWAYS: &[&str] = &[
    "santa", "cruz", "sierra", "bolivia", "citrino", "usd", "us", "bs",
];
/// Words that name a place after them.
const PLACES: &[&str] = &[
    "en",
    "zona",
    "barrio",
    "urbanizacion",
    "condominio",
    "sector",
    "avenida",
    "calle",
];

/// The first claim that is not in the facts, as a sentence for the log.
#[derive(Debug, PartialEq, Eq)]
pub struct Ungrounded(pub String);

/// Checks an answer. `said` is what the users wrote; its numbers and places may be repeated.
pub fn check(answer: &str, facts: &Facts, zones: &[Zone], said: &str) -> Result<(), Ungrounded> {
    let context = Context::new(facts, said);
    let mut fenced = false;
    for line in answer.lines() {
        fenced ^= line.trim_start().starts_with("```");
        context.line(&tokens(unlisted(line)), line)?;
    }
    if fenced {
        return Err(Ungrounded("a block of code does not end".to_owned()));
    }
    context.places(&tokens(answer), zones)
}

/// A line without the number of a list: "1. …" and "2) …".
fn unlisted(line: &str) -> &str {
    let trimmed = line.trim_start_matches(['*', '-', '•', ' ', '\t', '>']);
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &trimmed[digits..];
    match rest.strip_prefix(['.', ')']) {
        Some(rest)
            if (1..=2).contains(&digits) && (rest.is_empty() || rest.starts_with([' ', '*'])) =>
        {
            rest
        }
        _ => line,
    }
}

struct Context {
    /// All results and all turns, folded.
    text: String,
    words: HashSet<String>,
    numbers: Vec<f64>,
    /// Numbers that belong to no property.
    shared: Vec<f64>,
    /// The ids of what is shown, and the numbers of each.
    cards: Vec<(i64, Vec<f64>)>,
}

impl Context {
    fn new(facts: &Facts, said: &str) -> Self {
        let told = crate::chat::template::tell(facts);
        let json = prompt::context(facts);
        let cards = facts
            .cards
            .iter()
            .map(|card| (card.property().id, own(card)))
            .collect();
        let mut shared = spoken(said);
        // The number of shown properties may be mentioned.
        for count in 0..=facts.cards.len().max(facts.zones.len()) {
            shared.extend(u32::try_from(count).map(f64::from));
        }
        let mut without = json.clone();
        without["propiedades"] = Value::Null;
        collect(&without, &mut shared);
        for note in &facts.notes {
            shared.extend(spoken(note));
        }
        let mut numbers = shared.clone();
        collect(&json["propiedades"], &mut numbers);
        numbers.extend(spoken(&told));
        let text = fold(&format!("{told} {json} {said}"));
        Context {
            words: tokens(&text).into_iter().map(|token| token.text).collect(),
            text,
            numbers,
            shared,
            cards,
        }
    }

    fn line(&self, line: &[Token], raw: &str) -> Result<(), Ungrounded> {
        for address in raw
            .split_whitespace()
            .filter(|word| word.contains("://") || word.contains("www."))
        {
            if !self.text.contains(&fold(address)) {
                return Err(Ungrounded(format!("the address {address} was not found")));
            }
        }
        let cited = self.cited(line)?;
        let (mut prices, mut own) = (false, false);
        let mut at = 0;
        while at < line.len() {
            let Some(number) = figure(line, at) else {
                at += 1;
                continue;
            };
            let is_id = at > 0 && line[at - 1].is("#");
            if !is_id {
                let price = number.value >= PRICE || amounts::currency(line, at, number).is_some();
                let theirs = self.theirs(&cited, number);
                let allowed = if price && !cited.is_empty() {
                    theirs || close(&self.shared, number)
                } else {
                    close(&self.numbers, number)
                };
                if !allowed {
                    return Err(Ungrounded(format!(
                        "the number {} was not found here",
                        number.value
                    )));
                }
                prices |= price;
                own |= price && theirs;
            }
            at = number.end;
        }
        // A budget may be mentioned beside a price, but not in its place.
        if prices && !own && !cited.is_empty() {
            return Err(Ungrounded(
                "a line cites a property with a price that is not its own".to_owned(),
            ));
        }
        Ok(())
    }

    /// The ids that a line cites.
    fn cited(&self, line: &[Token]) -> Result<Vec<i64>, Ungrounded> {
        let mut cited = Vec::new();
        for pair in line.windows(2) {
            let marked = pair[0].is("#") || pair[0].is_one_of(&["id", "propiedad"]);
            if !marked || pair[1].sort != Sort::Digits {
                continue;
            }
            match pair[1].text.parse() {
                Ok(id) if self.cards.iter().any(|(known, _)| *known == id) => cited.push(id),
                _ => return Err(Ungrounded(format!("the id {} was not found", pair[1].text))),
            }
        }
        Ok(cited)
    }

    /// Whether it is a number of a cited property.
    fn theirs(&self, cited: &[i64], number: Numeral) -> bool {
        self.cards
            .iter()
            .any(|(id, numbers)| cited.contains(id) && close(numbers, number))
    }

    /// Zones that are not in the results, and unknown places.
    fn places(&self, answer: &[Token], zones: &[Zone]) -> Result<(), Ungrounded> {
        let named = places::find(answer, zones);
        let both = named.zones.iter().chain(&named.unwanted);
        if let Some(zone) = both
            .into_iter()
            .find(|zone| !self.text.contains(&zone.zona_normalizada))
        {
            return Err(Ungrounded(format!("the zone {} was not found", zone.zona)));
        }
        for at in 1..answer.len() {
            let word = &answer[at];
            if word.sort != Sort::Word || !word.capital || named.taken[at] {
                continue;
            }
            let mut before = at - 1;
            while before > 0 && answer[before].is_one_of(&["la", "el", "los", "las", "de", "*"]) {
                before -= 1;
            }
            let known = self.words.contains(&word.text) || word.is_one_of(ALWAYS);
            if answer[before].is_one_of(PLACES) && !known {
                return Err(Ungrounded(format!("the place {} was not found", word.text)));
            }
        }
        Ok(())
    }
}

/// A number that is written as one: digits, or words with "mil" or "millones".
fn figure(line: &[Token], at: usize) -> Option<Numeral> {
    let number = numeral::read(line, at)?;
    (line[at].sort == Sort::Digits || number.scaled).then_some(number)
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

fn own(card: &Card) -> Vec<f64> {
    let mut numbers = Vec::new();
    collect(&prompt::card(card), &mut numbers);
    numbers
}

/// Every number in a value, those in its texts too.
fn collect(value: &Value, numbers: &mut Vec<f64>) {
    match value {
        Value::Number(number) => numbers.extend(number.as_f64()),
        Value::String(text) => numbers.extend(spoken(text)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, numbers)),
        Value::Object(map) => map.values().for_each(|item| collect(item, numbers)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Every number in a text.
fn spoken(text: &str) -> Vec<f64> {
    let text = tokens(text);
    let mut numbers = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match numeral::read(&text, at) {
            Some(number) => {
                numbers.push(number.value);
                at = number.end;
            }
            None => at += 1,
        }
    }
    numbers
}
