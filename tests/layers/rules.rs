//! The two rules: imports go down the list, and no folder has a cycle.

use std::collections::{BTreeMap, VecDeque};

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

/// The cycles among the direct children of each folder, with the imports that make them. Of cycles that share a child the shortest.
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
    let mut rest = edges.clone();
    let mut lines = Vec::new();
    while let Some(cycle) = shortest(&rest) {
        for (from, to) in &cycle {
            let place = rest[&(*from, *to)].place();
            lines.push(format!("  {from} -> {to}  {place}"));
        }
        let shares = |child: &str| cycle.iter().any(|(from, _)| *from == child);
        rest.retain(|(from, to), _| !shares(from) && !shares(to));
    }
    let name = [&["crate".to_owned()], *folder].concat().join("::");
    (!lines.is_empty()).then(|| format!("cycle in {name}\n{}", lines.join("\n")))
}

fn shortest<'a>(edges: &Edges<'a>) -> Option<Vec<(&'a str, &'a str)>> {
    let cycles = edges.keys().filter_map(|(from, _)| way_back(from, edges));
    cycles.min_by_key(Vec::len)
}

/// The shortest way from a child to itself.
fn way_back<'a>(start: &'a str, edges: &Edges<'a>) -> Option<Vec<(&'a str, &'a str)>> {
    let mut ways = BTreeMap::from([(start, Vec::new())]);
    let mut open = VecDeque::from([start]);
    while let Some(at) = open.pop_front() {
        for (from, to) in edges.keys().filter(|(from, _)| *from == at) {
            let way = [ways[from].as_slice(), &[(*from, *to)]].concat();
            if *to == start {
                return Some(way);
            }
            if !ways.contains_key(to) {
                ways.insert(to, way);
                open.push_back(to);
            }
        }
    }
    None
}
