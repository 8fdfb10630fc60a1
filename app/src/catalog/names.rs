//! A table of texts that many properties share; each text is stored once.

use std::collections::HashMap;

/// The index of an unknown name.
pub const UNKNOWN: u32 = u32::MAX;

/// The texts.
#[derive(Debug, Default)]
pub struct Names {
    known: Vec<Name>,
    places: HashMap<String, u32>,
}

/// A text.
#[derive(Debug)]
pub struct Name {
    /// Original spelling.
    pub written: String,
    /// Folded, for comparisons.
    pub folded: String,
    /// Properties that have it.
    pub uses: u32,
}

impl Names {
    /// Counts one more use of a text. Returns its index.
    pub fn take(&mut self, written: Option<String>, fold: impl FnOnce(&str) -> String) -> u32 {
        let Some(written) = written else {
            return UNKNOWN;
        };
        let place = self.places.get(&written).copied().unwrap_or_else(|| {
            let place = u32::try_from(self.known.len()).unwrap_or(UNKNOWN);
            self.known.push(Name {
                folded: fold(&written),
                written: written.clone(),
                uses: 0,
            });
            self.places.insert(written, place);
            place
        });
        if let Some(name) = self.known.get_mut(place as usize) {
            name.uses += 1;
        }
        place
    }

    /// Counts one use less.
    pub fn give_back(&mut self, place: u32) {
        if let Some(name) = self.known.get_mut(place as usize) {
            name.uses -= 1;
        }
    }

    /// The text at this index, folded and as it is written.
    pub fn named(&self, place: u32) -> Option<(&str, &str)> {
        let name = self.known.get(place as usize)?;
        Some((name.folded.as_str(), name.written.as_str()))
    }

    /// The texts in use.
    pub fn used(&self) -> impl Iterator<Item = &Name> {
        self.known.iter().filter(|name| name.uses > 0)
    }

    /// For each index, the first index whose text is folded alike.
    pub fn spellings(&self) -> Vec<u32> {
        let mut first = HashMap::new();
        (0..)
            .zip(&self.known)
            .map(|(place, name)| *first.entry(name.folded.as_str()).or_insert(place))
            .collect()
    }

    /// For each index, whether its text is selected.
    pub fn marked(&self, is_meant: impl Fn(&Name) -> bool) -> Vec<bool> {
        self.known.iter().map(is_meant).collect()
    }
}

/// Whether an index is marked; an unknown name never is.
pub fn has(marks: &[bool], place: u32) -> bool {
    marks.get(place as usize).copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_used_as_often_as_it_is_taken() {
        let mut names = Names::default();
        let mut take = |text: Option<&str>| names.take(text.map(str::to_owned), str::to_lowercase);
        let (one, other, again) = (
            take(Some("Urubó")),
            take(Some("Centro")),
            take(Some("Urubó")),
        );
        assert_eq!((one, take(None)), (again, UNKNOWN));
        names.give_back(other);
        let used: Vec<_> = names
            .used()
            .map(|name| (name.folded.as_str(), name.uses))
            .collect();
        assert_eq!(used, [("urubó", 2)]);
        let marks = names.marked(|name| name.folded == "urubó");
        assert!(has(&marks, one) && !has(&marks, other) && !has(&marks, UNKNOWN));
    }

    #[test]
    fn spellings_of_a_text_have_one_index() {
        let mut names = Names::default();
        for text in ["URUBO", "Centro", "urubo", "Urubo"] {
            names.take(Some(text.to_owned()), str::to_lowercase);
        }
        assert_eq!(names.spellings(), [0, 1, 0, 0]);
    }
}
