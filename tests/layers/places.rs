//! The host's side opens no file by its path but in one place: `src/host/system`, which walks there and looks at who owns what is
//! on the way. Everything else of those folders asks a `System`.

use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Expr, ExprMethodCall, ImplItem, Item, ItemUse, Macro, Token, UseTree};

use crate::files::{Files, crate_files, read};
use crate::syntax::{attributes, attributes_of_part, is_of_tests, word};

/// What runs on a host, as root.
const FOLDERS: [&str; 5] = ["host", "task", "facts", "storage", "agent"];
/// The one place that may.
const LAYER: [&str; 4] = [
    "src/host/system/draft.rs",
    "src/host/system/files.rs",
    "src/host/system/folder.rs",
    "src/host/system/walk.rs",
];

/// Whose functions take paths. Of `std::fs` only the types of what is open already may be named.
const MODULES: [&[&str]; 9] = [
    &["std", "fs"],
    &["tokio", "fs"],
    &["tempfile"],
    &["std", "os", "unix", "fs"],
    &["std", "os", "unix", "net"],
    &["nix", "fcntl"],
    &["nix", "dir"],
    &["nix", "mount"],
    &["nix", "sys", "statvfs", "statvfs"],
];
const TYPES: [&str; 2] = ["File", "TryLockError"];
/// What opens or makes something by its path, whatever it is called on.
const OPENERS: [(&str, &str); 11] = [
    ("File", "open"),
    ("File", "create"),
    ("File", "create_new"),
    ("File", "options"),
    ("OpenOptions", "new"),
    ("DirBuilder", "new"),
    ("UnixStream", "connect"),
    ("UnixListener", "bind"),
    ("UnixDatagram", "bind"),
    ("Command", "new"),
    ("PathBuf", "exists"),
];
/// What a path is asked by, which follows whatever links it has.
const QUESTIONS: [&str; 10] = [
    "exists",
    "try_exists",
    "is_dir",
    "is_file",
    "is_symlink",
    "metadata",
    "symlink_metadata",
    "read_dir",
    "read_link",
    "canonicalize",
];
/// Programs are started by what one module describes, by name and not by a path of somebody's.
const STARTS_PROGRAMS: [&str; 2] = ["src/host/system/cmd.rs", "src/host/system/program.rs"];

struct Look {
    file: PathBuf,
    found: Vec<String>,
}

impl Look {
    fn note(&mut self, at: proc_macro2::Span, what: &str) {
        let line = at.start().line;
        self.found
            .push(format!("{}:{line}: {what}", self.file.display()));
    }

    /// A path as it is written, `use` or not.
    fn path(&mut self, at: proc_macro2::Span, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let told = words.join("::");
        let of_module = MODULES.iter().any(|module| words.starts_with(module));
        let is_type = words.len() >= 3 && words[..2] == ["std", "fs"] && TYPES.contains(&words[2]);
        let renames_root = words == ["std"] || words == ["tokio"] || words == ["nix"];
        let opens = words.windows(2).any(|pair| {
            OPENERS.contains(&(pair[0], pair[1]))
                || matches!(pair[0], "Path" | "PathBuf") && QUESTIONS.contains(&pair[1])
        });
        let starts = told.contains("Command::new");
        let is_program = starts && STARTS_PROGRAMS.map(Path::new).contains(&&*self.file);
        if (of_module && !is_type || renames_root || opens) && !is_program {
            self.note(at, &told);
        }
    }

    fn uses(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &str| [before, &[name.to_owned()]].concat();
        match tree {
            UseTree::Path(path) => self.uses(&path.tree, &with(&word(&path.ident))),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.uses(tree, before)),
            UseTree::Glob(glob) => self.path(glob.star_token.spans[0], &with("*")),
            UseTree::Name(name) if name.ident == "self" => self.path(name.ident.span(), before),
            UseTree::Name(_) if before.is_empty() => {}
            UseTree::Name(name) => self.path(name.ident.span(), &with(&word(&name.ident))),
            UseTree::Rename(name) => {
                let path = with(&word(&name.ident));
                self.path(name.ident.span(), &path);
                // Under another name it would not be known again.
                if path[..2.min(path.len())] == ["std", "fs"] {
                    self.note(name.ident.span(), &format!("{} as …", path.join("::")));
                }
            }
        }
    }

    /// What a macro is given, as far as it is no list of expressions.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(ident) => {
                    let asks = index > 0 && tokens[index - 1].to_string() == ".";
                    let asks = asks && is_empty_group(tokens.get(index + 1));
                    if asks && QUESTIONS.contains(&ident.to_string().as_str()) {
                        self.note(ident.span(), &format!(".{ident}()"));
                    }
                    let words = path_from(&tokens[index..]);
                    if words.len() > 1 {
                        self.path(ident.span(), &words);
                    }
                }
                _ => {}
            }
        }
    }
}

