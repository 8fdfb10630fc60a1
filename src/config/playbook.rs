//! Playbooks: ordered wishes in YAML, made into typed steps before anything is sent.

use std::path::Path;

use anyhow::{Context, Result};
use include_dir::{Dir, include_dir};
use serde_yaml::{Mapping, Value};

use crate::config::stack::nearest_key;
use crate::config::template::{Templates, Values, embedded, files_below};
use crate::core::error::{Code, Fault};
use crate::core::plan::Step;
use crate::core::secret::Secret;
use crate::task::{KINDS, Task};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/playbooks");

/// The playbook that lists the others in the order of a converge.
const SITE: &str = "site";

/// All that is needed to turn playbooks into steps.
pub struct Playbooks {
    texts: Vec<(String, String)>,
    templates: Templates,
    secrets: Vec<(String, Secret)>,
}

impl Playbooks {
    /// The embedded playbooks with those of the operator's folder over them.
    pub fn load(folder: &Path, secrets: Vec<(String, Secret)>) -> Result<Self> {
        let mut texts = embedded(&EMBEDDED);
        for (name, text) in files_below(&folder.join("playbooks"))? {
            texts.retain(|(known, _)| *known != name);
            texts.push((name, text));
        }
        Ok(Self {
            texts,
            templates: Templates::load(folder)?,
            secrets,
        })
    }

    /// The embedded ones alone, with no secrets.
    pub fn own() -> Result<Self> {
        Ok(Self {
            texts: embedded(&EMBEDDED),
            templates: Templates::own()?,
            secrets: Vec::new(),
        })
    }

    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    pub fn secrets(&self) -> &[(String, Secret)] {
        &self.secrets
    }

    /// The steps of every playbook that `site.yml` lists.
    pub fn site(&self, values: &Values) -> Result<Vec<Step<Task>>> {
        let names: Vec<String> = serde_yaml::from_str(self.text(SITE)?).map_err(|error| {
            fault(
                SITE,
                error.location().map_or(1, |at| at.line()),
                &error.to_string(),
            )
        })?;
        let mut steps = Vec::new();
        for name in names {
            steps.extend(self.steps(&name, values)?);
        }
        Ok(steps)
    }

    /// The steps of one playbook whose `when` holds.
    ///
    /// # Errors
    /// E0201 or E0202 with file and line.
    pub fn steps(&self, name: &str, values: &Values) -> Result<Vec<Step<Task>>> {
        let text = self.text(name)?;
        let items: Vec<Mapping> = serde_yaml::from_str(text).map_err(|error| {
            fault(
                name,
                error.location().map_or(1, |at| at.line()),
                &error.to_string(),
            )
        })?;
        let lines = item_lines(text);
        let mut steps = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let line = lines.get(index).copied().unwrap_or(1);
            let step = self
                .step(name, item, values)
                .map_err(|error| place(name, line, error))?;
            steps.extend(step);
        }
        Ok(steps)
    }

    fn text(&self, name: &str) -> Result<&str> {
        let file = format!("{name}.yml");
        let found = self.texts.iter().find(|(known, _)| *known == file);
        found.map(|(_, text)| text.as_str()).ok_or_else(|| {
            let names: Vec<&str> = self
                .texts
                .iter()
                .map(|(name, _)| name.trim_end_matches(".yml"))
                .collect();
            Fault::new(Code::E0201, format!("there is no playbook `{name}`"))
                .hint(format!("there are {}", names.join(", ")))
                .into()
        })
    }

    fn step(&self, part: &str, mut item: Mapping, values: &Values) -> Result<Option<Step<Task>>> {
        let name = take_text(&mut item, "name")?.ok_or_else(|| {
            Fault::new(
                Code::E0201,
                "the step has no `name`: say the wish as a sentence",
            )
        })?;
        let when = take_text(&mut item, "when")?;
        let guard = take_flag(&mut item, "guard")?;
        let (kind, args) = the_only_task(&name, item)?;
        if let Some(expression) = when
            && !self
                .templates
                .holds(&expression, values)
                .with_context(|| format!("`when` of \"{name}\""))?
        {
            return Ok(None);
        }
        let name = self.templates.render_text(&name, values)?;
        let args = self
            .resolve(args, values)
            .with_context(|| format!("in \"{name}\""))?;
        let task = to_task(&kind, args).map_err(|error| {
            let message = error.to_string();
            let fault = Fault::new(Code::E0201, format!("`{kind}` of \"{name}\": {message}"));
            match nearest_key(&message) {
                Some(key) => fault.hint(format!("did you mean `{key}`?")),
                None => fault,
            }
        })?;
        if guard && !task.can_be_guarded() {
            let message =
                format!("\"{name}\" cannot be guarded: what `{kind}` changes cannot be put back");
            return Err(Fault::new(Code::E0201, message)
                .hint("take `guard` away; it is for file, link, firewall and service")
                .into());
        }
        Ok(Some(Step {
            guard,
            ..Step::new(part, name, task)
        }))
    }

    /// Renders every string, puts templates and secrets in the place of their names.
    fn resolve(&self, value: Value, values: &Values) -> Result<serde_json::Value> {
        use serde_json::Value as Json;
        Ok(match value {
            Value::String(text) => self.scalar(&text, values)?,
            Value::Sequence(items) => Json::Array(
                items
                    .into_iter()
                    .map(|item| self.resolve(item, values))
                    .collect::<Result<_>>()?,
            ),
            Value::Mapping(map) => self.mapping(map, values)?,
            other => serde_json::to_value(other)?,
        })
    }

    fn mapping(&self, map: Mapping, values: &Values) -> Result<serde_json::Value> {
        if let Some(name) = map.get("secret").and_then(Value::as_str)
            && map.len() == 1
        {
            return Ok(serde_json::to_value(self.secret(name)?)?);
        }
        let mut out = serde_json::Map::new();
        for (key, value) in map {
            let key = key.as_str().map_or_else(
                || {
                    serde_yaml::to_string(&key)
                        .unwrap_or_default()
                        .trim()
                        .to_owned()
                },
                str::to_owned,
            );
            if let (Some(template), "template") = (value.as_str(), key.as_str()) {
                // `template` is how a playbook says `content`; databases have a template of their
                // own, which names no file.
                if template.contains('/') {
                    let template = self.templates.render_text(template, values)?;
                    out.insert(
                        "content".to_owned(),
                        serde_json::to_value(self.templates.render(&template, values)?)?,
                    );
                    continue;
                }
            }
            out.insert(key, self.resolve(value, values)?);
        }
        Ok(serde_json::Value::Object(out))
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
    fn scalar(&self, text: &str, values: &Values) -> Result<serde_json::Value> {
        if !text.contains("{{") && !text.contains("{%") {
            return Ok(text.into());
        }
        let rendered = self.templates.render_text(text, values)?;
        let whole =
            text.starts_with("{{") && text.ends_with("}}") && text.matches("{{").count() == 1;
        if whole
            && let Ok(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) =
                serde_json::from_str(&rendered)
        {
            return Ok(value);
        }
        Ok(rendered.into())
    }
}

