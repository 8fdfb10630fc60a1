//! One step of a playbook: a name, when it holds, whether it is guarded, and its one task; or one for each of a list.

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
    /// An expression for a list: the step is made for each `item` of it.
    each: Option<String>,
    guard: bool,
    task: &'n Entry,
}

impl Playbooks {
    /// The steps that an item of the file stands for. None when its `when` does not hold, or when it has a fault, which is
    /// noted in `file`.
    ///
    /// # Errors
    /// When an expression of it cannot be rendered.
    pub(super) fn item(
        &self,
        part: &str,
        item: &Node,
        file: &mut Document,
        values: &Values,
    ) -> Result<Vec<Step<Task>>> {
        let Some(written) = StepText::read(item, file) else {
            return Ok(Vec::new());
        };
        if !self.is_wanted(&written, values)? {
            return Ok(Vec::new());
        }
        let mut steps = Vec::new();
        for values in self.each(&written, values)? {
            steps.extend(self.step((part, item), &written, file, &values)?);
        }
        Ok(steps)
    }

    fn is_wanted(&self, written: &StepText, values: &Values) -> Result<bool> {
        let Some(expression) = &written.when else {
            return Ok(true);
        };
        let holds = self.templates.holds(expression, values);
        holds.with_context(|| format!("`when` of \"{}\"", written.name))
    }

    /// The values for each step of it.
    fn each(&self, written: &StepText, values: &Values) -> Result<Vec<Values>> {
        let Some(expression) = &written.each else {
            return Ok(vec![values.clone()]);
        };
        let list = self.templates.list(expression, values);
        let list = list.with_context(|| format!("`each` of \"{}\"", written.name))?;
        let each = list.iter().map(|item| values.clone().with("item", item));
        Ok(each.collect())
    }

    fn step(
        &self,
        (part, item): (&str, &Node),
        written: &StepText,
        file: &mut Document,
        values: &Values,
    ) -> Result<Option<Step<Task>>> {
        let name = self.templates.render_text(&written.name, values)?;
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
                "\"{name}\" cannot be guarded: what `{kind}` changes cannot be put back; `guard` is for absent, file, link, firewall, postgres_role, service and user"
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
        let each = typed::<String>(item, "each", file);
        let guard = typed::<bool>(item, "guard", file);
        if let Ok(None) = name {
            file.refuse_at(item.at, "the step has no `name`");
        }
        let own = ["name", "when", "each", "guard"];
        let tasks: Vec<&Entry> = entries
            .iter()
            .filter(|entry| !own.contains(&entry.key.as_str()))
            .collect();
        let name = name.ok().flatten();
        let task = only_task(name.as_deref(), item, &tasks, file)?;
        Some(Self {
            name: name?,
            when: when.ok()?,
            each: each.ok()?,
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
