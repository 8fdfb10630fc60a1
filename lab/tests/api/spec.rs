//! Hetzner's `OpenAPI` document: where it is found, and what has to be repaired of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// The crate that carries Hetzner's own document.
const CARRIER: &str = "hetzner@1.0.0";

/// The document as Hetzner means it, when there is one on this machine or in the package registry.
pub fn find() -> Option<Value> {
    let Some(path) = place() else {
        crate::need::skipped(&format!(
            "no call is compared with Hetzner's OpenAPI document; none is named by CITRINO_OPENAPI, \
             lies beside the repository, or comes with {CARRIER}"
        ));
        return None;
    };
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut root = serde_json::from_slice(&text).expect("the OpenAPI document is JSON");
    repair(&mut root);
    Some(root)
}

fn place() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/hetzner-openapi.json");
    let named = std::env::var_os("CITRINO_OPENAPI").map(PathBuf::from);
    named
        .or_else(|| beside.is_file().then_some(beside))
        .or_else(carried)
}

/// Cargo fetches the crate to describe it; nothing of it is built.
fn carried() -> Option<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")))?;
    let found = || {
        let registries = std::fs::read_dir(home.join("registry/src")).ok()?;
        let file = Path::new("hetzner-1.0.0/hetzner-cloud-openapi.json");
        let mut files = registries
            .flatten()
            .map(|registry| registry.path().join(file));
        files.find(|path| path.is_file())
    };
    found().or_else(|| {
        Command::new(cargo)
            .args(["info", "--quiet", CARRIER])
            .output()
            .ok()?;
        found()
    })
}

/// The document with those operations only that the lab serves.
pub fn served(mut whole: Value, routes: &Value) -> Value {
    let has = |method: &str, template: &str| {
        let mut routes = routes.as_array().into_iter().flatten();
        routes.any(|route| {
            let path = route["path"].as_str().unwrap_or_default();
            route["method"]
                .as_str()
                .is_some_and(|served| served.eq_ignore_ascii_case(method))
                && fits(path, template)
        })
    };
    if let Some(paths) = whole["paths"].as_object_mut() {
        for (template, item) in paths.iter_mut() {
            if let Some(item) = item.as_object_mut() {
                item.retain(|method, _| method == "parameters" || has(method, template));
            }
        }
        paths.retain(|_, item| {
            item.as_object()
                .is_some_and(|item| item.keys().any(|key| key != "parameters"))
        });
    }
    whole
}

/// Whether a path is one of a template.
pub fn fits(template: &str, path: &str) -> bool {
    let (mut wished, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wished.next(), given.next()) {
            (None, None) => return true,
            (Some(wished), Some(given)) if wished == given || wished.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// From what Hetzner wrote to what it means: classes of statuses are in upper case, what the API
/// dropped or guesses since then is not required, and ids may stand for names.
fn repair(value: &mut Value) {
    if let Some(list) = value.as_array_mut() {
        list.iter_mut().for_each(repair);
    }
    let Some(map) = value.as_object_mut() else {
        return;
    };
    map.values_mut().for_each(repair);
    for class in ["4xx", "5xx"] {
        if let Some(described) = map.remove(class) {
            map.insert(class.to_uppercase(), described);
        }
    }
    if let Some(required) = map.get_mut("required").and_then(Value::as_array_mut) {
        let gone = ["datacenter", "deprecated", "assignee_type"];
        required.retain(|name| gone.iter().all(|gone| name != gone));
    }
    if let Some(schema) = map.get_mut("assignee_type")
        && let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut)
        && !words.contains(&json!("unassigned"))
    {
        words.push(json!("unassigned"));
        words.push(json!("load_balancer"));
    }
    if let Some(keys) = map
        .get_mut("ssh_keys")
        .and_then(|schema| schema.get_mut("items"))
        && keys["type"] == "string"
    {
        *keys = json!({ "oneOf": [{ "type": "string" }, { "type": "integer" }] });
    }
}
