//! What each task kind is, by the page of the documentation, which the binary brings along.

use serde::Serialize;

const PAGE: &str = include_str!("../../docs/tasks.md");

/// A kind, in Markdown as the page has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskPage {
    pub kind: String,
    pub makes_sure: String,
    pub keys: String,
}

/// Every kind, in the order of the page.
pub fn kinds() -> Vec<TaskPage> {
    let after = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("| kind |"));
    let rows = after.skip(2).take_while(|line| line.starts_with('|'));
    rows.filter_map(page).collect()
}

fn page(row: &str) -> Option<TaskPage> {
    let mut cells = row.trim_matches('|').split(" | ").map(str::trim);
    let mut cell = || {
        cells
            .next()
            .map(|cell| cell.trim_matches(['|', ' ']).to_owned())
    };
    Some(TaskPage {
        kind: cell()?.replace(['*', '`'], ""),
        makes_sure: cell()?,
        keys: cell().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::KINDS;

    #[test]
    fn every_kind_has_its_page() {
        let pages = kinds();
        let told: Vec<&str> = pages.iter().map(|page| page.kind.as_str()).collect();
        assert_eq!(told, KINDS);
        for page in pages {
            assert!(!page.makes_sure.is_empty(), "{page:?}");
            assert!(!page.keys.contains('|'), "{page:?}");
        }
    }
}
