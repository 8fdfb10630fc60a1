use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::config::stack::SecretSource;

/// Every key that the types can hold, by what a file with all of them becomes.
fn keys_of_the_types() -> BTreeSet<String> {
    let every = include_str!("../../verb/inputs/tests/every_key.yml");
    let host = "host: { address: 203.0.113.7, port: 22, user: root, host_key: ssh-ed25519 AAAA, identity: one }\n";
    let every: Value = serde_yaml::from_str(&format!("{every}{host}")).unwrap();
    // What the types do not know, they refuse.
    let stack: Stack = serde_json::from_value(every.clone()).unwrap();
    let mut keys = BTreeSet::new();
    below("", &serde_json::to_value(stack).unwrap(), &mut keys);
    below("", &every, &mut keys);
    keys
}

fn below(above: &str, value: &Value, keys: &mut BTreeSet<String>) {
    let names_are_keys = !["app.env.", "secrets."].contains(&above);
    let is_source = serde_json::to_string(value)
        .is_ok_and(|text| serde_json::from_str::<SecretSource>(&text).is_ok());
    if let Value::Object(map) = value
        && names_are_keys
        && !is_source
    {
        for (key, value) in map {
            let path = format!("{above}{key}");
            below(&format!("{path}."), value, keys);
            keys.insert(path);
        }
    }
}

#[test]
fn every_key_of_the_types_has_its_page_and_every_page_says_what_it_should() {
    let pages = keys();
    let told: BTreeSet<String> = pages.iter().map(|page| page.key.clone()).collect();
    let known = keys_of_the_types();
    let known_in: Vec<&String> = known.difference(&told).collect();
    assert_eq!(known_in, [""; 0], "keys without a page");
    let beyond: Vec<&String> = told.difference(&known).collect();
    assert_eq!(
        beyond,
        ["cloud.ipv4"],
        "pages without a key in every_key.yml"
    );
    for page in &pages {
        assert!(page.meaning.ends_with('.'), "{page:?}");
        assert!(!page.meaning.contains("??"), "{page:?}");
        assert_ne!(
            page.takes, "text",
            "{} says nothing of what it takes",
            page.key
        );
        let is_refused = page.meaning.contains("refused by this version");
        let is_section = page.takes == "a section" || page.key == "cloud.ipv4";
        let says = !page.applied_by.is_empty();
        assert_eq!(says, !is_section && !is_refused, "{page:?}");
    }
}

#[test]
fn the_schema_takes_the_examples_and_refuses_what_validate_refuses() {
    let schema = schema();
    let holds = |text: &str| {
        let file: Value = serde_yaml::from_str(text).unwrap();
        jsonschema::is_valid(&schema, &file)
    };
    assert!(holds(include_str!("../../../examples/citrino.yml")));
    assert!(holds(include_str!("../../../examples/lab/citrino.yml")));
    assert!(holds(include_str!("../../verb/inputs/tests/every_key.yml")));
    let least = "stack: prod\ndomain: example.com\n";
    assert!(holds(least));
    for more in [
        "app: { prot: 1 }",
        "app: { port: 0 }",
        "app: { port: five }",
        "app: { pool: 1001 }",
        "cloud: { location: ash }",
        "cloud: { server_type: cpx11, location: ash, image: debian-12, ssh_keys: [a], max_monthly_eur: -1 }",
        "secrets: { A: plain }",
        "secrets: { A: { env: X, file: y } }",
        "tls: { issuer: nobody }",
        "unknown: 1",
    ] {
        assert!(!holds(&format!("{least}{more}\n")), "{more}");
    }
}

#[test]
fn a_page_says_range_default_and_what_follows() {
    let pages = keys();
    let page = |key: &str| pages.iter().find(|page| page.key == key).unwrap();
    let workers = page("app.workers");
    assert_eq!(workers.takes, "a whole number, 1 to 256");
    assert_eq!(workers.default.as_deref(), Some("2"));
    assert_eq!(workers.applied_by, [AppliedBy::App]);
    assert_eq!(page("backup.at").default.as_deref(), Some("03:00"));
    assert!(page("domain").is_required && page("domain").default.is_none());
    assert!(
        page("tls.issuer")
            .takes
            .contains("`self_signed` (The host itself")
    );
    assert_eq!(page("secrets").default, None);
}
