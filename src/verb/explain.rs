//! `explain`: what stands behind an error code.

use anyhow::Result;
use serde_json::json;

use crate::core::catalogue::{self, Page};
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::{Code, Fault, exit};
use crate::core::handbook::{self, Language};
use crate::core::report::Report;
use crate::core::wrap;

pub fn run(report: &mut Report, code: Option<&str>) -> Result<u8> {
    let pages = catalogue::pages()?;
    let Some(text) = code else {
        for (code, page) in &pages {
            report.datum(datum(*code, page), &format!("{code}  {}", page.title));
        }
        return Ok(exit::OK);
    };
    let code: Option<Code> = text.parse().ok();
    let (code, page) = code
        .and_then(|code| pages.get_key_value(&code))
        .ok_or_else(|| {
            Fault::new(Code::E0002, format!("there is no error code `{text}`"))
                .hint("`citrino-ops explain` lists all codes")
        })?;
    let width = report.width();
    let exit = code.exit().to_string();
    let mut rows = vec![
        row("Cause", &page.cause, width),
        row("Changed", &page.changed, width),
        row("Next", &page.next, width),
        row("Exit", &exit, width),
    ];
    rows.extend(page.handbook.as_deref().map(|name| procedure(name, width)));
    let text = format!("{code}: {}\n\n{}", page.title, rows.join("\n"));
    report.datum(datum(*code, page), &text);
    Ok(exit::OK)
}

/// The page of the handbook, below the rows about the code.
fn procedure(name: &str, width: usize) -> String {
    let text = handbook::page(Language::of_environment(), name).unwrap_or_default();
    format!("\n{}", handbook::plain(text, width))
}

fn datum(code: Code, page: &Page) -> Datum {
    let data = json!({
        "code": code,
        "title": page.title,
        "cause": page.cause,
        "changed": page.changed,
        "next": page.next,
        "handbook": page.handbook,
        "exit": code.exit(),
    });
    Datum::new(DatumKind::ErrorCode, data)
}

/// A title and its text, which begins each line below the first.
fn row(title: &str, text: &str, width: usize) -> String {
    let first = format!("{title:<9}");
    let lines = textwrap::wrap(text, wrap::options(width, &first, "         "));
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_within_its_width_and_an_example_its_lines() {
        let pages = catalogue::pages().unwrap();
        for page in pages.values() {
            for text in [&page.cause, &page.changed, &page.next] {
                for line in row("Cause", text, 80).lines() {
                    assert!(line.chars().count() <= 80, "{line}");
                }
            }
        }
        let next = row("Next", &pages[&Code::E0101].next, 80);
        assert!(next.contains("\n             stack: shop\n"), "{next}");
        assert!(next.contains("\n\n"), "{next}");
    }
}
