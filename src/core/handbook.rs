//! The operator's handbook, embedded: what `docs` and `explain` print. `docs/handbook/LANGUAGE/SUMMARY.md` says which pages there
//! are, in the form of mdBook, which makes a site of them.

mod terminal;

use std::mem;
use std::str::FromStr;

use include_dir::{Dir, include_dir};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

pub use terminal::plain;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/docs/handbook");

/// Where the order of the pages is said.
const SUMMARY: &str = "SUMMARY";

/// A language that the handbook is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    Spanish,
}

impl Language {
    /// The one that the environment wishes, as other programs read it: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set.
    pub fn of_environment() -> Self {
        let wished = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|value| !value.is_empty());
        match wished {
            Some(wished) if wished.starts_with("es") => Self::Spanish,
            _ => Self::English,
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "en" => Ok(Self::English),
            "es" => Ok(Self::Spanish),
            _ => Err("the handbook is in `en` and `es`".to_owned()),
        }
    }
}

/// Pages under one heading.
#[derive(Debug)]
pub struct Part {
    pub title: String,
    pub pages: Vec<PageEntry>,
}

/// A page as the contents name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageEntry {
    /// Its file without the end, by which it is asked for. The same in each language.
    pub name: String,
    pub title: String,
}

/// The contents in order.
pub fn parts(language: Language) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut text = String::new();
    let mut links_to = None;
    for event in Parser::new(page(language, SUMMARY).unwrap_or_default()) {
        match event {
            Event::Start(Tag::Heading { .. }) => text.clear(),
            Event::Start(Tag::Link { dest_url, .. }) => {
                text.clear();
                links_to = dest_url.strip_suffix(".md").map(str::to_owned);
            }
            Event::Text(piece) | Event::Code(piece) => text.push_str(&piece),
            Event::End(TagEnd::Heading(_)) => parts.push(Part {
                title: mem::take(&mut text),
                pages: Vec::new(),
            }),
            Event::End(TagEnd::Link) => {
                let (title, name) = (mem::take(&mut text), links_to.take());
                if let (Some(part), Some(name)) = (parts.last_mut(), name) {
                    part.pages.push(PageEntry { name, title });
                }
            }
            _ => {}
        }
    }
    // The first heading is the title of the whole, and what it links to is the other language.
    parts.split_off(parts.len().min(1))
}

/// A page in Markdown, where there is one of that name.
pub fn page(language: Language, name: &str) -> Option<&'static str> {
    EMBEDDED
        .get_file(format!("{}/{name}.md", language.folder()))?
        .contents_utf8()
}

/// The pages that hold all these words, whatever their case.
pub fn search(language: Language, words: &[String]) -> Vec<PageEntry> {
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let entries = parts(language).into_iter().flat_map(|part| part.pages);
    entries
        .filter(|entry| {
            let text = page(language, &entry.name)
                .unwrap_or_default()
                .to_lowercase();
            words.iter().all(|word| text.contains(word))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(language: Language) -> Vec<String> {
        let folder = EMBEDDED.get_dir(language.folder()).unwrap();
        let mut names: Vec<String> = folder
            .files()
            .filter_map(|file| {
                Some(
                    file.path()
                        .file_name()?
                        .to_str()?
                        .strip_suffix(".md")?
                        .to_owned(),
                )
            })
            .filter(|name| name != SUMMARY)
            .collect();
        names.sort();
        names
    }

    fn told(language: Language) -> Vec<String> {
        let entries = parts(language).into_iter().flat_map(|part| part.pages);
        entries.map(|entry| entry.name).collect()
    }

    #[test]
    fn every_page_is_in_the_contents_once_and_both_languages_have_the_same() {
        let english = told(Language::English);
        assert_eq!(told(Language::Spanish), english);
        let mut sorted = english;
        sorted.sort();
        assert!(sorted.len() > 50, "{sorted:?}");
        for language in [Language::English, Language::Spanish] {
            assert_eq!(files(language), sorted);
        }
    }

    #[test]
    fn a_page_begins_with_the_title_that_the_contents_give_it() {
        for language in [Language::English, Language::Spanish] {
            for entry in parts(language).into_iter().flat_map(|part| part.pages) {
                let text = page(language, &entry.name).unwrap();
                let first = plain(text.lines().next().unwrap(), 200);
                assert_eq!(
                    first.trim_end().replace('`', ""),
                    entry.title,
                    "{}",
                    entry.name
                );
            }
        }
    }

    #[test]
    fn a_page_links_only_to_pages_that_are_there() {
        for language in [Language::English, Language::Spanish] {
            for name in told(language) {
                for event in Parser::new(page(language, &name).unwrap()) {
                    if let Event::Start(Tag::Link { dest_url, .. }) = event {
                        let to = dest_url
                            .strip_suffix(".md")
                            .unwrap_or_else(|| panic!("{name} links to {dest_url}"));
                        assert!(page(language, to).is_some(), "{name} links to {to}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_page_is_wider_than_the_terminal_but_for_what_is_typed() {
        for language in [Language::English, Language::Spanish] {
            for name in told(language) {
                for line in plain(page(language, &name).unwrap(), 80).lines() {
                    let is_typed = line.starts_with("    ") || !line.contains(' ');
                    assert!(is_typed || line.chars().count() <= 80, "{name}: {line}");
                }
            }
        }
    }
}
