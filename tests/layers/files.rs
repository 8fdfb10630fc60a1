//! The sources as text, and the files that a crate's module declarations lead to.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Component, Path, PathBuf};

use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta};

use crate::syntax::{attributes, is_of_tests, word};

/// Text by place below the repository.
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

/// The files of the crate that begins at `root`, found as rustc finds them; what only tests have is left out.
pub fn crate_files(files: &Files, root: &Path) -> Vec<Member> {
    let mut found = Vec::new();
    let mut open = VecDeque::from([Open::root(root)]);
    while let Some(at) = open.pop_front() {
        let syntax = parse(&at.place, text(files, &at.place));
        if is_of_tests(&syntax.attrs) {
            continue;
        }
        let declared = declarations(&at, &syntax.items).into_iter();
        let declared = declared.filter(|declared| !declared.of_tests);
        open.extend(declared.map(|declared| at.declares(declared, files)));
        found.push(Member {
            place: at.place,
            module: at.module,
            syntax,
        });
    }
    found
}

/// The files that rustfmt finds from `root`: by `mod x;` outside of macros, tests included.
pub fn formatted_files(files: &Files, root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = VecDeque::from([Open::root(root)]);
    while let Some(at) = open.pop_front() {
        let text = text(files, &at.place);
        // Most files declare nothing, and parsing takes time.
        if text
            .lines()
            .any(|line| line.contains("mod ") && line.contains(';'))
        {
            let declared = declarations(&at, &parse(&at.place, text).items);
            open.extend(declared.into_iter().map(|one| at.declares(one, files)));
        }
        found.push(at.place);
    }
    found
}

/// A file that is still to be read.
struct Open {
    place: PathBuf,
    module: Vec<String>,
    /// Whether its modules stand in the folder that it stands in itself.
    owns_folder: bool,
}

impl Open {
    fn root(place: &Path) -> Self {
        Self {
            place: place.to_owned(),
            module: Vec::new(),
            owns_folder: true,
        }
    }

    fn declares(&self, declared: Declaration, files: &Files) -> Self {
        let (place, by_path) = declared.places.choose(files, &self.place);
        Self {
            owns_folder: by_path || place.ends_with("mod.rs"),
            module: [self.module.clone(), declared.inside].concat(),
            place,
        }
    }
}

fn text<'a>(files: &'a Files, place: &Path) -> &'a str {
    let text = files.get(place);
    text.unwrap_or_else(|| panic!("{} is not there", place.display()))
}

pub fn parse(place: &Path, text: &str) -> syn::File {
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

fn declarations(at: &Open, items: &[Item]) -> Vec<Declaration> {
    let beside = at.place.parent().unwrap();
    let folder = if at.owns_folder {
        beside.to_owned()
    } else {
        at.place.with_extension("")
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
