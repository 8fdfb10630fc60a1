//! Lies that nobody has thought of: honest messages, changed, cut, repeated and mixed.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::command::Place;
use crate::harmless;
use crate::script::{Script, Word};
use crate::words::{self, EVERY_VERB, POISON};

/// Each is a command with its connection: `make fuzz` runs many more, by `PROPTEST_CASES`.
const CASES: u32 = 48;

pub fn lies() {
    let place = Place::new();
    let is_long = std::env::var_os("PROPTEST_CASES").is_some();
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 32,
        ..ProptestConfig::default()
    };
    let config = if is_long {
        config
    } else {
        ProptestConfig {
            cases: CASES,
            ..config
        }
    };
    let outside = place.path("outside").display().to_string();
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let case = (
        select(EVERY_VERB.to_vec()),
        proptest::collection::vec(lie(&outside), 1..6),
    );
    let tried = runner.run(&case, |(verb, lies)| {
        let mut said = vec![words::greeting()];
        said.extend(words::run());
        let mut words: Vec<Word> = said.iter().map(Word::json).collect();
        let mut program = Word::Text("4\n".to_owned() + &"0".repeat(64) + "  -\n");
        for lie in lies {
            lie.tell(&mut said, &mut words, &mut program);
        }
        harmless(&place.run(verb, &Script::saying(words).program("", program)));
        Ok(())
    });
    tried.unwrap();
}

#[derive(Clone, Debug)]
enum Lie {
    /// Another value in the place of one in a message.
    Changed(Index, Index, Value),
    /// A message breaks off within its line.
    Cut(Index, Index),
    /// A message comes at another place too.
    Repeated(Index, Index),
    /// Something that is no message.
    Garbage(Index, Vec<u8>),
    /// A program says something else.
    Program(Vec<u8>),
}

fn lie(outside: &str) -> impl Strategy<Value = Lie> + use<> {
    let at = any::<Index>;
    let bytes = || proptest::collection::vec(any::<u8>(), 0..400);
    prop_oneof![
        6 => (at(), at(), value(outside)).prop_map(|(message, place, value)| Lie::Changed(message, place, value)),
        1 => (at(), at()).prop_map(|(message, end)| Lie::Cut(message, end)),
        1 => (at(), at()).prop_map(|(from, to)| Lie::Repeated(from, to)),
        1 => (at(), bytes()).prop_map(|(place, bytes)| Lie::Garbage(place, bytes)),
        1 => bytes().prop_map(Lie::Program),
    ]
}

fn value(outside: &str) -> impl Strategy<Value = Value> + use<> {
    let deep = |depth: usize| (0..depth).fold(Value::Null, |inner, _| json!([inner]));
    let fixed = vec![
        json!(POISON),
        json!("../../../outside/pwned"),
        json!(format!("{outside}/pwned")),
        json!(format!("{outside}/precious")),
        json!(".."),
        json!(""),
        json!("-oProxyCommand=touch pwned"),
        json!("ä".repeat(32)),
        json!("0".repeat(64)),
        json!("a".repeat(100_000)),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e308),
        json!(null),
        json!([]),
        json!({}),
        json!({"../x": {}}),
        json!(true),
        deep(100),
        deep(127),
    ];
    prop_oneof![4 => select(fixed), 1 => any::<String>().prop_map(Value::from), 1 => any::<i64>().prop_map(Value::from)]
}

impl Lie {
    fn tell(self, said: &mut [Value], words: &mut Vec<Word>, program: &mut Word) {
        match self {
            Self::Changed(message, place, value) => {
                let message = message.index(said.len());
                let places = places(&said[message]);
                let place = &places[place.index(places.len())];
                if let Some(found) = said[message].pointer_mut(place) {
                    *found = value;
                }
                if message < words.len() {
                    words[message] = Word::json(&said[message]);
                }
            }
            Self::Cut(message, end) => {
                let message = message.index(words.len());
                if let Word::Text(text) = &words[message] {
                    let bytes = text.as_bytes();
                    words[message] = Word::Bytes(bytes[..end.index(bytes.len())].to_vec());
                }
            }
            Self::Repeated(from, to) => {
                let word = words[from.index(words.len())].clone();
                words.insert(to.index(words.len() + 1), word);
            }
            Self::Garbage(place, bytes) => {
                words.insert(place.index(words.len() + 1), Word::Bytes(bytes));
            }
            Self::Program(bytes) => *program = Word::Bytes(bytes),
        }
    }
}

/// The pointers of all values in one.
fn places(value: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, inner)| (key.replace('~', "~0").replace('/', "~1"), inner))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(n, inner)| (n.to_string(), inner))
            .collect(),
        _ => Vec::new(),
    };
    for (key, inner) in inner {
        found.extend(
            places(inner)
                .into_iter()
                .map(|place| format!("/{key}{place}")),
        );
    }
    found
}
