//! One type name means one thing in `src`.

use std::collections::BTreeMap;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Ident, Item, ItemEnum, ItemStruct, ItemTrait, ItemType};

use crate::files::{self, Files, crate_files};
use crate::syntax::{attributes, is_of_tests, word};

#[test]
fn one_type_name_means_one_thing() {
    let twice = twice(&files::read(&["src"]));
    assert!(
        twice.is_empty(),
        "these names are defined more than once:\n{}",
        twice.join("\n")
    );
}

/// The rule can fail: a second `Plan` is found, with the places of both.
#[test]
fn a_second_type_of_a_name_is_found() {
    let mut files = files::read(&["src"]);
    let place = Path::new("src/core/digest.rs");
    let text = files.get_mut(place).unwrap();
    text.push_str("struct Plan;\n");
    let line = text.lines().count();
    let twice = twice(&files);
    assert!(
        twice.iter().any(|told| told.starts_with("Plan: ")
            && told.contains(&format!("src/core/digest.rs:{line}"))
            && told.contains("src/core/plan.rs:")),
        "{twice:?}"
    );
}

/// `Plan: src/core/plan.rs:82, src/verb/plan.rs:9`
fn twice(files: &Files) -> Vec<String> {
    let mut names = Names::default();
    for root in ["src/lib.rs", "src/main.rs"] {
        for member in crate_files(files, Path::new(root)) {
            names.file = member.place.display().to_string();
            names.visit_file(&member.syntax);
        }
    }
    let twice = names.places.into_iter().filter(|(_, at)| at.len() > 1);
    twice
        .map(|(name, at)| format!("{name}: {}", at.join(", ")))
        .collect()
}

/// Where each type is defined, but for those of tests.
#[derive(Default)]
struct Names {
    file: String,
    places: BTreeMap<String, Vec<String>>,
}

impl Names {
    fn defined(&mut self, name: &Ident) {
        let place = format!("{}:{}", self.file, name.span().start().line);
        self.places.entry(word(name)).or_default().push(place);
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_of_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        self.defined(&item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        self.defined(&item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        self.defined(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast ItemType) {
        self.defined(&item.ident);
    }
}
