//! The two rules: imports go down the list, and no folder has a cycle.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::Import;
use crate::list::Layer;
use crate::modules::ModulePath;

/// The imports that lead to a higher layer, or to a folder that has none.
pub fn upward(imports: &[Import], layers: &[Layer]) -> Vec<String> {
    let floor = |path: &ModulePath| {
        let top = path.first().map_or("lib", String::as_str);
        layers.iter().position(|layer| layer.has(top))
    };
    let goes_down = |import: &Import| match (floor(&import.from), floor(&import.to)) {
        (Some(from), Some(to)) => from <= to,
        _ => false,
    };
    let wrong = imports.iter().filter(|import| !goes_down(import));
    wrong.map(Import::place).collect()
}

/// Which child of a folder imports which, and the first place where it does.
type Edges<'a> = BTreeMap<(&'a str, &'a str), &'a Import>;

/// The cycles among the direct children of each folder, with the imports that make them.
pub fn cycles(imports: &[Import]) -> Vec<String> {
    let mut folders: BTreeMap<&[String], Edges> = BTreeMap::new();
    for import in imports {
        let shared = shared(import);
        // A module and its parts are one.
        if let (Some(from), Some(to)) = (import.from.get(shared), import.to.get(shared)) {
            let edges = folders.entry(&import.from[..shared]).or_default();
            edges.entry((from, to)).or_insert(import);
        }
    }
    folders.iter().filter_map(told).collect()
}

/// How many names the two ends have in common.
fn shared(import: &Import) -> usize {
    let pairs = import.from.iter().zip(&import.to);
    pairs.take_while(|(from, to)| from == to).count()
}

fn told((folder, edges): (&&[String], &Edges)) -> Option<String> {
    let after: BTreeMap<&str, BTreeSet<&str>> = edges
        .keys()
        .map(|(from, _)| (*from, reachable(from, edges)))
        .collect();
    let leads = |from: &str, to: &str| after.get(from).is_some_and(|after| after.contains(to));
    let lines: Vec<String> = edges
        .iter()
        .filter(|((from, to), _)| leads(to, from))
        .map(|((from, to), import)| format!("  {from} -> {to}  {}", import.place()))
        .collect();
    let name = ["crate".to_owned()].into_iter().chain(folder.to_vec());
    let name: Vec<String> = name.collect();
    (!lines.is_empty()).then(|| format!("cycle in {}\n{}", name.join("::"), lines.join("\n")))
}

fn reachable<'a>(from: &str, edges: &Edges<'a>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for (_, next) in edges.keys().filter(|(from, _)| *from == at) {
            if found.insert(*next) {
                open.push(next);
            }
        }
    }
    found
}
