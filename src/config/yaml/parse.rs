//! From text to the tree.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::found::ConfigFault;
use super::node::{Entry, Node, NodeContent, Position, Scalar};

/// How deep lists and mappings may stand in each other.
const DEEPEST: usize = 64;
/// The bytes and values that a file may come to once its aliases are put in: four times what the largest file has without.
const MOST: usize = 1 << 20;

/// What a text is, and the keys that stand twice in it; nothing where there is nothing but comments.
pub struct Parsed {
    pub root: Option<Node>,
    pub twice: Vec<ConfigFault>,
}

/// # Errors
/// The place at which it is no YAML that this can take.
pub fn parse(text: &str) -> Result<Parsed, ConfigFault> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        text,
        anchors: HashMap::new(),
        size: 0,
        trail: Vec::new(),
        twice: Vec::new(),
    };
    let root = reader.document()?;
    Ok(Parsed {
        root,
        twice: reader.twice,
    })
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    text: &'t str,
    anchors: HashMap<usize, Node>,
    size: usize,
    /// The keys that lead to what is read.
    trail: Vec<String>,
    twice: Vec<ConfigFault>,
}

type Mark<'t> = (Event<'t>, Position);

impl<'t> Reader<'t> {
    fn document(&mut self) -> Result<Option<Node>, ConfigFault> {
        let mut root = None;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(self.refuse(at, "a second document begins here; a file holds one"));
                }
                Event::DocumentStart(_) => {
                    let first = self.next()?;
                    root = Some(self.node(first, 0)?);
                }
                _ => return Err(self.refuse(at, "this cannot be read as YAML")),
            }
        }
    }

    fn next(&mut self) -> Result<Mark<'t>, ConfigFault> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, place(&span))),
            Some(Err(error)) => Err(self.no_yaml(&error)),
            None => Ok((Event::StreamEnd, Position::default())),
        }
    }

    fn node(&mut self, (event, at): Mark<'t>, depth: usize) -> Result<Node, ConfigFault> {
        let (content, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, at, depth),
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                let is_plain = self.understood(tag.as_deref(), at)?.unwrap_or(is_plain);
                let text = text.into_owned();
                (NodeContent::Scalar(Scalar { text, is_plain }), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.understood(tag.as_deref(), at)?;
                (self.list(at, depth + 1)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.understood(tag.as_deref(), at)?;
                (self.map(at, depth + 1)?, anchor)
            }
            _ => return Err(self.refuse(at, "this cannot be read as YAML")),
        };
        let node = Node::new(at, content);
        if let NodeContent::Scalar(scalar) = &node.content {
            self.grow(1 + scalar.text.len(), at)?;
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, at: Position, depth: usize) -> Result<NodeContent, ConfigFault> {
        self.enter(at, depth)?;
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(NodeContent::List(items)),
                first => items.push(self.node(first, depth)?),
            }
        }
    }

    fn map(&mut self, at: Position, depth: usize) -> Result<NodeContent, ConfigFault> {
        self.enter(at, depth)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines = HashMap::new();
        loop {
            let (event, at) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(NodeContent::Map(entries)),
                first => first,
            };
            let Event::Scalar(key, ..) = event else {
                return Err(self.refuse(at, "a key must be a single word"));
            };
            self.trail.push(key.into_owned());
            let first = self.next()?;
            let value = self.node(first, depth)?;
            let key = self.trail.last().cloned().unwrap_or_default();
            if let Some(line) = lines.get(&key) {
                let why = format!("is already set in line {line}; remove one of them");
                self.twice.push(ConfigFault::new(at, &self.trail, why));
            } else {
                lines.insert(key.clone(), at.line);
                entries.push(Entry { key, at, value });
            }
            self.trail.pop();
        }
    }

    /// An alias is what its anchor is, with the places that it has there.
    fn alias(&mut self, anchor: usize, at: Position, depth: usize) -> Result<Node, ConfigFault> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(self.refuse(at, "an alias stands within its own anchor"));
        };
        let (size, height) = (size(node), height(node));
        if depth + height > DEEPEST {
            return Err(self.too_deep(at));
        }
        let node = node.clone();
        self.grow(size, at)?;
        Ok(node)
    }

    fn enter(&mut self, at: Position, depth: usize) -> Result<(), ConfigFault> {
        if depth > DEEPEST {
            return Err(self.too_deep(at));
        }
        self.grow(1, at)
    }

    fn too_deep(&self, at: Position) -> ConfigFault {
        self.refuse(at, format!("this is nested more than {DEEPEST} deep"))
    }

    fn grow(&mut self, by: usize, at: Position) -> Result<(), ConfigFault> {
        self.size += by;
        if self.size > MOST {
            return Err(self.refuse(at, "with its aliases put in, the file is too large"));
        }
        Ok(())
    }

    /// Whether a tag makes a scalar plain or not; none without a tag.
    fn understood(&self, tag: Option<&Tag>, at: Position) -> Result<Option<bool>, ConfigFault> {
        match tag {
            None => Ok(None),
            Some(tag) if tag.is_yaml_core_schema() => Ok(Some(tag.suffix != "str")),
            Some(tag) => Err(self.refuse(at, format!("the tag `{tag}` has no meaning here"))),
        }
    }

    fn refuse(&self, at: Position, why: impl Into<String>) -> ConfigFault {
        ConfigFault::new(at, &self.trail, why.into())
    }

    /// Two slips are told in plain words; of the rest the parser's own words say enough.
    fn no_yaml(&self, error: &ScanError) -> ConfigFault {
        let mark = error.marker();
        let at = Position {
            line: mark.line(),
            column: mark.col(),
            ..Position::default()
        };
        if let Some(line) = self.tab_from(at.line) {
            let at = Position {
                line,
                ..Position::default()
            };
            return ConfigFault::new(at, &[], "a tab cannot indent YAML; use spaces".to_owned());
        }
        let why = match self.text.chars().nth(mark.index()) {
            Some(first @ ('@' | '`' | '%')) => {
                format!("a value that begins with `{first}` must stand in quotes")
            }
            _ => format!("this cannot be read as YAML: {}", error.info()),
        };
        ConfigFault::new(at, &[], why)
    }

    /// The line that a tab indents, of this one and the next: the mark stands where the word before the tab begins.
    fn tab_from(&self, line: usize) -> Option<usize> {
        let lines = self.text.lines().enumerate().skip(line.saturating_sub(1));
        let mut indents = lines.take(2).map(|(index, line)| {
            let indent = line.len() - line.trim_start().len();
            (index + 1, &line[..indent])
        });
        indents
            .find(|(_, indent)| indent.contains('\t'))
            .map(|(line, _)| line)
    }
}

fn place(span: &Span) -> Position {
    Position {
        line: span.start.line(),
        column: span.start.col(),
        ..Position::default()
    }
}

fn size(node: &Node) -> usize {
    match &node.content {
        NodeContent::Scalar(scalar) => 1 + scalar.text.len(),
        NodeContent::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        NodeContent::Map(entries) => {
            let sizes = entries
                .iter()
                .map(|entry| entry.key.len() + size(&entry.value));
            1 + sizes.sum::<usize>()
        }
    }
}

fn height(node: &Node) -> usize {
    match &node.content {
        NodeContent::Scalar(_) => 0,
        NodeContent::List(items) => 1 + items.iter().map(height).max().unwrap_or(0),
        NodeContent::Map(entries) => {
            let heights = entries.iter().map(|entry| height(&entry.value));
            1 + heights.max().unwrap_or(0)
        }
    }
}
