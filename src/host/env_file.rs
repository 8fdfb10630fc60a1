//! Environment files as systemd reads them.

use anyhow::Result;

use crate::core::error::{Code, Fault};
use crate::core::value::steers_programs;
use crate::host::system::System;

/// The `KEY=value` lines of a file, comments and quotes aside; none when it is not there.
///
/// # Errors
/// When it cannot be read; E0410 when it has a name that steers whatever program finds it in its environment.
pub fn read(system: &System, path: &str) -> Result<Vec<(String, String)>> {
    let text = system.read_text(path)?.unwrap_or_default();
    let lines = numbered(&text);
    if let Some((line, (name, _))) = lines.iter().find(|(_, (name, _))| steers_programs(name)) {
        return Err(refused(path, *line, name).into());
    }
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

fn refused(path: &str, line: usize, name: &str) -> Fault {
    let why =
        format!("{path}:{line}: {name} would change how programs are started; nothing was run");
    Fault::new(Code::E0410, why)
        .hint("remove the line; if you did not write it, find out who did: the file is only for root to write")
}

/// Each with the number of its line.
fn numbered(text: &str) -> Vec<(usize, (String, String))> {
    let lines = text.lines().map(str::trim).enumerate();
    lines
        .filter(|(_, line)| !line.starts_with(['#', ';']))
        .filter_map(|(index, line)| Some((index + 1, variable(line)?)))
        .collect()
}

fn variable(line: &str) -> Option<(String, String)> {
    let (key, value) = line.split_once('=')?;
    let value = value.trim();
    let bare = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .map(|quoted| quoted.replace("\\\"", "\"").replace("\\\\", "\\"));
    Some((
        key.trim().to_owned(),
        bare.unwrap_or_else(|| value.to_owned()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_steers_programs_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        let read = |text: &str| {
            std::fs::write(system.path("/env"), text).unwrap();
            read(&system, "/env")
        };
        let fine = read("# LD_PRELOAD=/x\nWORD=\"two \\\"words\\\"\"\n").unwrap();
        assert_eq!(fine, [("WORD".to_owned(), "two \"words\"".to_owned())]);
        for text in ["A=1\n LD_PRELOAD=/x\n", "A=1\n  PYTHONPATH =x\n"] {
            let said = read(text).unwrap_err().to_string();
            assert!(said.starts_with("/env:2: "), "{said}");
        }
    }
}
