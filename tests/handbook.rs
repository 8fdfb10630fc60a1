//! The handbook against the program: what its pages tell people to type is understood, in both languages the same.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use citrino_ops::cli::Cli;
use clap::Parser;
use pulldown_cmark::{Event, Tag, TagEnd};

/// The blocks of a page that are typed, line by line, without what is explained beside them. What a line ends its quote in a
/// later one is one line.
fn typed(language: &str, page: &str) -> Vec<String> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/handbook/{language}/{page}"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = Vec::new();
    let mut is_typed = false;
    for event in pulldown_cmark::Parser::new(&text) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => is_typed = true,
            Event::End(TagEnd::CodeBlock) => is_typed = false,
            Event::Text(piece) if is_typed => lines.push(piece.to_string()),
            _ => {}
        }
    }
    let text = lines.concat();
    let mut whole: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.split(" # ").next().unwrap_or_default().trim_end();
        match whole.last_mut() {
            Some(last) if last.matches('\'').count() % 2 == 1 => {
                last.push('\n');
                last.push_str(line);
            }
            _ => whole.push(line.to_owned()),
        }
    }
    whole.retain(|line| !line.is_empty() && !line.starts_with('#'));
    whole
}

fn pages() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/handbook/en");
    let mut pages: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            Path::new(name).extension().is_some_and(|end| end == "md") && name != "SUMMARY.md"
        })
        .collect();
    pages.sort();
    pages
}

#[test]
fn both_languages_tell_people_to_type_the_same() {
    for page in pages() {
        assert_eq!(typed("es", &page), typed("en", &page), "{page}");
    }
}

#[test]
fn every_command_of_the_handbook_is_one() {
    let mut seen = 0;
    for page in pages() {
        for line in typed("en", &page) {
            let Some(at) = line.find("citrino-ops ") else {
                continue;
            };
            // What the shell does with files is not the command's.
            let command = line[at..].split(" <").next().unwrap_or_default();
            let words = shlex::split(command).unwrap_or_else(|| panic!("{page}: {line}"));
            if let Err(error) = Cli::try_parse_from(words) {
                assert!(!error.use_stderr(), "{page}: {line}\n{error}");
            }
            seen += 1;
        }
    }
    assert!(seen > 80, "{seen}");
}
