//! One step of a playbook: a name, when it holds, whether it is guarded, and its one task.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;

use super::Playbooks;
use crate::config::template::Values;
use crate::config::yaml::{Document, Entry, Node, NodeContent, nearest};
use crate::core::plan::Step;
use crate::task::{KINDS, Task};

/// A step as it is written.
struct StepText<'n> {
    name: String,
    when: Option<String>,
    guard: bool,
    task: &'n Entry,
}

impl Playbooks {
    /// Nothing when its `when` does not hold, or when it has a fault, which is noted in `file`.
    ///
    /// # Errors
    /// When an expression of it cannot be rendered.
    pub(super) fn step(
        &self,
        part: &str,
        item: &Node,
        file: &mut Document,
        values: &Values,
    ) -> Result<Option<Step<Task>>> {
        let Some(written) = StepText::read(item, file) else {
            return Ok(None);
        };
        let name = written.name;
        if let Some(expression) = written.when
            && !self
                .templates
                .holds(&expression, values)
                .with_context(|| format!("`when` of \"{name}\""))?
        {
            return Ok(None);
        }
        let name = self.templates.render_text(&name, values)?;
        let task = written.task;
        let args = self
            .resolve(&task.value, values)
            .with_context(|| format!("in \"{name}\""))?;
        let kind = &task.key;
        let Some(task) = file.part::<Task>(Node::map_of(task.at, kind, args)) else {
            return Ok(None);
        };
        if written.guard && !task.can_be_guarded() {
            let why = format!(
                "\"{name}\" cannot be guarded: what `{kind}` changes cannot be put back; `guard` is for file, link, firewall and service"
            );
            file.refuse_at(item.at, why);
            return Ok(None);
        }
        Ok(Some(Step {
            guard: written.guard,
            ..Step::new(part, name, task)
        }))
    }
}

impl<'n> StepText<'n> {
    fn read(item: &'n Node, file: &mut Document) -> Option<Self> {
        let NodeContent::Map(entries) = &item.content else {
            file.refuse_at(item.at, "a step must be a section of keys and values");
            return None;
        };
        let name = typed::<String>(item, "name", file);
        let when = typed::<String>(item, "when", file);
        let guard = typed::<bool>(item, "guard", file);
        if let Ok(None) = name {
            file.refuse_at(item.at, "the step has no `name`");
        }
        let own = ["name", "when", "guard"];
        let tasks: Vec<&Entry> = entries
            .iter()
            .filter(|entry| !own.contains(&entry.key.as_str()))
            .collect();
        let name = name.ok().flatten();
        let task = only_task(name.as_deref(), item, &tasks, file)?;
        Some(Self {
            name: name?,
            when: when.ok()?,
            guard: guard.ok()?.unwrap_or(false),
            task,
        })
    }
}

/// A fault that the file knows of already.
struct Noted;

/// The value of a key of the step itself.
fn typed<T: DeserializeOwned>(
    item: &Node,
    key: &str,
    file: &mut Document,
) -> Result<Option<T>, Noted> {
    let Some(entry) = item.get(key) else {
        return Ok(None);
    };
    let whole = Node::map_of(entry.at, key, entry.value.clone());
    let map: Option<BTreeMap<String, T>> = file.part(whole);
    match map.and_then(|mut map| map.remove(key)) {
        Some(value) => Ok(Some(value)),
        None => Err(Noted),
    }
}

/// A step is about one thing.
fn only_task<'n>(
    name: Option<&str>,
    item: &Node,
    tasks: &[&'n Entry],
    file: &mut Document,
) -> Option<&'n Entry> {
    let name = name.map_or("the step".to_owned(), |name| format!("\"{name}\""));
    let (at, why) = match tasks {
        [task] if KINDS.contains(&task.key.as_str()) => return Some(task),
        [task] => (task.at, unknown_kind(&name, &task.key)),
        [] => {
            let kinds = KINDS.join(", ");
            (
                item.at,
                format!("{name} has no task: give it one of {kinds}"),
            )
        }
        many => {
            let kinds: Vec<String> = many.iter().map(|task| format!("`{}`", task.key)).collect();
            let (count, kinds) = (many.len(), kinds.join(", "));
            let why = format!("{name} has {count} tasks ({kinds}); a step has one");
            (item.at, why)
        }
    };
    file.refuse_at(at, why);
    None
}

fn unknown_kind(name: &str, kind: &str) -> String {
    let meant = match nearest(kind, KINDS.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", KINDS.join(", ")),
    };
    format!("{name}: there is no task kind `{kind}`; {meant}")
}
