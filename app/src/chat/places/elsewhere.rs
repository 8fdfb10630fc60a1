//! Places that are named and not meant: where somebody lives today, and cities that the catalogue does not have.

use crate::catalog::zone::Zone;
use crate::chat::lexicon;
use crate::chat::places::{Name, Places, before, matches};
use crate::chat::words::Token;

/// "vivo en la villa y quiero mudarme al centro": where somebody lives is not where he looks, if he names another zone.
pub fn left(text: &[Token], names: &[Name<'_>], found: &mut Places) {
    const LIVING: &[&str] = &[
        "vivo", "vivimos", "vivia", "viviamos", "vengo", "venimos", "trabajo",
    ];
    const SMALL: &[&str] = &["en", "de", "del", "por", "la", "el", "los", "las"];
    let from = |zone: &Zone| {
        names.iter().filter(|name| name.zone == zone).any(|name| {
            (1..text.len()).any(|at| {
                let before = text[..at]
                    .iter()
                    .rev()
                    .find(|token| !token.is_one_of(SMALL));
                matches(text, at, &name.words).is_some()
                    && before.is_some_and(|token| token.is_one_of(LIVING))
            })
        })
    };
    if found.zones.len() > 1 {
        let stays: Vec<Zone> = found
            .zones
            .iter()
            .filter(|zone| !from(zone))
            .cloned()
            .collect();
        if !stays.is_empty() {
            found.zones = stays;
        }
    }
}

/// A place that is known not to be in the catalogue's city, after a word for a place.
pub fn elsewhere(text: &[Token], found: &mut Places) {
    for at in 1..text.len() {
        let after = before(text, at, 1);
        let placed = matches!(
            after,
            "en" | "a" | "de" | "por" | "hacia" | "zona" | "ciudad"
        );
        if !placed || found.taken[at] {
            continue;
        }
        let known = lexicon::elsewhere().iter();
        if let Some(end) = known.filter_map(|name| matches(text, at, name)).max() {
            let words: Vec<&str> = text[at..end]
                .iter()
                .map(|token| token.text.as_str())
                .collect();
            found.unknown = Some((words.join(" "), at, end));
            return;
        }
    }
}
