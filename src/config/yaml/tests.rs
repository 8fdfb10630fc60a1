//! Places, faults together, and texts that were made to do harm.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::core::value::{Port, WholeNumber};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct House {
    door: Option<Door>,
    rooms: Vec<String>,
    size: WholeNumber<1, 100>,
    light: Light,
    owner: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Door {
    port: Port,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Light {
    #[default]
    Off,
    Bright,
}

impl Default for WholeNumber<1, 100> {
    fn default() -> Self {
        Self::near(1)
    }
}

fn read(text: &str) -> Result<House, String> {
    let mut document = Document::parse(text, "house.yml");
    let house = document.typed(|path| match path {
        "door.name" => Some("front"),
        "door.port" => Some("80"),
        _ => None,
    });
    match document.faults() {
        None => Ok(house.unwrap()),
        Some(faults) => Err(faults),
    }
}

fn faults(text: &str) -> String {
    read(text).unwrap_err()
}

#[test]
fn each_fault_has_its_own_line_and_none_hides_another() {
    let text = "\
# size: 0 is no key here
dor: x
door:
  port: 70000
  nam: front
rooms: kitchen
size: 0
light: brigt
owner: { name: ana }
size: 5
";
    assert_eq!(
        faults(text),
        "\
house.yml has 8 faults:
house.yml:2: dor: there is no such key; did you mean `door`?
house.yml:3: door.name: is missing
house.yml:4: door.port: must be a number from 1 to 65535, not 70000
house.yml:5: door.nam: there is no such key; did you mean `name`?
house.yml:6: rooms: must be a list
house.yml:7: size: must be a number from 1 to 100, not 0
house.yml:8: light: must be one of `off`, `bright`; did you mean `bright`?
house.yml:10: size: stands in line 7 already; keep one of the two"
    );
}

#[test]
fn a_fault_is_one_line_and_names_what_it_is_of() {
    for (text, wished) in [
        (
            "owner:\n  a: 1\n  b: 2\n  a: 3\n",
            "house.yml:4: owner.a: stands in line 2 already; keep one of the two",
        ),
        (
            "rooms:\n  - a\n  - [b]\n",
            "house.yml:3: rooms: must be text",
        ),
        (
            "zzz: 1\n",
            "house.yml:1: zzz: there is no such key; there are `door`, `rooms`, `size`, `light`, `owner`",
        ),
        (
            "size: many\n",
            "house.yml:1: size: must be a number from 1 to 100",
        ),
        ("- a\n", "house.yml:1: must be a section of keys and values"),
        (
            "a: b\n---\nc: d\n",
            "house.yml:2: a second document begins here; a file holds one",
        ),
        (
            "rooms:\n\t- a\n",
            "house.yml:2: a tab cannot indent YAML; use spaces",
        ),
        (
            "a: 1\nowner: { a: @b }\n",
            "house.yml:2: a value that begins with `@` must stand in quotes",
        ),
        (
            "owner: { a: !secret b }\n",
            "house.yml:1: owner.a: the tag `!secret` has no meaning here",
        ),
        ("? [a]\n: b\n", "house.yml:1: a key must be a single word"),
    ] {
        assert_eq!(faults(text), wished, "{text}");
    }
}

#[test]
fn what_is_written_is_read() {
    let house = read("door: { port: 0x50, name: 1.10 }\nrooms:\nsize: +7\nlight: \"bright\"\nowner: { 5: x, a: ~, b: , c: 0755 }\n").unwrap();
    let door = house.door.unwrap();
    assert_eq!((*door.port, door.name.as_str()), (80, "1.10"));
    assert!(house.rooms.is_empty() && matches!(house.light, Light::Bright));
    assert_eq!(*house.size, 7);
    let owner: Vec<(&str, &str)> = house
        .owner
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(owner, [("5", "x"), ("a", "~"), ("b", ""), ("c", "0755")]);
    assert!(read("").unwrap().door.is_none());
    assert!(read("# nothing\n").unwrap().door.is_none());
    assert!(read("door: ~\n").unwrap().door.is_none());
}

#[test]
fn aliases_are_put_in() {
    let house = read("rooms: &r [a, b]\nowner: &o { x: y }\n").unwrap();
    assert_eq!(house.rooms, ["a", "b"]);
    let house = read("owner: { a: &v word, b: *v }\n").unwrap();
    assert_eq!(house.owner["b"], "word");
    assert!(faults("rooms: &r [*r]\n").contains("an alias stands within its own anchor"));
}

#[test]
fn depth_and_aliases_have_an_end() {
    let deep = |levels: usize| format!("rooms: {}x{}\n", "[".repeat(levels), "]".repeat(levels));
    assert!(!faults(&deep(63)).contains("nested"));
    for levels in [64, 200] {
        assert!(
            faults(&deep(levels)).contains("nested more than 64 deep"),
            "{levels}"
        );
    }
    assert!(faults(&deep(100_000)).contains("recursion limit exceeded"));
    assert!(faults(&"- ".repeat(100_000)).contains("nested more than 64 deep"));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..20 {
        let before = format!("*a{}, ", n - 1).repeat(8);
        writeln!(bomb, "a{n}: &a{n} [{before}]").unwrap();
    }
    assert!(faults(&bomb).contains("with its aliases put in, the file is too large"));
    let mut tower = "a0: &a0 [x]\n".to_owned();
    for n in 1..80 {
        writeln!(tower, "a{n}: &a{n} [*a{}]", n - 1).unwrap();
    }
    assert!(faults(&tower).contains("nested more than 64 deep"));
}

/// What is as large as a file may be is refused, or read, in a moment.
#[test]
fn no_text_takes_long() {
    let most = 256 * 1024;
    let keys: Vec<String> = (0..20_000).map(|n| format!("k{n}: {n}\n")).collect();
    let texts = [
        "[".repeat(most),
        "{".repeat(most),
        "- ".repeat(most / 2),
        "? ".repeat(most / 2),
        "&a ".repeat(most / 3),
        "a: ".repeat(most / 3),
        "\"".repeat(most),
        "rooms: [".to_owned() + &"a,".repeat(most / 2 - 8) + "]",
        "!".repeat(most),
        "%".repeat(most),
        "owner:\n".to_owned() + &"  a: b\n".repeat(most / 8),
        keys.concat(),
        "x\n".repeat(most / 2),
        "# x\n".repeat(most / 4),
    ];
    for text in texts {
        let begun = Instant::now();
        let _ = read(&text);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(10), "{text:.20}… took {took:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = read(&text);
    }

    #[test]
    fn no_near_yaml_makes_it_panic(text in "[a-c0 :\\-\\[\\]{},&*!|>'\"#%@?~\n\t]{0,60}") {
        let _ = read(&text);
    }

    /// Every fault names a line that the file has.
    #[test]
    fn lines_are_of_the_file(lines in proptest::collection::vec("(door|size|rooms|light|dor|  port|  nam): ?(x|5|\\[a\\]|)", 1..12)) {
        let text = lines.join("\n");
        if let Err(faults) = read(&text) {
            for fault in faults.lines().filter(|line| !line.ends_with("faults:")) {
                let line = fault.strip_prefix("house.yml:").and_then(|rest| rest.split(':').next());
                let line: usize = line.unwrap().parse().unwrap();
                prop_assert!((1..=lines.len() + 1).contains(&line), "{}", fault);
            }
        }
    }
}
