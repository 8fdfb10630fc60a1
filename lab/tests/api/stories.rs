//! What resources do one after the other: a story is a file of `stories/`, a step a line of it.
//!
//! A step has a call, its status, and a part of what is answered. `keep` names parts of an answer, by
//! their JSON pointers, for the steps that follow: `$name` stands for them, `text:$name` for an id as
//! the text that Hetzner's document has in some places.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Api, KEY};

/// A step of a story.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    call: String,
    #[serde(default)]
    with: Value,
    gives: u16,
    #[serde(default)]
    has: Value,
    #[serde(default)]
    keep: BTreeMap<String, String>,
}

type Kept = BTreeMap<String, Value>;

/// Puts in what was kept.
fn filled(value: &Value, kept: &Kept) -> Value {
    match value {
        Value::String(text) => match text.split_once('$') {
            Some(("", name)) => kept.get(name).unwrap_or(value).clone(),
            Some(("text:", name)) => json!(kept[name].to_string()),
            _ => value.clone(),
        },
        Value::Array(list) => list.iter().map(|item| filled(item, kept)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| (key.clone(), filled(item, kept)))
            .collect(),
        _ => value.clone(),
    }
}

fn filled_path(path: &str, kept: &Kept) -> String {
    kept.iter().fold(path.to_owned(), |path, (name, value)| {
        let text = value.as_str().map_or(value.to_string(), str::to_owned);
        path.replace(&format!("${name}"), &text)
    })
}

/// Whether an answer has all that is wished for; lists must be of one length.
fn has(answer: &Value, wished: &Value) -> bool {
    match (answer, wished) {
        (Value::Object(answer), Value::Object(wished)) => wished
            .iter()
            .all(|(key, value)| answer.get(key).is_some_and(|found| has(found, value))),
        (Value::Array(answer), Value::Array(wished)) => {
            answer.len() == wished.len() && answer.iter().zip(wished).all(|(a, w)| has(a, w))
        }
        _ => answer == wished,
    }
}

async fn tell(name: &str, story: &str) {
    play(&Api::start(), name, story).await;
}

/// Tells a story to an API.
pub async fn play(api: &Api, name: &str, story: &str) {
    let steps: Vec<Step> =
        serde_json::from_str(story).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut kept = Kept::from([("key".to_owned(), json!(KEY))]);
    for step in steps {
        let (method, path) = step.call.split_once(' ').unwrap();
        let path = filled_path(path, &kept);
        let body = filled(&step.with, &kept);
        let (status, answer) = api.call(method, &path, body.clone()).await;
        let place = format!("{name}: {method} {path} {body}: {answer}");
        assert_eq!(status, step.gives, "{place}");
        let wished = filled(&step.has, &kept);
        assert!(
            wished.is_null() || has(&answer, &wished),
            "{place}\nhas not {wished}"
        );
        for (name, pointer) in step.keep {
            let found = answer.pointer(&pointer);
            kept.insert(
                name,
                found
                    .unwrap_or_else(|| panic!("{place}: no {pointer}"))
                    .clone(),
            );
        }
        let next = answer["next_actions"].as_array().into_iter().flatten();
        for action in next
            .chain(answer.get("action"))
            .filter(|action| status < 300 && action.is_object())
        {
            api.settle(action).await;
        }
    }
}

macro_rules! stories {
    ($($name:ident),*) => {
        /// All stories, by their names.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), include_str!(concat!("stories/", stringify!($name), ".json")))),*];

        $(
            #[tokio::test]
            async fn $name() {
                tell(stringify!($name), include_str!(concat!("stories/", stringify!($name), ".json"))).await;
            }
        )*
    };
}

stories!(
    primary_ips,
    servers,
    rebuild,
    change_type,
    images,
    volumes,
    networks,
    zones,
    pricing,
    limits,
    firewalls,
    looks
);
