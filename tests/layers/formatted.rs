//! `cargo fmt` sees every `.rs` file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::files::{formatted_files, read};

/// rustfmt follows `mod x;` from the root of each target, and looks into no macro.
#[test]
fn the_formatter_reaches_every_file() {
    let files = read(&["src", "app", "lab", "tests"]);
    let roots = targets()
        .into_iter()
        .filter(|root| files.contains_key(root));
    let reached: BTreeSet<PathBuf> = roots
        .flat_map(|root| formatted_files(&files, &root))
        .collect();
    let missed: Vec<_> = files
        .keys()
        .filter(|file| !reached.contains(*file))
        .collect();
    assert!(
        missed.is_empty(),
        "no module declaration leads to {missed:#?}"
    );
    assert_eq!(reached.len(), files.len());
}

/// The roots of all targets of the workspace, below the repository.
fn targets() -> Vec<PathBuf> {
    let told = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let packages = told["packages"].as_array().unwrap();
    packages
        .iter()
        .flat_map(|package| package["targets"].as_array().unwrap())
        .map(|target| Path::new(target["src_path"].as_str().unwrap()))
        .map(|root| {
            root.strip_prefix(env!("CARGO_MANIFEST_DIR"))
                .unwrap()
                .to_owned()
        })
        .collect()
}
