//! Which module a path leads to, and so which module imports which.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::modules::{Crate, Mention, Module, ModulePath};

/// One import, seen from where it is written.
#[derive(Clone, Debug)]
pub struct Import {
    pub from: ModulePath,
    pub to: ModulePath,
    pub file: PathBuf,
    pub line: usize,
    pub written: String,
}

impl Import {
    pub fn place(&self) -> String {
        format!("{}:{}: {}", self.file.display(), self.line, self.written)
    }
}

/// A re-export counts twice: as an import from where it is written, and from where the thing is defined.
pub fn imports(of: &Crate) -> Vec<Import> {
    let mut found = Vec::new();
    for (path, module) in &of.modules {
        for mention in &module.mentions {
            for to in destinations(of, path, mention) {
                found.push(import(module, mention, to));
            }
        }
    }
    found
}

fn import(module: &Module, mention: &Mention, to: ModulePath) -> Import {
    Import {
        from: module.whole.clone(),
        to,
        file: module.file.clone(),
        line: mention.line,
        written: mention.path.join("::"),
    }
}

fn destinations(of: &Crate, at: &ModulePath, mention: &Mention) -> BTreeSet<ModulePath> {
    let module = &of.modules[at];
    let first = &mention.path[0];
    // A lone word is a variable as often as a name, and names have been counted where `use` brings them.
    if mention.path.len() == 1 && (module.parts.contains(first) || module.names.contains_key(first))
    {
        return BTreeSet::new();
    }
    let mut walk = Walk {
        of,
        reached: BTreeSet::new(),
    };
    walk.read(at, &mention.path, 0);
    let whole = walk.reached.iter().map(|path| &of.modules[path].whole);
    whole
        .filter(|whole| **whole != module.whole)
        .cloned()
        .collect()
}

/// Deeper than this a name only leads back to itself.
const DEEPEST: usize = 16;

struct Walk<'a> {
    of: &'a Crate,
    /// The modules that something was taken from.
    reached: BTreeSet<ModulePath>,
}

impl Walk<'_> {
    /// Reads a path as it is written in the module `at`. Gives the module that it names, if it names one.
    fn read(&mut self, at: &ModulePath, path: &[String], depth: usize) -> Option<ModulePath> {
        let module = &self.of.modules[at];
        let (first, rest) = path.split_first()?;
        if depth > DEEPEST {
            return None;
        }
        match first.as_str() {
            "crate" => self.follow(&module.root, rest, depth),
            "self" => self.follow(at, rest, depth),
            "super" => self.follow(&above(at)?, rest, depth),
            name if name == self.of.name && !module.root.is_empty() => {
                self.follow(&Vec::new(), rest, depth)
            }
            name if module.names.contains_key(name) => self.renamed(at, name, rest, depth),
            name if module.parts.contains(name) => self.follow(at, path, depth),
            name if module.items.contains(name) => None,
            _ => self.through_globs(at, path, depth),
        }
    }

    /// Goes down from a module. What stands before the last module on the way is not taken from, only passed.
    fn follow(&mut self, at: &ModulePath, path: &[String], depth: usize) -> Option<ModulePath> {
        let module = self.of.modules.get(at)?;
        let Some((first, rest)) = path.split_first() else {
            self.reached.insert(at.clone());
            return Some(at.clone());
        };
        if first == "super" {
            return self.follow(&above(at)?, rest, depth);
        }
        if module.parts.contains(first) {
            let part = [at.as_slice(), std::slice::from_ref(first)].concat();
            if self.of.modules.contains_key(&part) {
                return self.follow(&part, rest, depth);
            }
        }
        self.reached.insert(at.clone());
        if module.names.contains_key(first) {
            return self.renamed(at, first, rest, depth);
        }
        if module.items.contains(first) {
            return None;
        }
        self.through_globs(at, path, depth)
    }

    /// A name that a `use` of the module brings in.
    fn renamed(
        &mut self,
        at: &ModulePath,
        name: &str,
        rest: &[String],
        depth: usize,
    ) -> Option<ModulePath> {
        let mut named = None;
        for target in &self.of.modules[at].names[name] {
            let path = [target.as_slice(), rest].concat();
            let itself = target.first().is_some_and(|first| first == name);
            let found = if itself {
                self.follow_part(at, &path, depth + 1)
            } else {
                self.read(at, &path, depth + 1)
            };
            named = named.or(found);
        }
        named
    }

    /// `use a::a`, or `use a` of another crate: the first word is not the name that this `use` makes.
    fn follow_part(
        &mut self,
        at: &ModulePath,
        path: &[String],
        depth: usize,
    ) -> Option<ModulePath> {
        let is_part = self.of.modules[at].parts.contains(&path[0]);
        is_part.then(|| self.follow(at, path, depth)).flatten()
    }

    /// What a `use a::*` may bring in.
    fn through_globs(
        &mut self,
        at: &ModulePath,
        path: &[String],
        depth: usize,
    ) -> Option<ModulePath> {
        let of = self.of;
        let mut named = None;
        for glob in &of.modules[at].globs {
            let mut inner = Walk {
                of,
                reached: BTreeSet::new(),
            };
            let Some(target) = inner.read(at, glob, depth + 1) else {
                continue;
            };
            let module = &of.modules[&target];
            let has = |name| {
                module.parts.contains(name)
                    || module.names.contains_key(name)
                    || module.items.contains(name)
            };
            if has(&path[0]) {
                named = named.or(self.follow(&target, path, depth + 1));
            }
        }
        named
    }
}

fn above(path: &ModulePath) -> Option<ModulePath> {
    let (_, above) = path.split_last()?;
    Some(above.to_vec())
}
