//! The arguments of a step: strings are rendered, templates and secrets stand in the place of their names.

use anyhow::Result;

use super::Playbooks;
use crate::config::template::Values;
use crate::config::yaml::{Entry, Node, NodeContent, Position};
use crate::core::error::{Code, Fault};
use crate::core::secret::Secret;

impl Playbooks {
    /// The same with all of it put in; every part keeps its place.
    pub(super) fn resolve(&self, node: &Node, values: &Values) -> Result<Node> {
        let content = match &node.content {
            NodeContent::Scalar(scalar) if scalar.is_text() => {
                return self.scalar(node.at, &scalar.text, values);
            }
            NodeContent::Scalar(_) => return Ok(node.clone()),
            NodeContent::List(items) => {
                let items = items.iter().map(|item| self.resolve(item, values));
                NodeContent::List(items.collect::<Result<_>>()?)
            }
            NodeContent::Map(entries) => {
                if let Some(name) = secret_named(entries) {
                    let secret = serde_json::to_value(self.secret(name)?)?;
                    return Ok(Node::of_json(node.at, secret));
                }
                let entries = entries.iter().map(|entry| self.entry(entry, values));
                NodeContent::Map(entries.collect::<Result<_>>()?)
            }
        };
        Ok(Node::new(node.at, content))
    }

    fn entry(&self, entry: &Entry, values: &Values) -> Result<Entry> {
        let mut entry = entry.clone();
        // `template` is how a playbook says `content`; databases have a template of their own, which names no file.
        let template = entry.value.as_text().filter(|name| name.contains('/'));
        if let Some(template) = template.filter(|_| entry.key == "template") {
            let template = self.templates.render_text(template, values)?;
            let content = serde_json::to_value(self.templates.render(&template, values)?)?;
            entry.value = Node::of_json(entry.value.at, content);
            "content".clone_into(&mut entry.key);
            return Ok(entry);
        }
        entry.value = self.resolve(&entry.value, values)?;
        Ok(entry)
    }

    fn secret(&self, name: &str) -> Result<&Secret> {
        let found = self.secrets.iter().find(|(known, _)| known == name);
        found.map(|(_, secret)| secret).ok_or_else(|| {
            Fault::new(Code::E0201, format!("there is no secret `{name}`"))
                .hint("name it under `secrets:` in citrino.yml")
                .into()
        })
    }

    /// A string of one expression keeps the type of its value: `"{{ app.port }}"` is a number.
    fn scalar(&self, at: Position, text: &str, values: &Values) -> Result<Node> {
        if !text.contains("{{") && !text.contains("{%") {
            return Ok(Node::text(at, text));
        }
        let rendered = self.templates.render_text(text, values)?;
        let is_whole =
            text.starts_with("{{") && text.ends_with("}}") && text.matches("{{").count() == 1;
        let value = serde_json::from_str::<serde_json::Value>(&rendered).ok();
        let value = value.filter(|value| value.is_number() || value.is_boolean());
        Ok(match value.filter(|_| is_whole) {
            Some(value) => Node::of_json(at, value),
            None => Node::text(at, rendered),
        })
    }
}

/// The secret that a mapping of one key names.
fn secret_named(entries: &[Entry]) -> Option<&str> {
    match entries {
        [entry] if entry.key == "secret" => entry.value.as_text(),
        _ => None,
    }
}
