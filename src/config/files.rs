//! Files that the binary brings, and those on the operator's disk.

use std::path::Path;

use anyhow::{Context as _, Result};
use include_dir::Dir;

use super::text;
use crate::core::error::{Code, Fault};

/// A file by its path below its folder, and what is in it.
pub type NamedFiles = (String, String);

/// Every file below an embedded folder, by its path.
pub fn embedded(folder: &'static Dir<'static>) -> Vec<NamedFiles> {
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
/// `code` with the file when one is no text, too large, or a link: a link would bring in what lies outside of the folder.
pub fn files_below(folder: &Path, code: Code) -> Result<Vec<NamedFiles>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        refuse_link(&inner, code)?;
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
            refuse_link(&path, code)?;
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

fn refuse_link(path: &Path, code: Code) -> Result<()> {
    let found = std::fs::symlink_metadata(path);
    if !found.is_ok_and(|found| found.is_symlink()) {
        return Ok(());
    }
    Err(Fault::new(code, format!("{} is a link", path.display()))
        .hint("put the file or folder itself there")
        .into())
}

fn is_passed_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.ends_with('~') || name == "README.md"
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::core::error::code;

    #[test]
    fn a_link_is_refused_wherever_it_leads() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "hunter2").unwrap();
        let own = tempfile::tempdir().unwrap();
        let templates = own.path().join("templates");
        fs::create_dir(&templates).unwrap();
        fs::write(templates.join("a.tera"), "a").unwrap();
        assert_eq!(files_below(&templates, Code::E0202).unwrap().len(), 1);
        let within = templates.join("a.tera");
        for to in [
            outside.path(),
            &outside.path().join("secret"),
            &within,
            Path::new("/nowhere"),
        ] {
            let link = templates.join("x");
            symlink(to, &link).unwrap();
            let refused = files_below(&templates, Code::E0202).unwrap_err();
            assert_eq!(code(&refused), Code::E0202);
            assert!(
                refused.to_string().ends_with("templates/x is a link"),
                "{refused}"
            );
            fs::remove_file(link).unwrap();
        }
        symlink(&templates, own.path().join("playbooks")).unwrap();
        assert!(files_below(&own.path().join("playbooks"), Code::E0201).is_err());
    }
}
