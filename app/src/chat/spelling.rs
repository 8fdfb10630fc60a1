//! Corrects a word that is known to nobody into the one known word that it sounds like, or that it misses by a letter or two.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::catalog::zone::Zone;
use crate::chat::words::{Sort, Token, tokens};
use crate::chat::{cues, lexicon, numeral, vocabulary};

/// Letters of a sound from which one wrong letter, and two, are forgiven.
const ONE_WRONG: usize = 6;
const TWO_WRONG: usize = 11;
/// Letters of the shortest word that is corrected by its sound.
const SHORTEST: usize = 4;

/// Words and how they sound.
type Heard = HashMap<String, Vec<char>>;

/// Every word that means something to the parser.
static VOCABULARY: LazyLock<Heard> = LazyLock::new(|| {
    let words = vocabulary::words().chain(lexicon::feature_words());
    let slang = lexicon::rewritten_words().map(str::to_owned);
    heard(words.map(str::to_owned).chain(slang))
});

/// What a word may be corrected to: the vocabulary, and the names of the zones.
struct Targets {
    zones: Heard,
}

impl Targets {
    fn has(&self, word: &str) -> bool {
        VOCABULARY.contains_key(word) || self.zones.contains_key(word)
    }

    fn iter(&self) -> impl Iterator<Item = (&String, &Vec<char>)> {
        VOCABULARY.iter().chain(&self.zones)
    }
}

fn heard(words: impl Iterator<Item = String>) -> Heard {
    let long = words.filter(|word| word.len() >= SHORTEST);
    long.map(|word| (word.clone(), sound(&word))).collect()
}

/// A word and what it was read as.
#[derive(Debug, PartialEq, Eq)]
pub struct Correction {
    pub written: String,
    pub read: String,
}

/// Corrects the words of a text in place.
pub fn correct(text: &mut [Token], zones: &[Zone]) -> Vec<Correction> {
    let names = zones.iter().flat_map(|zone| tokens(&zone.zona_normalizada));
    let names = names.filter(|token| token.sort == Sort::Word);
    let targets = Targets {
        zones: heard(names.map(|token| token.text)),
    };
    let mut corrections = Vec::new();
    for token in text.iter_mut() {
        if token.sort != Sort::Word || is_known(token, &targets) {
            continue;
        }
        if let Some(word) = undiminished(&token.text, &targets) {
            token.text = word;
        } else if let Some(word) = small_word(&token.text, &targets) {
            // "asta" for "hasta" changes nothing that would have to be told.
            word.clone_into(&mut token.text);
        } else if let Some(word) = nearest(&token.text, &targets) {
            corrections.push(Correction {
                written: token.written.clone(),
                read: word.to_owned(),
            });
            word.clone_into(&mut token.text);
        }
    }
    corrections
}

fn is_known(token: &Token, targets: &Targets) -> bool {
    targets.has(&token.text)
        || token.text.len() < SHORTEST
        || lexicon::is_filler(&token.text)
        || vocabulary::is_known(token)
        || cues::words().any(|word| token.is(word))
        || numeral::is_word(&token.text)
}

/// "terrenito" is a terreno.
fn undiminished(word: &str, targets: &Targets) -> Option<String> {
    let plain = word.strip_suffix('s').unwrap_or(word);
    let ends = ["ecito", "ecita", "cito", "cita", "ito", "ita"];
    let stem = ends.iter().find_map(|end| plain.strip_suffix(end))?;
    // "luquita" is a luca.
    let hard = stem.strip_suffix("qu").map(|start| format!("{start}c"));
    let stems = [Some(stem.to_owned()), hard];
    let mut wholes = stems
        .iter()
        .flatten()
        .flat_map(|stem| ["", "o", "a", "e"].map(|end| format!("{stem}{end}")));
    wholes.find(|whole| targets.has(whole))
}

/// The filler that a word sounds like, unless it sounds like a word that means something.
fn small_word(word: &str, targets: &Targets) -> Option<&'static str> {
    static SMALL: LazyLock<HashMap<Vec<char>, &str>> = LazyLock::new(|| {
        let words = lexicon::fillers().chain(cues::words());
        words.map(|word| (sound(word), word)).collect()
    });
    let heard = sound(word);
    let means = targets.iter().any(|(_, sound)| *sound == heard);
    SMALL.get(&heard).copied().filter(|_| !means)
}

/// The one word that is nearest; of two alike none.
fn nearest<'w>(word: &str, targets: &'w Targets) -> Option<&'w str> {
    let heard = sound(word);
    let reach = match heard.len() {
        TWO_WRONG.. => 2,
        ONE_WRONG.. => 1,
        _ => 0,
    };
    let mut best: Vec<(usize, &str)> = targets
        .iter()
        .filter(|(_, sound)| sound.len().abs_diff(heard.len()) <= reach)
        .map(|(target, sound)| {
            let distance = strsim::generic_damerau_levenshtein(&heard, sound);
            (distance, target.as_str())
        })
        .filter(|(distance, _)| *distance <= reach)
        .collect();
    best.sort_unstable();
    best.dedup();
    match best.as_slice() {
        [(first, _), (second, _), ..] if first == second && *first > 0 => None,
        [(_, word), ..] => Some(word),
        [] => None,
    }
}

/// How a word sounds in Santa Cruz: b and v, s, c and z, ll and y, qu and k alike, and no h.
fn sound(word: &str) -> Vec<char> {
    let letters: Vec<char> = word.chars().collect();
    let mut heard = Vec::with_capacity(word.len());
    for (at, letter) in letters.iter().enumerate() {
        let next = letters.get(at + 1).copied().unwrap_or(' ');
        let before = at.checked_sub(1).map_or(' ', |at| letters[at]);
        let soft = matches!(next, 'e' | 'i');
        let same = match letter {
            'v' | 'w' => 'b',
            'z' => 's',
            'c' if soft => 's',
            'c' if next != 'h' => 'k',
            'q' => 'k',
            'u' if before == 'q' || (before == 'g' && soft) => continue,
            'g' if soft => 'j',
            'h' if before != 'c' => continue,
            'l' if next == 'l' => continue,
            'l' if before == 'l' => 'y',
            'y' if next == ' ' => 'i',
            letter => *letter,
        };
        if heard.last() == Some(&same) {
            continue;
        }
        heard.push(same);
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fold::fold;

    fn read(text: &str) -> String {
        let zones: Vec<Zone> = ["Equipetrol", "Urubó", "Warnes / Cambódromo", "Hamacas"]
            .iter()
            .map(|name| Zone {
                zona: (*name).to_owned(),
                zona_normalizada: fold(name),
            })
            .collect();
        let mut text = tokens(text);
        correct(&mut text, &zones);
        let words: Vec<String> = text.into_iter().map(|token| token.text).collect();
        words.join(" ")
    }

    #[test]
    fn a_word_is_corrected_to_the_one_that_is_meant() {
        for (text, expected) in [
            ("ekipetrol", "equipetrol"),
            ("kasa varata", "casa barata"),
            ("avitaciones", "habitaciones"),
            ("departamneto", "departamento"),
            ("warnez", "warnes"),
            ("parqueo y picina", "parqueo y piscina"),
            ("amovlado", "amoblado"),
            ("terrenito lotecito", "terreno lote"),
            ("kiero algo asta", "quiero algo hasta"),
            // Words of their own, and words that are near to nothing.
            ("cosas con cuenta", "cosas con cuenta"),
            ("montero blooming", "montero blooming"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
