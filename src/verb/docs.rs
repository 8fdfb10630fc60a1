//! `docs`: the operator's handbook in the terminal.

use anyhow::Result;
use serde_json::json;

use crate::core::catalogue;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::{Code, Fault, exit};
use crate::core::handbook::{self, Language, PageEntry};
use crate::core::report::Report;

/// The contents; the page of that name or code; or the pages that hold these words, where it is one the page itself.
///
/// # Errors
/// E0002 when no page holds them.
pub fn run(report: &mut Report, words: &[String], language: Option<Language>) -> Result<u8> {
    let language = language.unwrap_or_else(Language::of_environment);
    if words.is_empty() {
        contents(report, language);
        return Ok(exit::OK);
    }
    if let [word] = words
        && let Some(name) = named(word)?
        && let Some(text) = handbook::page(language, &name)
    {
        page(report, &name, text);
        return Ok(exit::OK);
    }
    match handbook::search(language, words).as_slice() {
        [] => Err(unknown(&words.join(" ")).into()),
        [one] => {
            let text = handbook::page(language, &one.name).unwrap_or_default();
            page(report, &one.name, text);
            Ok(exit::OK)
        }
        several => {
            for entry in several {
                report.datum(listed(entry), &row(entry));
            }
            Ok(exit::OK)
        }
    }
}

/// Prints a page of the handbook.
pub fn page(report: &mut Report, name: &str, text: &str) {
    let data = json!({ "page": name, "text": text });
    let shown = handbook::plain(text, report.width());
    report.datum(Datum::new(DatumKind::HandbookPage, data), shown.trim_end());
}

/// The page that a word names: by its own name, or by an error code.
fn named(word: &str) -> Result<Option<String>> {
    let Ok(code) = word.to_uppercase().parse::<Code>() else {
        return Ok(Some(word.to_lowercase()));
    };
    let pages = catalogue::pages()?;
    Ok(pages.get(&code).and_then(|page| page.handbook.clone()))
}

fn contents(report: &mut Report, language: Language) {
    for part in handbook::parts(language) {
        report.heading(&part.title);
        for entry in &part.pages {
            report.datum(listed(entry), &row(entry));
        }
    }
}

fn row(entry: &PageEntry) -> String {
    format!("  {:<24}{}", entry.name, entry.title)
}

fn listed(entry: &PageEntry) -> Datum {
    let data = json!({ "page": entry.name, "title": entry.title });
    Datum::new(DatumKind::HandbookEntry, data)
}

fn unknown(words: &str) -> Fault {
    Fault::new(
        Code::E0002,
        format!("no page of the handbook has `{words}`"),
    )
    .hint("`citrino-ops docs` lists the pages, `citrino-ops explain` the error codes")
}