fn is_empty_group(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.stream().is_empty())
}

/// `a :: b :: c` at the beginning of tokens.
fn path_from(tokens: &[TokenTree]) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = tokens;
    while let [TokenTree::Ident(ident), more @ ..] = rest {
        words.push(word(ident));
        match more {
            [TokenTree::Punct(one), TokenTree::Punct(two), next @ ..]
                if one.as_char() == ':' && two.as_char() == ':' =>
            {
                rest = next;
            }
            _ => break,
        }
    }
    words
}

impl<'a> Visit<'a> for Look {
    fn visit_item(&mut self, item: &'a Item) {
        if !is_of_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'a ImplItem) {
        if !is_of_tests(attributes_of_part(item)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.uses(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let words: Vec<String> = path.segments.iter().map(|part| word(&part.ident)).collect();
        if words.len() > 1 {
            self.path(path.segments[0].ident.span(), &words);
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'a ExprMethodCall) {
        let name = call.method.to_string();
        if call.args.is_empty() && QUESTIONS.contains(&name.as_str()) {
            self.note(call.method.span(), &format!(".{name}()"));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, of: &'a Macro) {
        let list = Punctuated::<Expr, Token![,]>::parse_terminated;
        match of.parse_body_with(list) {
            Ok(expressions) => {
                // They live here only; what is in them is looked at all the same.
                let mut inner = Look {
                    file: self.file.clone(),
                    found: Vec::new(),
                };
                for expression in &expressions {
                    inner.visit_expr(expression);
                }
                self.found.extend(inner.found);
            }
            Err(_) => self.tokens(of.tokens.clone()),
        }
    }
}

fn by_path(files: &Files) -> Vec<String> {
    let members = crate_files(files, Path::new("src/lib.rs"));
    let of_host = members.into_iter().filter(|member| {
        let top = member.module.first();
        top.is_some_and(|top| FOLDERS.contains(&top.as_str()))
            && !LAYER.iter().any(|layer| member.place == Path::new(layer))
    });
    of_host
        .flat_map(|member| {
            let mut look = Look {
                file: member.place,
                found: Vec::new(),
            };
            look.visit_file(&member.syntax);
            look.found
        })
        .collect()
}

#[test]
fn the_hosts_side_opens_nothing_by_its_path() {
    let found = by_path(&read(&["src"]));
    assert!(
        found.is_empty(),
        "these open or ask by a path; `System` has a way that follows no link:\n{}",
        found.join("\n")
    );
}

#[test]
fn what_opens_by_a_path_is_found_however_it_is_written() {
    for (text, finds) in [
        ("use std::fs;", true),
        ("use std::{fmt, fs as files};", true),
        ("use std::fs::{File as Opened};", true),
        ("use std::fs::*;", true),
        ("use std as all;", true),
        ("use tokio::fs::read;", true),
        ("use tempfile::tempdir;", true),
        ("use std::os::unix::fs::{MetadataExt, symlink};", true),
        ("fn f() { std::fs::read(\"x\"); }", true),
        ("use std::fs::File; fn f() { File::open(\"x\"); }", true),
        ("fn f() { let open = std::fs::File::create; }", true),
        ("fn f(p: &std::path::Path) { p.exists(); }", true),
        ("fn f(p: &Path) { g(Path::is_dir); }", true),
        ("fn f(p: &Path) { println!(\"{}\", p.is_file()); }", true),
        (
            "fn f(p: &Path) { tokio::select! { x = g(p.read_dir()) => {} } }",
            true,
        ),
        (
            "fn f() { tokio::select! { x = std::fs::read(\"x\") => {} } }",
            true,
        ),
        ("fn f() { nix::sys::statvfs::statvfs(\"/\"); }", true),
        ("fn f() { std::process::Command::new(\"x\"); }", true),
        ("use std::fs::File; fn f(file: File) {}", false),
        (
            "fn f(system: &System) { system.read_link(path); system.names(path); }",
            false,
        ),
        ("#[cfg(test)] mod tests { use std::fs; }", false),
        ("#[test] fn f() { std::fs::read(\"x\"); }", false),
        ("use nix::sys::statvfs::Statvfs;", false),
    ] {
        let files: Files = [
            ("src/lib.rs", "pub mod core; pub mod host;"),
            ("src/core/mod.rs", "use std::fs;"),
            ("src/host/mod.rs", "pub mod system; mod here;"),
            ("src/host/system.rs", "mod walk;"),
            ("src/host/system/walk.rs", "use std::fs;"),
            ("src/host/here.rs", text),
        ]
        .map(|(place, text)| (PathBuf::from(place), text.to_owned()))
        .into();
        let found = by_path(&files);
        assert_eq!(!found.is_empty(), finds, "{text}\n{found:?}");
        assert!(
            found
                .iter()
                .all(|found| found.starts_with("src/host/here.rs:1: "))
        );
    }
}
