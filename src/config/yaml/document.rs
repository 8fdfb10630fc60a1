//! A file of YAML on its way into types: every fault is noted at its place, and all are told together.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::de::De;
use super::error::{Why, YamlError, no_such_key};
use super::found::ConfigFault;
use super::node::{Node, NodeContent, Position};
use super::parse;

/// More are not looked for: a file with so many is of another kind.
const MOST: usize = 50;

/// A file, or several of which each lies on top of the one before, and what is wrong with them.
#[derive(Debug)]
pub struct Document {
    /// As faults call them.
    files: Vec<String>,
    root: Node,
    found: Vec<ConfigFault>,
    is_yaml: bool,
}

/// Nothing is written.
impl Default for Document {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            root: Node::new(Position::first(), NodeContent::Map(Vec::new())),
            found: Vec::new(),
            is_yaml: true,
        }
    }
}

impl Document {
    /// Reads a text. One that is no YAML has that one fault, and nothing in it.
    pub fn parse(text: &str, file: impl Into<String>) -> Self {
        let nothing = || Node::new(Position::first(), NodeContent::Map(Vec::new()));
        let parsed = parse::parse(text);
        let is_yaml = parsed.is_ok();
        let (root, found) = match parsed {
            Ok(parsed) => (parsed.root.unwrap_or_else(nothing), parsed.twice),
            Err(found) => (nothing(), vec![found]),
        };
        Self {
            files: vec![file.into()],
            root,
            found,
            is_yaml,
        }
    }

    /// With the keys of another one on top of it.
    pub fn under(mut self, over: Self) -> Self {
        let number = self.files.len();
        self.root.under(over.root.of_file(number));
        self.files.extend(over.files);
        self.found.extend(over.found.into_iter().map(|mut found| {
            found.at.file = number;
            found
        }));
        self.is_yaml &= over.is_yaml;
        self
    }

    /// Where it says what, as `FILE:LINE`, by the names that lead to each value.
    pub fn origins(&self) -> BTreeMap<String, String> {
        let mut origins = BTreeMap::new();
        self.origins_below(&self.root, "", &mut origins);
        origins
    }

    fn origins_below(&self, node: &Node, above: &str, origins: &mut BTreeMap<String, String>) {
        let NodeContent::Map(entries) = &node.content else {
            return;
        };
        for entry in entries {
            let path = format!("{above}{}", entry.key);
            self.origins_below(&entry.value, &format!("{path}."), origins);
            origins.insert(path, self.place(entry.at));
        }
    }

    fn place(&self, at: Position) -> String {
        let file = self.files.get(at.file).map_or("", String::as_str);
        format!("{file}:{}", at.line)
    }

    /// Its files, by their names.
    pub fn name(&self) -> String {
        self.files.join(" and ")
    }

    /// Whether it could be parsed; otherwise there is nothing in it.
    pub fn is_yaml(&self) -> bool {
        self.is_yaml
    }

    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The whole of it as a type. Faults that serde finds are noted, and what they are of is left out, so that the rest is read
    /// too. In the place of a key that must be there and is not, or is wrong, stands what `stand_in` has for its path; without
    /// that, what the key belongs to is left out with it.
    pub fn typed<T: DeserializeOwned>(
        &mut self,
        stand_in: impl Fn(&str) -> Option<&'static str>,
    ) -> Option<T> {
        let mut reading = Reading {
            root: self.root.clone(),
            found: Vec::new(),
        };
        let value = reading.read(&stand_in);
        self.found.append(&mut reading.found);
        value
    }

    /// The same of a part that was made from it.
    pub fn part<T: DeserializeOwned>(&mut self, part: Node) -> Option<T> {
        let mut reading = Reading {
            root: part,
            found: Vec::new(),
        };
        let value = reading.read(&|_| None);
        self.found.append(&mut reading.found);
        value
    }

    /// Notes what is wrong with the key at `path`. Where that key has a fault already, this one follows from it and is left
    /// out.
    pub fn refuse(&mut self, path: &[&str], why: impl Into<String>) {
        if self.is_spoiled(path) {
            return;
        }
        let at = place_of(&self.root, path);
        let names = path.iter().filter(|part| part.parse::<usize>().is_err());
        let path = names.map(|part| (*part).to_owned()).collect();
        let why = why.into();
        self.found.push(ConfigFault { at, path, why });
    }

    /// Notes a fault of what stands at `at`.
    pub fn refuse_at(&mut self, at: Position, why: impl Into<String>) {
        self.found.push(ConfigFault::new(at, &[], why.into()));
    }

    /// Whether the key, one above it or one below it has a fault.
    pub fn is_spoiled(&self, path: &[&str]) -> bool {
        let path: Vec<&str> = path
            .iter()
            .copied()
            .filter(|part| part.parse::<usize>().is_err())
            .collect();
        self.found.iter().any(|found| {
            let parts = found.path.iter().zip(&path);
            !found.path.is_empty() && parts.into_iter().all(|(a, b)| a == b)
        })
    }

