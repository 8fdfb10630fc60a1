//! `ls src` is the architecture: imports go down docs/layers.yml, no folder has a cycle, and the formatter sees every file.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests, and does not see that helpers are of a test

mod files;
mod formatted;
mod imports;
mod list;
mod modules;
mod names;
mod picture;
mod places;
mod planted;
mod rules;
mod superuser;
mod syntax;
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use imports::imports;
use modules::{Crate, read_crate};

/// The crates' folders, and the names under which a main.rs knows its lib.rs.
const CRATES: [(&str, &str); 3] = [
    ("src", "citrino_ops"),
    ("app/src", "citrino_app"),
    ("lab/src", "citrino_lab"),
];

/// They are read once: each test is a look at the same text.
fn crates() -> &'static [Crate] {
    static READ: OnceLock<Vec<Crate>> = OnceLock::new();
    let read = |(folder, name): (&str, &str)| read_crate(&files::read(&[folder]), folder, name);
    READ.get_or_init(|| CRATES.map(read).into())
}

/// The product's own.
fn product() -> &'static Crate {
    &crates()[0]
}

#[test]
fn imports_go_down_the_list() {
    let wrong = rules::upward(&imports(product()), &list::layers());
    assert!(
        wrong.is_empty(),
        "these imports go up docs/layers.yml:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_folder_has_a_cycle() {
    for of in crates() {
        let cycles = rules::cycles(&imports(of));
        assert!(cycles.is_empty(), "{}: {}", of.name, cycles.join("\n"));
    }
}

#[test]
fn src_has_what_the_list_names_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let there = fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let slash = if entry.path().is_dir() { "/" } else { "" };
        format!("{}{slash}", entry.file_name().to_string_lossy())
    });
    let layers = list::layers();
    let listed = layers
        .iter()
        .flat_map(list::Layer::entries)
        .map(str::to_owned);
    assert_eq!(
        there.collect::<BTreeSet<_>>(),
        listed.collect::<BTreeSet<_>>()
    );
}

/// docs/architecture.md says the same as the list.
#[test]
fn the_table_of_folders_is_the_list() {
    let text = list::text("docs/architecture.md");
    let table = text
        .lines()
        .skip_while(|line| *line != "| folder | holds |")
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let layers = list::layers();
    let expected = layers
        .iter()
        .filter(|layer| layer.is_folder())
        .map(|layer| format!("| `{}` | {} |", layer.folder, layer.holds));
    assert_eq!(
        table.map(str::to_owned).collect::<Vec<_>>(),
        expected.collect::<Vec<_>>()
    );
}
