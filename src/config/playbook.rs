//! Playbooks: ordered wishes in YAML, made into typed steps before anything is sent.

use std::path::Path;

use anyhow::Result;
use include_dir::{Dir, include_dir};

use super::files::{embedded, files_below};
use super::overrides;
use super::template::{Templates, Values};
use super::yaml::{Document, Node, NodeContent};
use crate::core::error::{Code, Fault};
use crate::core::plan::Step;
use crate::core::secret::Secret;
use crate::task::Task;

mod named;
mod resolve;
mod site;
mod step;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/playbooks");

/// All that is needed to turn playbooks into steps.
pub struct Playbooks {
    texts: Vec<(String, String)>,
    templates: Templates,
    secrets: Vec<(String, Secret)>,
}

impl Playbooks {
    /// The embedded playbooks with those of the operator's folder over them.
    ///
    /// # Errors
    /// E0201 or E0202 when a file there cannot be read, or is used by nothing.
    pub fn load(folder: &Path) -> Result<Self> {
        let own = files_below(&folder.join("playbooks"), Code::E0201)?;
        let own_templates = files_below(&folder.join("templates"), Code::E0202)?;
        let mut texts = embedded(&EMBEDDED);
        let known: Vec<String> = texts.iter().map(|(name, _)| name.clone()).collect();
        for (name, text) in &own {
            texts.retain(|(known, _)| known != name);
            texts.push((name.clone(), text.clone()));
        }
        overrides::check_templates(&own_templates, &own)?;
        let playbooks = Self {
            texts,
            templates: Templates::with(own_templates)?,
            secrets: Vec::new(),
        };
        let listed = playbooks.listed()?;
        let listed: Vec<String> = listed.into_iter().map(|one| one.name).collect();
        overrides::check_playbooks(&own, &known, &listed)?;
        Ok(playbooks)
    }

    /// The embedded ones alone, with no secrets.
    pub fn own() -> Result<Self> {
        Ok(Self {
            texts: embedded(&EMBEDDED),
            templates: Templates::own()?,
            secrets: Vec::new(),
        })
    }

    /// The same with this text for a playbook.
    #[must_use]
    pub fn with_text(mut self, name: &str, text: String) -> Self {
        let file = format!("{name}.yml");
        self.texts.retain(|(known, _)| *known != file);
        self.texts.push((file, text));
        self
    }

    /// The text of a playbook.
    ///
    /// # Errors
    /// E0201 when there is none.
    pub fn text(&self, name: &str) -> Result<&str> {
        let absent = || Fault::new(Code::E0201, format!("there is no playbook `{name}`"));
        Ok(self.find(name).ok_or_else(absent)?)
    }

    /// What playbooks and templates know below `secrets`.
    pub fn take_secrets(&mut self, secrets: Vec<(String, Secret)>) {
        self.secrets = secrets;
    }

    /// Whether the playbook of this name, or a template in the folder of this name, could have a secret in it. A playbook with
    /// templates could: what those name is not looked for.
    pub fn may_name_secrets(&self, name: &str) -> bool {
        let names_some = |text: &str| text.contains("secret") || text.contains("backup_settings");
        self.find(name)
            .is_some_and(|text| names_some(text) || text.contains("template"))
            || self.templates.texts_in(name).any(names_some)
    }

    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    pub fn secrets(&self) -> &[(String, Secret)] {
        &self.secrets
    }

    /// The steps of one playbook whose `when` holds.
    ///
    /// # Errors
    /// E0201 with all faults of the file, each with its line; else E0202 with file and line.
    pub fn steps(&self, name: &str, values: &Values) -> Result<Vec<Step<Task>>> {
        let mut file = self.document(name)?;
        let part = self.part(name)?;
        let mut steps = Vec::new();
        let mut unrendered = None;
        for item in items(&file) {
            let line = item.at.line;
            match self.item(&part, &item, &mut file, values) {
                Ok(more) => steps.extend(more),
                Err(error) => {
                    let place = format!("playbooks/{name}.yml:{line}");
                    unrendered.get_or_insert(error.context(place));
                }
            }
        }
        end(file)?;
        unrendered.map_or(Ok(steps), Err)
    }

    fn document(&self, name: &str) -> Result<Document> {
        let text = self.find(name).ok_or_else(|| {
            Fault::new(Code::E0201, format!("there is no playbook `{name}`"))
                .hint(format!("there are {}", self.names().join(", ")))
        })?;
        Ok(Document::parse(text, format!("playbooks/{name}.yml")))
    }

    fn find(&self, name: &str) -> Option<&str> {
        let file = format!("{name}.yml");
        let found = self.texts.iter().find(|(known, _)| *known == file);
        found.map(|(_, text)| text.as_str())
    }

    fn names(&self) -> Vec<&str> {
        let names = self.texts.iter();
        names
            .map(|(name, _)| name.trim_end_matches(".yml"))
            .collect()
    }
}

/// What a file lists; one with nothing but comments lists nothing.
fn items(file: &Document) -> Vec<Node> {
    let root = file.root();
    match &root.content {
        NodeContent::List(items) => items.clone(),
        NodeContent::Map(entries) if entries.is_empty() => Vec::new(),
        _ if root.is_null() => Vec::new(),
        _ => vec![root.clone()],
    }
}

fn end(file: Document) -> Result<()> {
    match file.faults() {
        None => Ok(()),
        Some(faults) => Err(Fault::new(Code::E0201, faults).into()),
    }
}
