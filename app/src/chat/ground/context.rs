//! What a sentence may say: the words and numbers of each property, and those that belong to the whole answer.

use std::collections::HashSet;

use serde_json::Value;

use crate::catalog::fold::fold;
use crate::catalog::zone::Zone;
use crate::chat::facts::Facts;
use crate::chat::ground::Ungrounded;
use crate::chat::ground::sentence::Sentence;
use crate::chat::words::{Sort, Token, tokens};
use crate::chat::{lexicon, numeral, places, prompt};

/// The facts of an answer, ready to be compared with.
pub struct Context {
    /// Numbers and words that belong to no property.
    pub shared: Shelf,
    /// The same of each property that is shown.
    pub cards: Vec<(i64, Shelf)>,
    /// How many there are in all, and of each operation and zone.
    pub counts: Vec<f64>,
    /// The services around the property in question: their names, and metres.
    pub services: Vec<(Vec<String>, f64)>,
    whole: bool,
}

/// Numbers and words.
#[derive(Default)]
pub struct Shelf {
    pub numbers: Vec<f64>,
    words: HashSet<String>,
    /// All texts, folded.
    text: String,
}

impl Context {
    pub fn new(facts: &Facts, said: &str) -> Self {
        let mut general = prompt::context(facts);
        general["propiedades"] = Value::Null;
        general["avisos"] = Value::Null;
        // What was not searched by is no fact, and what was refused neither.
        for key in ["no_entendido", "sin_caracteristicas", "necesidades"] {
            general["pregunta_entendida"][key] = Value::Null;
        }
        let mut shared = Shelf::default();
        shared.take(&general);
        shared.numbers.extend(spoken(said));
        for note in &facts.notes {
            shared.numbers.extend(spoken(note));
        }
        // The number of shown properties may be mentioned.
        for count in 0..=facts.cards.len().max(facts.zones.len()) {
            shared.numbers.extend(u32::try_from(count).map(f64::from));
        }
        let card = |card| {
            let mut shelf = Shelf::default();
            shelf.take(&prompt::card(card));
            (card.property().id, shelf)
        };
        Context {
            shared,
            cards: facts.cards.iter().map(card).collect(),
            counts: counts(facts),
            services: facts
                .services
                .iter()
                .map(|service| (names(&service.nombre), service.distancia_m))
                .collect(),
            whole: facts.is_whole() && facts.total > 0,
        }
    }

    /// Whether a property is shown.
    pub fn knows(&self, id: i64) -> bool {
        self.cards.iter().any(|(known, _)| *known == id)
    }

    /// The shelves that a sentence may draw from: those of its properties, or of all if it is about none.
    pub fn shelves(&self, about: &[i64]) -> impl Iterator<Item = &Shelf> {
        self.cards
            .iter()
            .filter(move |(id, _)| about.is_empty() || about.contains(id))
            .map(|(_, shelf)| shelf)
    }

    /// Every address must be a fact.
    pub fn addresses(&self, text: &str) -> Result<(), Ungrounded> {
        let is_address = |word: &&str| word.contains("://") || word.contains("www.");
        for address in text.split_whitespace().filter(is_address) {
            let address = fold(address);
            if !self
                .cards
                .iter()
                .any(|(_, shelf)| shelf.text.contains(&address))
            {
                return Err(Ungrounded(format!("the address {address} was not found")));
            }
        }
        Ok(())
    }

    /// Every word is neutral, or a word of what the sentence is about.
    pub fn words(&self, sentence: &Sentence) -> Result<(), Ungrounded> {
        for token in &sentence.words {
            let known = token.sort != Sort::Word
                || lexicon::is_neutral(&token.text)
                || numeral::is_word(&token.text)
                || (self.whole && token.text.starts_with("cumpl"))
                || self.shared.words.contains(&token.text)
                || self
                    .shelves(&sentence.about)
                    .any(|shelf| shelf.words.contains(&token.text));
            if !known {
                return Err(Ungrounded(format!("the word {} was not found", token.text)));
            }
        }
        Ok(())
    }

    /// Every zone is that of what the sentence is about.
    pub fn zones(&self, sentence: &Sentence, zones: &[Zone]) -> Result<(), Ungrounded> {
        let named = places::find(&sentence.words, zones);
        for zone in named.zones.iter().chain(&named.unwanted) {
            let name = zone.zona_normalizada.as_str();
            let theirs = self
                .shelves(&sentence.about)
                .any(|shelf| shelf.text.contains(name));
            let general = sentence.about.is_empty() && self.shared.text.contains(name);
            if !theirs && !general {
                return Err(Ungrounded(format!(
                    "the zone {} was not found here",
                    zone.zona
                )));
            }
        }
        Ok(())
    }
}

impl Shelf {
    /// Takes every number and word of a value, also the numbers in its texts.
    fn take(&mut self, value: &Value) {
        match value {
            Value::Number(number) => self.numbers.extend(number.as_f64()),
            Value::String(text) => {
                self.numbers.extend(spoken(text));
                self.words.extend(names(text));
                self.text.push_str(&fold(text));
                self.text.push('\n');
            }
            Value::Array(items) => items.iter().for_each(|item| self.take(item)),
            Value::Object(map) => map.values().for_each(|item| self.take(item)),
            Value::Null | Value::Bool(_) => {}
        }
    }
}

fn counts(facts: &Facts) -> Vec<f64> {
    let summaries = facts.summaries.iter().map(|summary| summary.cantidad);
    let zones = facts.zones.iter().map(|zone| zone.cantidad);
    let all = std::iter::once(facts.total).chain(summaries).chain(zones);
    all.filter_map(|count| u32::try_from(count).ok())
        .map(f64::from)
        .collect()
}

fn names(text: &str) -> Vec<String> {
    let words = tokens(text)
        .into_iter()
        .filter(|token| token.sort == Sort::Word);
    words.map(|token: Token| token.text).collect()
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
