//! The command line by cases as data: `tests/cli/CASE.yml` says which files are there, what is
//! typed, the exit code, and what is said. No host and no cloud is reached.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests, and does not see that helpers are of a test

#[path = "seat/ci.rs"]
mod ci;
#[path = "seat/init.rs"]
mod init;
#[path = "need/mod.rs"]
mod need;
#[path = "seat/secrets.rs"]
mod secrets;
#[path = "seat/surroundings.rs"]
mod surroundings;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Files in the working directory, by name. Without citrino.yml there, the least one is.
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// The words after `citrino-ops`.
    run: String,
    code: i32,
    /// Each stands in what is printed.
    says: Vec<String>,
    /// None of these does.
    #[serde(default)]
    hides: Vec<String>,
}

/// A host of the range for documentation, which nobody has.
const LEAST: &str = "stack: prod\ndomain: example.com\nhost: { address: 203.0.113.7, host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV }\n";

#[test]
fn the_command_line_is_sound() {
    use clap::CommandFactory;
    citrino_ops::cli::Cli::command().debug_assert();
}

#[test]
fn every_case_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let failures: Vec<String> = paths.iter().filter_map(|path| failure(path)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn failure(path: &Path) -> Option<String> {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let text = fs::read_to_string(path).unwrap();
    let case: Case = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (code, said) = run(&case);
    let missing = case.says.iter().find(|part| !said.contains(part.as_str()));
    let shown = case.hides.iter().find(|part| said.contains(part.as_str()));
    if code == case.code && missing.is_none() && shown.is_none() {
        return None;
    }
    Some(format!(
        "{name}: exit {code}, expected {}; missing {missing:?}, shown {shown:?}\n{said}",
        case.code
    ))
}

fn run(case: &Case) -> (i32, String) {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("citrino.yml"), LEAST).unwrap();
    for (name, text) in &case.files {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace("LEAST\n", LEAST)).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_citrino-ops"))
        .args(case.run.split_whitespace())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home.path())
        .envs(&case.env)
        .current_dir(home.path())
        .output()
        .unwrap();
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.code().unwrap_or(-1), said.concat())
}
