//! What the modules of a crate define, import and mention.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemUse, Local, Macro, Meta, UseTree, VisRestricted};

use crate::files::{Files, Member, crate_files, parse};
use crate::syntax::{attributes, attributes_of_part, is_of_tests, name, word};

/// The names from the crate's root down to a module.
pub type ModulePath = Vec<String>;

#[derive(Clone, Default)]
pub struct Module {
    pub file: PathBuf,
    /// The module that the file is: another one when this one stands inline in it.
    pub whole: ModulePath,
    /// Where `crate::` leads.
    pub root: ModulePath,
    pub parts: BTreeSet<String>,
    /// What `use` brings in, as it is written there.
    pub names: BTreeMap<String, Vec<Vec<String>>>,
    pub globs: Vec<Vec<String>>,
    pub items: BTreeSet<String>,
    pub mentions: Vec<Mention>,
}

/// A path in the source: in a `use`, in code, in a macro, in the text of an attribute.
#[derive(Clone)]
pub struct Mention {
    pub path: Vec<String>,
    pub line: usize,
}

#[derive(Clone)]
pub struct Crate {
    pub modules: BTreeMap<ModulePath, Module>,
    /// The name under which main.rs knows lib.rs.
    pub name: String,
}

impl Crate {
    /// Reads one file again, with another text.
    pub fn with(mut self, file: &Path, text: &str) -> Self {
        let mut all = self.modules.values();
        let old = all.find(|module| module.file == file).unwrap();
        let root = old.root.clone();
        let member = Member {
            place: file.to_owned(),
            module: old.whole[root.len()..].to_vec(),
            syntax: parse(file, text),
        };
        self.modules.extend(read_file(&member, &root));
        self
    }
}

/// Reads lib.rs, main.rs or both, and what they declare.
pub fn read_crate(files: &Files, folder: &str, name: &str) -> Crate {
    let mut modules = BTreeMap::new();
    let (library, binary) = (
        Path::new(folder).join("lib.rs"),
        Path::new(folder).join("main.rs"),
    );
    let both = files.contains_key(&library);
    if both {
        read_root(files, &library, &[], &mut modules);
    }
    if files.contains_key(&binary) {
        let root = if both {
            vec!["main".to_owned()]
        } else {
            vec![]
        };
        read_root(files, &binary, &root, &mut modules);
    }
    let name = name.to_owned();
    Crate { modules, name }
}

fn read_root(
    files: &Files,
    file: &Path,
    root: &[String],
    modules: &mut BTreeMap<ModulePath, Module>,
) {
    for member in crate_files(files, file) {
        modules.extend(read_file(&member, root));
    }
}

fn read_file(member: &Member, root: &[String]) -> BTreeMap<ModulePath, Module> {
    let whole = [root, &member.module].concat();
    let mut reader = Reader {
        file: member.place.clone(),
        root: root.to_vec(),
        whole: whole.clone(),
        at: whole,
        found: BTreeMap::new(),
    };
    reader.module();
    reader.visit_file(&member.syntax);
    reader.found
}

struct Reader {
    file: PathBuf,
    root: ModulePath,
    whole: ModulePath,
    at: ModulePath,
    found: BTreeMap<ModulePath, Module>,
}

impl Reader {
    fn module(&mut self) -> &mut Module {
        self.found.entry(self.at.clone()).or_insert_with(|| Module {
            file: self.file.clone(),
            whole: self.whole.clone(),
            root: self.root.clone(),
            ..Module::default()
        })
    }

    fn mention(&mut self, path: Vec<String>, line: usize) {
        self.module().mentions.push(Mention { path, line });
    }

    /// What `mod x;` and `mod x { … }` declare.
    fn part(&mut self, module: &syn::ItemMod) {
        let name = word(&module.ident);
        self.module().parts.insert(name.clone());
        if let Some((_, items)) = &module.content {
            self.at.push(name);
            self.module();
            for item in items {
                self.visit_item(item);
            }
            self.at.pop();
        }
    }

    fn imported(&mut self, path: Vec<String>, name: &str, line: usize) {
        self.mention(path.clone(), line);
        if name != "_" {
            let known = self.module().names.entry(name.to_owned());
            known.or_default().push(path);
        }
    }

    fn tree(&mut self, tree: &UseTree, mut before: Vec<String>) {
        let line = tree.span().start().line;
        match tree {
            UseTree::Path(path) => {
                before.push(word(&path.ident));
                self.tree(&path.tree, before);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, before.clone());
                }
            }
            UseTree::Glob(_) => {
                self.mention(before.clone(), line);
                self.module().globs.push(before);
            }
            UseTree::Name(last) => {
                let path = with(before, &last.ident);
                let name = path.last().cloned().unwrap_or_default();
                self.imported(path, &name, line);
            }
            UseTree::Rename(last) => {
                let name = word(&last.rename);
                self.imported(with(before, &last.ident), &name, line);
            }
        }
    }

    /// The paths in tokens whose grammar only a macro knows.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(first) => {
                    let path = path_from(&tokens[at..]);
                    at += 3 * (path.len() - 1);
                    if path.len() > 1 {
                        self.mention(path, first.span().start().line);
                    }
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(text) => self.text(&text.to_string(), text.span()),
                TokenTree::Punct(_) => {}
            }
            at += 1;
        }
    }

    /// Text that is a path: `#[serde(with = "super::seconds")]`.
    fn text(&mut self, literal: &str, span: proc_macro2::Span) {
        let path = literal.trim_matches('"');
        let segments: Vec<String> = path.split("::").map(str::to_owned).collect();
        if segments.len() > 1 && syn::parse_str::<syn::Path>(path).is_ok() {
            self.mention(segments, span.start().line);
        }
    }
}

/// `a::{self}` is `a`.
fn with(mut before: Vec<String>, last: &Ident) -> Vec<String> {
    if last != "self" {
        before.push(word(last));
    }
    before
}

/// The words that `::` joins, from the first token on.
fn path_from(tokens: &[TokenTree]) -> Vec<String> {
    let mut path = Vec::new();
    let mut rest = tokens;
    while let [TokenTree::Ident(ident), after @ ..] = rest {
        path.push(word(ident));
        match after {
            [TokenTree::Punct(one), TokenTree::Punct(two), next @ ..]
                if one.as_char() == ':'
                    && two.as_char() == ':'
                    && matches!(next, [TokenTree::Ident(_), ..]) =>
            {
                rest = next;
            }
            _ => break,
        }
    }
    path
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_of_tests(attributes(item)) {
            return;
        }
        if let Some(name) = name(item) {
            self.module().items.insert(word(name));
        }
        match item {
            Item::Mod(module) => self.part(module),
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !is_of_tests(attributes_of_part(item)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if !is_of_tests(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.tree(&item.tree, Vec::new());
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let words = path.segments.iter().map(|part| word(&part.ident));
            self.mention(words.collect(), path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }

    /// `pub(in crate::a)` gives, and takes nothing.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}
}
