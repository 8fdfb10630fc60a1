//! The tests of this folder can fail: what is planted is found, and named with file and line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::files::{Files, formatted_files};
use crate::imports::{Import, imports};
use crate::list::{layers, text};
use crate::modules::{Crate, read_crate};
use crate::rules::{cycles, upward};
use crate::{crates, product};

/// The crate with one more line in a file, and the place that a complaint must name.
fn planted(of: &Crate, file: &Path, line: &str) -> (Crate, String) {
    let text = format!("{}{line}\n", text(&file.display().to_string()));
    let place = format!("{}:{}: ", file.display(), text.lines().count());
    (of.clone().with(file, &text), place)
}

#[test]
fn an_upward_import_is_found_in_the_real_tree() {
    let file = Path::new("src/core/digest.rs");
    let (with, place) = planted(product(), file, "use crate::verb::plan;");
    let wrong = upward(&imports(&with), &layers());
    assert_eq!(wrong, [format!("{place}crate::verb::plan")]);
}

/// In each crate the first import between siblings gets its way back.
#[test]
fn a_cycle_is_found_in_the_real_trees() {
    for of in crates() {
        let imports = imports(of);
        let (import, file) = imports
            .iter()
            .find_map(|import| {
                let back = imports.iter().find(|other| other.from == import.to)?;
                are_siblings(import).then_some((import, &back.file))
            })
            .unwrap();
        let line = format!("use crate::{};", import.from.join("::"));
        let (with, place) = planted(of, file, &line);
        let told = cycles(&crate::imports::imports(&with)).join("\n");
        assert!(told.contains(&place), "{place}is not in\n{told}");
    }
}

/// Two modules of one folder.
fn are_siblings(import: &Import) -> bool {
    let (from, to) = (&import.from, &import.to);
    from.len() == to.len() && from.len() > 1 && from[..from.len() - 1] == to[..to.len() - 1]
}

/// A crate of a few lines: `core/low.rs` has the text, and `verb` stands above it.
fn small(text: &str) -> Crate {
    let files: Files = [
        ("src/lib.rs", "pub mod core; pub mod host; pub mod verb;"),
        ("src/main.rs", "fn main() { citrino_ops::verb::up::run() }"),
        (
            "src/core/mod.rs",
            "pub mod low; pub mod other; pub mod third; use other::Seen;",
        ),
        ("src/core/low.rs", text),
        (
            "src/core/other.rs",
            "pub use super::third::Thing; pub struct Seen;",
        ),
        ("src/core/third.rs", "use super::low; pub struct Thing;"),
        ("src/host/mod.rs", "pub use crate::core::low::Low;"),
        ("src/verb/mod.rs", "pub mod up; pub use up::run;"),
        ("src/verb/up.rs", "pub fn run() {}"),
    ]
    .map(|(place, text)| (PathBuf::from(place), text.to_owned()))
    .into();
    read_crate(&files, "src", "citrino_ops")
}

#[test]
fn an_upward_import_is_found_however_it_is_written() {
    for text in [
        "\nuse crate::verb::up;",
        "\nuse super::super::verb::up::run as go;",
        "\nuse super::super::{verb};",
        "use crate as all;\nfn f() { all::verb::run() }",
        "\nfn f() { crate::verb::up::run() }",
        "\nfn f() { let _: Vec<crate::verb::up::Run> = Vec::new(); }",
        "fn f() {\nuse crate::verb::*; }",
        "\nimpl crate::verb::Verb for Low {}",
        "fn f() { format!(\"{}\",\ncrate::verb::NAME) }",
        "#[serde(\nwith = \"crate::verb::up\")] struct Low { x: u8 }",
        "mod inner {\npub use super::super::super::verb::up::run; }",
        "#[cfg(not(test))]\nuse crate::verb::up;",
        "#[cfg(any(test, unix))]\nuse crate::verb::up;",
        "\nuse crate::host::Low;",
    ] {
        let wrong = upward(&imports(&small(text)), &layers());
        let named = wrong
            .iter()
            .any(|line| line.starts_with("src/core/low.rs:2: "));
        assert!(named, "{text}\n{wrong:?}");
    }
}

#[test]
fn what_only_tests_have_and_what_is_no_import_is_left_alone() {
    for text in [
        "#[cfg(test)] mod tests { use crate::verb::up; }",
        "#[cfg(test)] use crate::verb::up;",
        "#[cfg(all(test, unix))] use crate::verb::up;",
        "#![cfg(test)] use crate::verb::up;",
        "impl Low { #[cfg(test)] fn f() { crate::verb::run() } }",
        "fn f() { #[cfg(test)] let _ = crate::verb::run(); }",
        "#[test] fn f() { crate::verb::run() }",
        "// use crate::verb::up;",
        "/// crate::verb::up\nfn f() { g(\"crate::verb::up\") }",
        "pub(in crate::verb) struct Low;",
        "use ::verb::up; fn f() { verb::up::run() }",
        "use other::verb; fn f() { verb::run() }",
    ] {
        let wrong = upward(&imports(&small(text)), &layers());
        assert_eq!(wrong, Vec::<String>::new(), "{text}");
    }
}

/// `third` imports `low`.
#[test]
fn a_cycle_is_found_through_re_exports_and_globs() {
    for (text, expected) in [
        (
            "\nuse super::other::Thing;",
            "low -> third  src/core/low.rs:2: ",
        ),
        (
            "\nuse super::third::Thing;",
            "low -> third  src/core/low.rs:2: ",
        ),
        ("\nuse super::Seen;", "low -> other  src/core/low.rs:2: "),
        (
            "use super::*;\nfn f(_: Seen) {}",
            "low -> other  src/core/low.rs:2: ",
        ),
        (
            "use super::*;\nfn f() { third::go() }",
            "low -> third  src/core/low.rs:2: ",
        ),
    ] {
        let told = cycles(&imports(&small(text))).join("\n");
        assert!(told.starts_with("cycle in crate::core\n"), "{text}\n{told}");
        assert!(told.contains(expected), "{text}\n{told}");
    }
    for text in ["use std::fmt;", "use crate::core;"] {
        let told = cycles(&imports(&small(text)));
        assert_eq!(told, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn the_formatter_does_not_see_what_a_macro_declares() {
    let files: Files = [
        (
            "src/lib.rs",
            "m!(hidden); mod seen; mod inline { mod part; } #[path = \"x/../far.rs\"] mod near;",
        ),
        ("src/hidden.rs", ""),
        ("src/seen.rs", "#[cfg(test)] mod tests;"),
        ("src/seen/tests.rs", ""),
        ("src/inline/part.rs", ""),
        ("src/far.rs", "mod beside;"),
        ("src/beside/mod.rs", ""),
    ]
    .map(|(place, text)| (PathBuf::from(place), text.to_owned()))
    .into();
    let reached = formatted_files(&files, Path::new("src/lib.rs"));
    let reached: BTreeSet<PathBuf> = reached.into_iter().collect();
    let missed: Vec<_> = files
        .keys()
        .filter(|file| !reached.contains(*file))
        .collect();
    assert_eq!(missed, [Path::new("src/hidden.rs")]);
}
