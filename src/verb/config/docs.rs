//! `config docs`: the reference of citrino.yml and of the task kinds, in the terminal and as a page.

use anyhow::Result;
use serde_json::json;

use crate::config::reference::{self, KeyPage};
use crate::config::yaml::nearest;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::{Code, Fault};
use crate::core::report::{ListTable, Report, TableHead, TableRow};
use crate::core::wrap;
use crate::task::reference::{TaskPage, kinds};

/// How a task kind is asked for: some have the name of a section.
const TASK: &str = "task.";

/// All keys, a line each.
pub fn all(report: &mut Report) {
    list(report, &reference::keys());
}

/// A key, a section with its keys, or a task kind.
///
/// # Errors
/// E0002 when there is none of that name.
pub fn one(report: &mut Report, wished: &str) -> Result<()> {
    if let Some(kind) = wished.strip_prefix(TASK) {
        return task(report, kind);
    }
    let pages = reference::keys();
    let Some(page) = pages.iter().find(|page| page.key == wished) else {
        return Err(unknown(wished, &pages));
    };
    report.datum(key_datum(page), &key_text(page, report.width()));
    let begin = format!("{wished}.");
    let below = pages.iter().filter(|page| page.key.starts_with(&begin));
    let below: Vec<KeyPage> = below.cloned().collect();
    if !below.is_empty() {
        list(report, &below);
    }
    Ok(())
}

/// The page of the documentation.
pub fn markdown(report: &mut Report) {
    let pages = reference::keys();
    let mut text = String::from(INTRODUCTION);
    for page in &pages {
        text.push_str(&section(page));
    }
    let datum = Datum::new(DatumKind::ConfigReference, json!({ "markdown": text }));
    report.datum(datum, &text);
}

const INTRODUCTION: &str = "\
# Keys of citrino.yml

Made by `citrino-ops config docs --markdown` from the types that read the file. `citrino-ops config docs KEY` shows one of them,
`citrino-ops config show` what your file says, and `citrino-ops config schema` the JSON Schema. An editor with a YAML language
server checks the file while you type, when its first line is

```yaml
# yaml-language-server: $schema=citrino.schema.json
```

and `citrino-ops config schema >citrino.schema.json` was run once. All keys are there since version 0.1.0. The task kinds of
playbooks are in [tasks.md](tasks.md); `citrino-ops config docs task.KIND` shows one of them.
";

fn section(page: &KeyPage) -> String {
    let level = if page.key.contains('.') { "###" } else { "##" };
    let row = |(title, words): (&str, String)| format!("- **{title}**: {words}\n");
    let rows: Vec<String> = rows(page).into_iter().map(row).collect();
    let rows = rows.concat();
    format!("\n{level} `{}`\n\n{}\n\n{rows}", page.key, page.meaning)
}

/// What there is to say of a key beside its meaning.
fn rows(page: &KeyPage) -> Vec<(&'static str, String)> {
    let mut rows = vec![("takes", page.takes.clone())];
    if page.is_required {
        rows.push(("default", "none: it must be given".to_owned()));
    } else if let Some(default) = &page.default {
        rows.push(("default", format!("`{default}`")));
    }
    if !page.applied_by.is_empty() {
        let words: Vec<&str> = page.applied_by.iter().map(|by| by.words()).collect();
        rows.push(("a change needs", words.join("; ")));
    }
    rows
}

fn key_text(page: &KeyPage, width: usize) -> String {
    let mut lines = vec![page.key.clone()];
    lines.extend(indented("  ", "  ", &page.meaning, width));
    lines.push(String::new());
    for (title, words) in rows(page) {
        lines.extend(indented(
            &format!("  {title:<15} "),
            &" ".repeat(18),
            &words,
            width,
        ));
    }
    lines.join("\n")
}

fn indented(first: &str, more: &str, text: &str, width: usize) -> Vec<String> {
    let lines = textwrap::wrap(text, wrap::options(width, first, more));
    lines
        .into_iter()
        .map(std::borrow::Cow::into_owned)
        .collect()
}

fn list(report: &mut Report, pages: &[KeyPage]) {
    const HEADS: &[TableHead] = &[TableHead::Left("KEY"), TableHead::Left("DEFAULT")];
    let mut table = ListTable::new(HEADS);
    for page in pages {
        let default = match &page.default {
            _ if page.is_required => "(required)".to_owned(),
            default => default.clone().unwrap_or_default(),
        };
        table.push(TableRow {
            datum: key_datum(page),
            cells: vec![page.key.clone(), default],
            remark: page.meaning.split_inclusive(". ").take(1).collect(),
        });
    }
    report.table(&table);
}

fn key_datum(page: &KeyPage) -> Datum {
    Datum::new(DatumKind::ConfigKey, json!(page))
}

fn task(report: &mut Report, wished: &str) -> Result<()> {
    let kinds = kinds();
    let Some(page) = kinds.iter().find(|page| page.kind == wished) else {
        let near = nearest(wished, kinds.iter().map(|page| page.kind.as_str()));
        return Err(absent(&format!("{TASK}{wished}"), near, "task kind", TASK));
    };
    let datum = Datum::new(DatumKind::TaskKind, json!(page));
    report.datum(datum, &task_text(page, report.width()));
    Ok(())
}

fn task_text(page: &TaskPage, width: usize) -> String {
    let mut lines = vec![format!("{TASK}{}", page.kind)];
    let meaning = format!("makes sure that {}", page.makes_sure);
    lines.extend(indented("  ", "  ", &meaning, width));
    if !page.keys.is_empty() {
        lines.push(String::new());
        lines.extend(indented("  keys  ", "        ", &page.keys, width));
    }
    lines.join("\n")
}

fn unknown(wished: &str, pages: &[KeyPage]) -> anyhow::Error {
    let near = nearest(wished, pages.iter().map(|page| page.key.as_str()));
    absent(wished, near, "key", "")
}

fn absent(wished: &str, near: Option<&str>, what: &str, begin: &str) -> anyhow::Error {
    let shown: String = wished.escape_debug().collect();
    let fault = Fault::new(Code::E0002, format!("there is no {what} `{shown}`"));
    let hint = match near {
        Some(near) => format!("did you mean `{begin}{near}`?"),
        None => {
            "`citrino-ops config docs` lists all keys; docs/tasks.md has the task kinds".to_owned()
        }
    };
    fault.hint(hint).into()
}
