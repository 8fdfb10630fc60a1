//! The values that a playbook names: what another side needs to make its steps.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Map, Value};

use super::Playbooks;
use crate::config::template::Values;

impl Playbooks {
    /// Those of the values that a playbook names, each below the same names. Secrets have dots in their place.
    ///
    /// # Errors
    /// E0201 when there is no such playbook.
    pub fn named_values(&self, playbook: &str, values: &Values) -> Result<Map<String, Value>> {
        let mut found = Map::new();
        for path in paths(self.text(playbook)?) {
            // What is no value is a word of the language, or of another side.
            let text = format!("{{% if {path} is defined %}}{{{{ {path} | json }}}}{{% endif %}}");
            let text = self.templates.render_text(&text, values);
            let value = text.ok().and_then(|text| serde_json::from_str(&text).ok());
            if let Some(value) = value {
                put(&mut found, &path, value);
            }
        }
        Ok(found)
    }
}

/// All that could be the name of a value: words with points in expressions. Those that others begin with come first.
fn paths(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let expressions = lines.flat_map(expressions);
    // Every other piece between quotes is a text.
    let pieces = expressions.flat_map(|expression| expression.split('\'').step_by(2));
    let words = pieces.flat_map(|piece| piece.split(move |c| !is_part(c)));
    let words = words.map(|word| word.trim_matches('.'));
    let is_name = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    words.filter(is_name).map(str::to_owned).collect()
}

/// The expressions of a line: whole values of two keys, and what stands in double braces.
fn expressions(line: &str) -> Vec<&str> {
    let trimmed = line.trim_start();
    let keys = ["when:", "each:"];
    if let Some(value) = keys.iter().find_map(|key| trimmed.strip_prefix(key)) {
        return vec![value];
    }
    let marked = ["{{", "{%"].into_iter();
    let marked = marked.flat_map(|mark| line.split(mark).skip(1));
    let end = |rest: &str| rest.find("}}").or(rest.find("%}")).unwrap_or(rest.len());
    marked.map(|rest| &rest[..end(rest)]).collect()
}

/// What is there as a whole already stays so.
fn put(into: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            into.insert(path.to_owned(), value);
        }
        Some((name, rest)) => {
            let below = into
                .entry(name)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(below) = below {
                put(below, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_playbook_gets_what_it_names_and_no_more() {
        let text = "# {{ no.comment }}\n- name: \"{{ item.name }}\"\n  each: profile.requests\n  when: app.port > 1 and not app.gone\n  probe: { ask: \"http://127.0.0.1:{{ app.port }}{{ profile['routes'] }}\" }\n- name: app.pool\n";
        let playbooks = Playbooks::own()
            .unwrap()
            .with_text("health", text.to_owned());
        let values = Values::new(&[])
            .with("app", &json!({ "port": 5001, "pool": 10 }))
            .with(
                "profile",
                &json!({ "requests": [1], "routes": "/live", "other": 1 }),
            )
            .with("domain", "example.com");
        let named = playbooks.named_values("health", &values).unwrap();
        // A name in brackets is not looked into: then all is taken.
        assert_eq!(
            Value::Object(named),
            json!({ "app": { "port": 5001 }, "profile": { "requests": [1], "routes": "/live", "other": 1 } })
        );
    }
}
