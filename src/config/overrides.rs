//! Files that the binary brings, and those beside citrino.yml that go before them.

use std::path::Path;

use anyhow::{Context as _, Result};
use include_dir::Dir;

use super::template::Templates;
use super::text;
use super::yaml::nearest;
use crate::core::error::{Code, Fault};

/// A file by its path below its folder, and what is in it.
pub type Named = (String, String);

/// Every file below an embedded folder, by its path.
pub fn embedded(folder: &'static Dir<'static>) -> Vec<Named> {
    let mut found: Vec<_> = folder
        .files()
        .filter_map(|file| {
            let name = file.path().to_str()?.to_owned();
            Some((name, file.contents_utf8()?.to_owned()))
        })
        .collect();
    for inner in folder.dirs() {
        found.extend(embedded(inner));
    }
    found.sort();
    found
}

/// Every file below a folder on disk, by its path there; none when the folder is absent. What editors and people leave beside
/// them is passed over: hidden files, copies that end in `~`, README.md.
///
/// # Errors
/// `code` with the file when one is no text, or too large.
pub fn files_below(folder: &Path, code: Code) -> Result<Vec<Named>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        if !inner.is_dir() {
            continue;
        }
        let entries = std::fs::read_dir(&inner)
            .with_context(|| format!("could not read {}", inner.display()))?;
        for entry in entries {
            let path = entry?.path();
            if is_passed_over(&path) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = text::read(&path).map_err(|unreadable| {
                Fault::new(code, format!("{} {}", path.display(), unreadable.why()))
            })?;
            let name = path.strip_prefix(folder).unwrap_or(&path);
            found.push((name.display().to_string(), text));
        }
    }
    found.sort();
    Ok(found)
}

fn is_passed_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.ends_with('~') || name == "README.md"
}

/// Refuses playbooks that no verb and no `site.yml` would read: whoever wrote them thinks that they are in force.
///
/// # Errors
/// E0201 with each of them.
pub fn check_playbooks(own: &[Named], known: &[String], listed: &[String]) -> Result<()> {
    let is_used = |name: &str| {
        let is_listed = listed.iter().any(|listed| format!("{listed}.yml") == name);
        is_listed || known.iter().any(|known| known == name)
    };
    let names = own.iter().map(|(name, _)| name.as_str());
    let unused = names.filter(|name| !is_used(name));
    refuse("playbooks", unused, known, Code::E0201)
}

/// Refuses templates that are none of the embedded ones and that no playbook or template of the operator names.
///
/// # Errors
/// E0202 with each of them.
pub fn check_templates(own: &[Named], playbooks: &[Named]) -> Result<()> {
    let known = Templates::known();
    let is_used = |name: &str| {
        let others = own.iter().filter(|(other, _)| other != name);
        let mut texts = others.chain(playbooks);
        known.iter().any(|known| known == name) || texts.any(|(_, text)| text.contains(name))
    };
    let names = own.iter().map(|(name, _)| name.as_str());
    let unused = names.filter(|name| !is_used(name));
    refuse("templates", unused, &known, Code::E0202)
}

fn refuse<'n>(
    folder: &str,
    unused: impl Iterator<Item = &'n str>,
    known: &[String],
    code: Code,
) -> Result<()> {
    let lines = unused.map(|name| {
        let near = nearest(name, known.iter().map(String::as_str));
        let near = near.map_or(String::new(), |near| {
            format!("; did you mean `{folder}/{near}`?")
        });
        format!("{folder}/{name} is used by nothing{near}")
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(Fault::new(code, lines.join("\n"))
        .hint("a file there goes before the embedded one of the same name")
        .into())
}
