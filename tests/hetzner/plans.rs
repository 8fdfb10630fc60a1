//! Golden plans: `tests/plans/CASE.yml` says what there is, what is wished, what is typed, and all
//! that is printed.

use std::fs;
use std::path::Path;

use citrino_ops::core::plan::Mode;
use serde::Deserialize;
use serde_json::Value;

use crate::fake_api::FakeApi;
use crate::operator::Operator;
use crate::run::{run, stack, wishes};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Whether the least stack was provisioned before; what it has more, in the style of `wishes`.
    #[serde(default)]
    provisioned: Option<String>,
    /// Calls of the API afterwards: method, path, body. `{server}` and `{firewall}` are their ids.
    #[serde(default)]
    by_hand: Vec<(String, String, Value)>,
    /// The `cloud` part of citrino.yml.
    wishes: String,
    run: String,
    code: i32,
    says: String,
}

#[test]
fn every_plan_is_as_it_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans");
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let failures: Vec<String> = paths.iter().filter_map(|path| failure(path)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn failure(path: &Path) -> Option<String> {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let text = fs::read_to_string(path).unwrap();
    let case: Case = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let fake = FakeApi::start();
    prepare(&fake, &case);
    let before = everything(&fake);
    let ana = Operator::new(&fake, &case.wishes);
    let (code, said) = ana.types(&case.run);
    let said = masked(&said);
    assert_eq!(everything(&fake), before, "{name} changed something");
    if code == case.code && said.trim() == case.says.trim() {
        return None;
    }
    Some(format!(
        "{name}: exit {code}, expected {}\n{said}",
        case.code
    ))
}

fn prepare(fake: &FakeApi, case: &Case) {
    if let Some(more) = &case.provisioned {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let api = fake.api();
        let (tally, told) = runtime.block_on(run(&api, Mode::Apply, wishes(&stack(more), 0)));
        assert_eq!(tally.failed, 0, "{told}");
    }
    for (method, path, body) in &case.by_hand {
        let id = |kind: &str| {
            let one = fake.all(kind).first().map(|one| one["id"].to_string());
            one.unwrap_or_default()
        };
        let path = path
            .replace("{server}", &id("servers"))
            .replace("{firewall}", &id("firewalls"));
        if method == "POST" && !path.starts_with("/_lab") {
            fake.by_hand(&path, body);
        } else {
            fake.call(method, &path, body);
        }
    }
}

fn everything(fake: &FakeApi) -> Vec<Vec<Value>> {
    [
        "servers",
        "firewalls",
        "ssh_keys",
        "primary_ips",
        "volumes",
        "networks",
    ]
    .map(|kind| fake.all(kind))
    .into()
}

/// How long it took differs each time.
fn masked(said: &str) -> String {
    let lines: Vec<String> = said.lines().map(untimed).collect();
    lines.join("\n")
}

/// `… in 0.1 s` and a time at the end of a step's line are taken out.
fn untimed(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let is_time = |at: usize| {
        let unit = words.get(at + 1).map(|unit| unit.trim_end_matches('.'));
        words[at].parse::<f64>().is_ok() && unit == Some("s")
    };
    match (0..words.len()).find(|at| is_time(*at)) {
        None => line.to_owned(),
        Some(at) => {
            let kept = [&words[..at], &["TIME"], &words[at + 2..]].concat();
            kept.join(" ")
        }
    }
}
