//! The sources as text, and the files that a crate's module declarations lead to.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Component, Path, PathBuf};

use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta};

use crate::syntax::{attributes, is_of_tests, word};

/// Text by place below the repository: a test plants a fault in a copy.
pub type Files = BTreeMap<PathBuf, String>;

/// The `.rs` files of these folders.
pub fn read(folders: &[&str]) -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut files = Files::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let place = path.strip_prefix(root).unwrap().to_owned();
                files.insert(place, fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

/// A file that belongs to a crate, with its place in the tree of modules.
pub struct Member {
    pub place: PathBuf,
    pub module: Vec<String>,
    pub syntax: syn::File,
}

/// The files of the crate that begins at `root`, found as rustc and rustfmt find them: by `mod x;` outside of macros.
pub fn crate_files(files: &Files, root: &Path, with_tests: bool) -> Vec<Member> {
    let mut found = Vec::new();
    let mut open = VecDeque::from([(root.to_owned(), Vec::new(), true)]);
    while let Some((place, module, owns_folder)) = open.pop_front() {
        let syntax = parse(files, &place);
        if !with_tests && is_of_tests(&syntax.attrs) {
            continue;
        }
        for declared in declarations(&place, owns_folder, &syntax.items) {
            if with_tests || !declared.of_tests {
                let path = [module.clone(), declared.inside].concat();
                let (place, by_path) = declared.places.choose(files, &place);
                let owns_folder = by_path || place.ends_with("mod.rs");
                open.push_back((place, path, owns_folder));
            }
        }
        found.push(Member {
            place,
            module,
            syntax,
        });
    }
    found
}

fn parse(files: &Files, place: &Path) -> syn::File {
    let text = files
        .get(place)
        .unwrap_or_else(|| panic!("{} is not there", place.display()));
    syn::parse_file(text).unwrap_or_else(|error| {
        let line = error.span().start().line;
        panic!("{}:{line}: {error}", place.display())
    })
}

struct Declaration {
    /// The module's name, after those of the inline modules around it.
    inside: Vec<String>,
    places: Places,
    of_tests: bool,
}

enum Places {
    /// `x.rs` or `x/mod.rs` in the folder of the module that declares it.
    Usual(PathBuf, PathBuf),
    /// What `#[path]` says.
    Said(PathBuf),
}

impl Places {
    /// The place that exists, and whether `#[path]` named it.
    fn choose(self, files: &Files, declared_in: &Path) -> (PathBuf, bool) {
        match self {
            Places::Said(place) => (place, true),
            Places::Usual(place, _) | Places::Usual(_, place) if files.contains_key(&place) => {
                (place, false)
            }
            Places::Usual(place, _) => panic!(
                "{} declares {}, which is not there",
                declared_in.display(),
                place.display()
            ),
        }
    }
}

fn declarations(place: &Path, owns_folder: bool, items: &[Item]) -> Vec<Declaration> {
    let beside = place.parent().unwrap();
    let folder = if owns_folder {
        beside.to_owned()
    } else {
        place.with_extension("")
    };
    let mut found = Vec::new();
    collect(items, &folder, beside, &mut found);
    found
}

fn collect(items: &[Item], folder: &Path, beside: &Path, found: &mut Vec<Declaration>) {
    for item in items {
        let Item::Mod(module) = item else { continue };
        let name = word(&module.ident);
        let of_tests = is_of_tests(attributes(item));
        let Some((_, items)) = &module.content else {
            found.push(Declaration {
                places: places(module, &name, folder, beside),
                inside: vec![name],
                of_tests,
            });
            continue;
        };
        let inner = folder.join(&name);
        let mut nested = Vec::new();
        collect(items, &inner, &inner, &mut nested);
        found.extend(nested.into_iter().map(|declared| Declaration {
            inside: [vec![name.clone()], declared.inside].concat(),
            of_tests: of_tests || declared.of_tests,
            ..declared
        }));
    }
}

fn places(module: &ItemMod, name: &str, folder: &Path, beside: &Path) -> Places {
    match module.attrs.iter().find_map(said_path) {
        Some(path) => Places::Said(plain(&beside.join(path))),
        None => Places::Usual(
            folder.join(format!("{name}.rs")),
            folder.join(name).join("mod.rs"),
        ),
    }
}

/// The text of `#[path = "…"]`.
fn said_path(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// The same place without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}