    /// All faults by their places, a line each; nothing when there is none.
    pub fn faults(mut self) -> Option<String> {
        self.found.sort_by_key(|found| found.at);
        let lines = self
            .found
            .iter()
            .map(|found| format!("{}{found}", self.place(found.at)));
        let lines: Vec<String> = lines.collect();
        match lines.len() {
            0 | 1 => lines.into_iter().next(),
            many => {
                let files = self.name();
                let have = if self.files.len() > 1 { "have" } else { "has" };
                Some(format!(
                    "{files} {have} {many} faults:\n{}",
                    lines.join("\n")
                ))
            }
        }
    }
}

/// Where the key is, or what is nearest above it.
fn place_of(root: &Node, path: &[&str]) -> Position {
    let mut at = root.at;
    let mut node = root;
    for part in path {
        match &node.content {
            NodeContent::Map(_) => {
                let Some(entry) = node.get(part) else { break };
                (at, node) = (entry.at, &entry.value);
            }
            NodeContent::List(items) => {
                let index = part.parse::<usize>().ok();
                let Some(item) = index.and_then(|index| items.get(index)) else {
                    break;
                };
                (at, node) = (item.at, item);
            }
            NodeContent::Scalar(_) => break,
        }
    }
    at
}

/// Reads one value again and again, each time without the part that was found wrong.
struct Reading {
    root: Node,
    found: Vec<ConfigFault>,
}

impl Reading {
    fn read<T: DeserializeOwned>(
        &mut self,
        stand_in: &impl Fn(&str) -> Option<&'static str>,
    ) -> Option<T> {
        // Each turn takes something out or puts something in once; the rest of the bound is for what stands in.
        for _ in 0..4 * MOST {
            let error = match T::deserialize(De(&self.root)) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            if !self.heal(error, stand_in) || self.found.len() >= MOST {
                return None;
            }
        }
        None
    }

    /// Notes the fault and makes another reading possible; false when there is none.
    fn heal(&mut self, error: YamlError, stand_in: &impl Fn(&str) -> Option<&'static str>) -> bool {
        let mut way = error.path;
        way.reverse();
        let (names, at) = names_of(&self.root, &way);
        match error.why {
            Why::Missing(key) => {
                let path = [names.as_slice(), &[key.to_owned()]].concat();
                let Some(section) = node_at(&mut self.root, &way) else {
                    return false;
                };
                if !section.spoiled.iter().any(|gone| gone == key) {
                    section.spoiled.push(key.to_owned());
                    let why = "is missing".to_owned();
                    self.found.push(ConfigFault::new(at, &path, why));
                }
                match stand_in(&path.join(".")) {
                    Some(text) => self.put(&way, key, text),
                    None => self.take(&way),
                }
            }
            Why::UnknownKey(known) => {
                let wrong = names.last().map_or("", String::as_str);
                let why = no_such_key(wrong, known);
                self.found.push(ConfigFault::new(at, &names, why));
                self.take(&way)
            }
            Why::Wrong(why) => {
                // What lacks a part that was wrong is wrong because of that.
                let follows =
                    node_at(&mut self.root, &way).is_some_and(|it| !it.spoiled.is_empty());
                if !follows {
                    self.found.push(ConfigFault::new(at, &names, why));
                }
                self.take(&way)
            }
        }
    }

    /// Takes out what is at the end of the way; false when that is all there is.
    fn take(&mut self, way: &[usize]) -> bool {
        let Some((last, above)) = way.split_last() else {
            return false;
        };
        let Some(parent) = node_at(&mut self.root, above) else {
            return false;
        };
        match &mut parent.content {
            NodeContent::Map(entries) if *last < entries.len() => {
                parent.spoiled.push(entries.remove(*last).key);
            }
            NodeContent::List(items) if *last < items.len() => {
                items.remove(*last);
                parent.spoiled.push(String::new());
            }
            _ => return false,
        }
        true
    }

    fn put(&mut self, way: &[usize], key: &str, text: &str) -> bool {
        let Some(parsed) = parse::parse(text).ok().and_then(|parsed| parsed.root) else {
            return false;
        };
        let Some(section) = node_at(&mut self.root, way) else {
            return false;
        };
        if section.is_null() {
            section.content = NodeContent::Map(Vec::new());
        }
        let NodeContent::Map(entries) = &mut section.content else {
            return false;
        };
        let at = section.at;
        let key = key.to_owned();
        entries.push(super::Entry {
            key,
            at,
            value: parsed,
        });
        true
    }
}

fn node_at<'n>(root: &'n mut Node, way: &[usize]) -> Option<&'n mut Node> {
    way.iter()
        .try_fold(root, |node, index| match &mut node.content {
            NodeContent::Map(entries) => entries.get_mut(*index).map(|entry| &mut entry.value),
            NodeContent::List(items) => items.get_mut(*index),
            NodeContent::Scalar(_) => None,
        })
}

/// The keys on the way, and where its end stands: a value of a key at that key, an item of a list at itself.
fn names_of(root: &Node, way: &[usize]) -> (Vec<String>, Position) {
    let mut names = Vec::new();
    let mut at = root.at;
    let mut node = root;
    for index in way {
        match &node.content {
            NodeContent::Map(entries) => {
                let Some(entry) = entries.get(*index) else {
                    break;
                };
                names.push(entry.key.clone());
                (at, node) = (entry.at, &entry.value);
            }
            NodeContent::List(items) => {
                let Some(item) = items.get(*index) else { break };
                (at, node) = (item.at, item);
            }
            NodeContent::Scalar(_) => break,
        }
    }
    (names, at)
}
