//! Checks a model's text against the facts, sentence by sentence. What the rows do not bear is cut.
//!
//! A sentence may use the neutral words of a list, and else only words of the facts that it is about. So it is not the lies that
//! are listed here but the truth: a feature, a name, a distance or a judgement that no row has is cut whatever it is.

mod claims;
mod context;
mod numbers;
mod sentence;

use crate::catalog::zone::Zone;
use crate::chat::facts::Facts;
use crate::chat::words::{Sort, tokens};
use context::Context;
use sentence::Sentence;

/// A claim that is not in the facts, as a sentence for the log.
#[derive(Debug, PartialEq, Eq)]
pub struct Ungrounded(pub String);

/// The part of a text that the facts bear.
#[derive(Debug)]
pub struct Borne {
    pub text: String,
    /// Why each sentence that is missing was cut.
    pub cut: Vec<Ungrounded>,
}

/// Checks an answer. `said` is what the users wrote; its numbers may be repeated. Fails if nothing of substance is left.
pub fn borne(answer: &str, facts: &Facts, zones: &[Zone], said: &str) -> Result<Borne, Ungrounded> {
    let context = Context::new(facts, said);
    if answer.matches("```").count() % 2 == 1 {
        return Err(Ungrounded("a block of code does not end".to_owned()));
    }
    let mut borne = Borne {
        text: String::new(),
        cut: Vec::new(),
    };
    let mut substance = false;
    for line in answer.lines() {
        let mut kept = Vec::new();
        for sentence in sentence::split(line) {
            match check(sentence, line, &context, facts, zones) {
                Ok(()) => {
                    substance |= has_substance(sentence, facts);
                    kept.push(sentence);
                }
                Err(why) => borne.cut.push(why),
            }
        }
        let line_was_empty = line.trim().is_empty();
        if line_was_empty || kept.iter().any(|sentence| !sentence.trim().is_empty()) {
            borne.text.push_str(kept.concat().trim_end());
            borne.text.push('\n');
        }
    }
    borne.text = borne.text.trim().to_owned();
    if borne.cut.is_empty() || (substance && !borne.text.is_empty()) {
        return Ok(borne);
    }
    Err(borne.cut.swap_remove(0))
}

fn check(
    text: &str,
    line: &str,
    context: &Context,
    facts: &Facts,
    zones: &[Zone],
) -> Result<(), Ungrounded> {
    let sentence = Sentence::new(text, line, |id| context.knows(id))?;
    context.addresses(text)?;
    numbers::check(&sentence, context)?;
    context.words(&sentence)?;
    context.zones(&sentence, zones)?;
    claims::check(&sentence, facts)
}

/// Whether a sentence tells something: a number, or the name of a zone or property that was found.
fn has_substance(sentence: &str, facts: &Facts) -> bool {
    let words = tokens(sentence);
    let zones = facts.question.zonas.iter().map(|zone| &zone.zona);
    let zones = zones.chain(facts.zones.iter().map(|zone| &zone.zona));
    words.iter().any(|token| token.sort == Sort::Digits)
        || zones
            .into_iter()
            .any(|zone| sentence.contains(zone.as_str()))
}
