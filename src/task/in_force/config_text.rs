//! What is common to the files of several programs.

use std::path::Path;

use anyhow::Result;

use crate::host::system::System;

/// The text of a file, behind links too: programs follow them. Empty when there is none.
pub fn text(system: &System, path: &str) -> Result<String> {
    let real = system.resolve(path)?;
    Ok(system.read_text(real)?.unwrap_or_default())
}

/// The files of a folder whose names fit a pattern, in the order in which programs read them; `ours` is one of them, also
/// where it does not exist yet.
pub fn matching(system: &System, pattern: &str, ours: &str) -> Result<Vec<String>> {
    let (folder, pattern) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let mut names = system.names(system.resolve(folder)?)?;
    let own = Path::new(ours);
    if own.parent() == Some(Path::new(folder))
        && let Some(name) = own.file_name()
    {
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    names.dedup();
    names
        .retain(|name| fits(pattern, name) && (!name.starts_with('.') || pattern.starts_with('.')));
    Ok(names
        .into_iter()
        .map(|name| format!("{folder}/{name}"))
        .collect())
}

/// Whether a name fits a pattern of a shell with `*` and `?`.
fn fits(pattern: &str, name: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return name.is_empty();
    };
    let rest = &pattern[first.len_utf8()..];
    let mut later = name.chars();
    match first {
        '*' => (0..=name.len()).any(|at| name.is_char_boundary(at) && fits(rest, &name[at..])),
        _ => later
            .next()
            .is_some_and(|next| (first == '?' || first == next) && fits(rest, later.as_str())),
    }
}

/// A value for a sentence.
pub fn short(value: &str) -> String {
    const MOST: usize = 60;
    let value = value.trim();
    if value.chars().count() <= MOST {
        return value.to_owned();
    }
    let head: String = value.chars().take(MOST).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_patterns_as_in_a_shell() {
        for (pattern, name, wished) in [
            ("*.conf", "10-a.conf", true),
            ("*.conf", "10-a.conf.bak", false),
            ("1?-*.conf", "10-é.conf", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, name), wished, "{pattern} {name}");
        }
    }
}
