//! The lists of words that the chat reads by. They are data: a new word is a new word in a file of `lexicon/`.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::chat::verbs;
use crate::chat::words::{Token, tokens};

/// Something that the texts of listings may say.
#[derive(Debug)]
pub struct KnownFeature {
    /// As it is told.
    pub name: &'static str,
    /// The folded words that ask for it.
    words: Vec<&'static str>,
    /// A regular expression over the folded text of a listing.
    pub pattern: &'static str,
}

/// An abbreviation, slang or English, and what it stands for.
#[derive(Debug)]
pub struct Rewrite {
    /// Folded words, at least one.
    pub from: Vec<String>,
    pub to: Vec<String>,
}

static FILLERS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| words(include_str!("lexicon/fillers.txt")));
static VERBS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = lines(include_str!("lexicon/verbs.txt"));
    lines.flat_map(str::split_whitespace).collect()
});
static REFUSING: LazyLock<HashSet<&str>> =
    LazyLock::new(|| words(include_str!("lexicon/refusing.txt")));
static BETWEEN: LazyLock<HashSet<&str>> =
    LazyLock::new(|| words(include_str!("lexicon/between.txt")));
static ELSEWHERE: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    lines(include_str!("lexicon/elsewhere.txt"))
        .map(texts)
        .collect()
});
static NEUTRAL: LazyLock<HashSet<&str>> =
    LazyLock::new(|| words(include_str!("lexicon/neutral.txt")));
static FEATURES: LazyLock<Vec<KnownFeature>> = LazyLock::new(|| {
    let lines = lines(include_str!("lexicon/features.txt"));
    lines.filter_map(known_feature).collect()
});
static REWRITES: LazyLock<Vec<Rewrite>> = LazyLock::new(|| {
    let mut all: Vec<Rewrite> = lines(include_str!("lexicon/rewrites.txt"))
        .filter_map(|line| line.split_once(" = "))
        .map(|(from, to)| Rewrite {
            from: texts(from),
            to: texts(to),
        })
        .collect();
    all.sort_by_key(|rewrite| std::cmp::Reverse(rewrite.from.len()));
    all
});

/// Whether a word says nothing that a property could be searched by.
pub fn is_filler(word: &str) -> bool {
    // "lejos del ruido" is told whole.
    let refuses = REFUSING.contains(word) && word != "lejos";
    FILLERS.contains(word) || refuses || is_form(word)
}

/// Whether a word is a form of a verb that says nothing about a property.
fn is_form(word: &str) -> bool {
    VERBS.iter().any(|stem| verbs::is_form_of(word, stem))
}

/// Whether a word refuses what follows.
pub fn refuses(word: &str) -> bool {
    REFUSING.contains(word)
}

/// Whether a word may stand between a refusing one and what it refuses.
pub fn stands_between(word: &str) -> bool {
    BETWEEN.contains(word)
}

/// The places that are not in the catalogue's city, each as its words.
pub fn elsewhere() -> &'static [Vec<String>] {
    &ELSEWHERE
}

/// Every filler.
pub fn fillers() -> impl Iterator<Item = &'static str> {
    FILLERS.iter().copied()
}

/// Whether a model may use a word of its own accord.
pub fn is_neutral(word: &str) -> bool {
    NEUTRAL.contains(word)
}

/// The feature that a word asks for.
pub fn feature(token: &Token) -> Option<&'static KnownFeature> {
    FEATURES
        .iter()
        .find(|feature| token.is_one_of(&feature.words))
}

/// Every word that asks for a feature.
pub fn feature_words() -> impl Iterator<Item = &'static str> {
    FEATURES
        .iter()
        .flat_map(|feature| feature.words.iter().copied())
}

/// The rewrites, those of the most words first.
pub fn rewrites() -> &'static [Rewrite] {
    &REWRITES
}

/// Every word that is rewritten by itself.
pub fn rewritten_words() -> impl Iterator<Item = &'static str> {
    let alone = REWRITES.iter().filter(|rewrite| rewrite.from.len() == 1);
    alone.map(|rewrite| rewrite.from[0].as_str())
}

fn known_feature(line: &'static str) -> Option<KnownFeature> {
    let (name, rest) = line.split_once(" | ")?;
    let (words, pattern) = rest.split_once(" | ")?;
    Some(KnownFeature {
        name,
        words: words.split_whitespace().collect(),
        pattern,
    })
}

fn lines(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
}

fn words(list: &'static str) -> HashSet<&'static str> {
    lines(list).flat_map(str::split_whitespace).collect()
}

fn texts(phrase: &str) -> Vec<String> {
    tokens(phrase).into_iter().map(|token| token.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fold::fold;

    #[test]
    fn the_lists_are_read_whole() {
        let lists = [
            include_str!("lexicon/fillers.txt"),
            include_str!("lexicon/neutral.txt"),
            include_str!("lexicon/verbs.txt"),
            include_str!("lexicon/refusing.txt"),
            include_str!("lexicon/between.txt"),
            include_str!("lexicon/elsewhere.txt"),
        ];
        for word in lists.into_iter().flat_map(words) {
            assert_eq!(fold(word), word);
        }
        let features = lines(include_str!("lexicon/features.txt")).count();
        let rewrites = lines(include_str!("lexicon/rewrites.txt")).count();
        assert_eq!((FEATURES.len(), REWRITES.len()), (features, rewrites));
        // A word that is skipped could not ask for anything.
        let skipped: Vec<&str> = feature_words().filter(|word| is_filler(word)).collect();
        assert_eq!(skipped, Vec::<&str>::new());
    }

    #[test]
    fn every_form_of_a_listed_verb_is_one_and_nothing_else() {
        for word in [
            "busco",
            "buscabamos",
            "tengas",
            "mostrarme",
            "muestremelos",
            "recomendarias",
            "necesitariamos",
            "vivieramos",
        ] {
            assert!(is_form(word), "{word}");
        }
        for word in [
            "piscina",
            "tenis",
            "pensionado",
            "vivero",
            "bus",
            "podologo",
            "gusano",
        ] {
            assert!(!is_form(word), "{word}");
        }
    }
}
