//! The pages behind error codes, embedded: what `explain` prints.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::code::Code;

const TEXT: &str = include_str!("../../docs/errors.yml");

/// What stands behind a code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    pub title: String,
    pub cause: String,
    /// What was and was not changed when the error is told.
    pub changed: String,
    pub next: String,
    /// The page of the handbook that has the whole procedure.
    #[serde(default)]
    pub handbook: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    /// Sentences that many pages share, by YAML anchors.
    #[serde(rename = "unchanged")]
    _unchanged: String,
    #[serde(rename = "until_step")]
    _until_step: String,
    pages: BTreeMap<String, Page>,
}

/// The pages of all codes, by code.
///
/// # Errors
/// Never with the embedded file: a test reads it.
pub fn pages() -> Result<BTreeMap<Code, Page>> {
    let catalogue: Catalogue =
        serde_yaml::from_str(TEXT).context("the embedded catalogue of errors cannot be parsed")?;
    let pages = catalogue.pages.into_iter();
    Ok(pages
        .filter_map(|(code, page)| code.parse().ok().map(|code| (code, page)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_one_page_and_each_page_a_code() {
        let catalogue: Catalogue = serde_yaml::from_str(TEXT).unwrap();
        let told: Vec<&str> = catalogue.pages.keys().map(String::as_str).collect();
        let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(told, known);
    }

    #[test]
    fn each_code_is_used() {
        let source = crate_sources();
        for code in Code::ALL.iter().filter(|code| **code != Code::default()) {
            assert!(
                source.contains(&format!("Code::{code}")),
                "{code} is in no error"
            );
        }
    }

    fn crate_sources() -> String {
        let mut text = String::new();
        let mut folders = vec![std::path::PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src"
        ))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.extension() {
                    None => folders.push(path),
                    Some(end) if end == "rs" => {
                        text.push_str(&std::fs::read_to_string(path).unwrap());
                    }
                    Some(_) => {}
                }
            }
        }
        text
    }
}