fn to_task(kind: &str, args: serde_json::Value) -> serde_json::Result<Task> {
    let mut map = serde_json::Map::new();
    map.insert(kind.to_owned(), args);
    serde_json::from_value(serde_json::Value::Object(map))
}

fn take_text(item: &mut Mapping, key: &str) -> Result<Option<String>> {
    match item.shift_remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
        Some(_) => Err(Fault::new(Code::E0201, format!("`{key}` is no text")).into()),
    }
}

fn take_flag(item: &mut Mapping, key: &str) -> Result<bool> {
    match item.shift_remove(key) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(_) => {
            Err(Fault::new(Code::E0201, format!("`{key}` is neither true nor false")).into())
        }
    }
}

/// A step is a wish about one thing.
fn the_only_task(name: &str, item: Mapping) -> Result<(String, Value)> {
    let mut tasks: Vec<(String, Value)> = item
        .into_iter()
        .map(|(key, value)| (key.as_str().unwrap_or("?").to_owned(), value))
        .collect();
    let kinds: Vec<String> = tasks.iter().map(|(kind, _)| format!("`{kind}`")).collect();
    if tasks.len() > 1 {
        return Err(Fault::new(
            Code::E0201,
            format!(
                "\"{name}\" has {} tasks ({}); a step has one",
                tasks.len(),
                kinds.join(", ")
            ),
        )
        .hint("make a step of each")
        .into());
    }
    let Some((kind, args)) = tasks.pop() else {
        return Err(Fault::new(Code::E0201, format!("\"{name}\" has no task"))
            .hint(format!("give it one of {}", KINDS.join(", ")))
            .into());
    };
    if !KINDS.contains(&kind.as_str()) {
        let nearest = KINDS.iter().max_by(|a, b| {
            strsim::jaro_winkler(a, &kind).total_cmp(&strsim::jaro_winkler(b, &kind))
        });
        return Err(Fault::new(
            Code::E0201,
            format!("\"{name}\": there is no task kind `{kind}`"),
        )
        .hint(format!(
            "did you mean `{}`? There are {}",
            nearest.unwrap_or(&""),
            KINDS.join(", ")
        ))
        .into());
    }
    Ok((kind, args))
}

/// The line of each item of a list that starts at the left edge.
fn item_lines(text: &str) -> Vec<usize> {
    let starts = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with("- ") || *line == "-");
    starts.map(|(index, _)| index + 1).collect()
}

fn fault(playbook: &str, line: usize, message: &str) -> Fault {
    let message = message.split(" at line ").next().unwrap_or(message);
    Fault::new(
        Code::E0201,
        format!("playbooks/{playbook}.yml:{line}: {message}"),
    )
}

/// Puts file and line before what went wrong in a step, and keeps its code and hint.
fn place(playbook: &str, line: usize, error: anyhow::Error) -> anyhow::Error {
    error.context(format!("playbooks/{playbook}.yml:{line}"))
}
