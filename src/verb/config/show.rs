//! `config show`: every value that the stack has, and where it comes from.

use anyhow::Result;
use serde_json::{Value, json};

use crate::config::stack::Stack;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::exit;
use crate::core::report::{ListTable, TableHead, TableRow};
use crate::core::secret::DOTS;
use crate::verb::job::Job;

/// What is not written has its default.
const DEFAULT: &str = "default";

pub fn run(job: &mut Job<'_>) -> Result<u8> {
    const HEADS: &[TableHead] = &[
        TableHead::Left("KEY"),
        TableHead::Prose("VALUE"),
        TableHead::Left("FROM"),
    ];
    let mut table = ListTable::new(HEADS);
    for (key, value) in values(&job.stack)? {
        let from = origin(&job.stack, &key);
        let datum = json!({ "key": key, "value": value, "from": from });
        table.push(TableRow {
            datum: Datum::new(DatumKind::ConfigValue, datum),
            cells: vec![key, shown(&value), from],
            remark: String::new(),
        });
    }
    job.report.table(&table);
    Ok(exit::OK)
}

/// Where the key stands, or the nearest section above it that is written.
fn origin(stack: &Stack, key: &str) -> String {
    stack
        .origins
        .get(key)
        .cloned()
        .unwrap_or_else(|| DEFAULT.to_owned())
}

/// Each key that has a value, sections without keys left out.
fn values(stack: &Stack) -> Result<Vec<(String, Value)>> {
    let mut found = Vec::new();
    below("", serde_json::to_value(stack)?, &mut found);
    Ok(found)
}

fn below(above: &str, value: Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Null => {}
        // Names of the app's own variables are no keys.
        Value::Object(map) if above != "app.env" && is_source(&map) => {
            found.push((above.to_owned(), redacted(map)));
        }
        Value::Object(map) => {
            for (key, value) in map {
                let path = [above, &key].join(".");
                below(path.trim_start_matches('.'), value, found);
            }
        }
        value => found.push((above.to_owned(), value)),
    }
}

/// A source of a secret is told in one line.
fn is_source(map: &serde_json::Map<String, Value>) -> bool {
    map.len() == 1
        && ["env", "file", "command", "age"]
            .iter()
            .any(|key| map.contains_key(*key))
}

/// A command line may hold what opens the secret.
fn redacted(mut map: serde_json::Map<String, Value>) -> Value {
    if let Some(line) = map.get_mut("command") {
        *line = DOTS.into();
    }
    Value::Object(map)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(map) => {
            let pairs = map
                .iter()
                .map(|(key, value)| format!("{key}: {}", shown(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
