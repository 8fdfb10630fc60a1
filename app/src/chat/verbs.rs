//! Verbs in any of their forms: a stem, an ending, and pronouns after it.

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
