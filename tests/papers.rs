//! What is written twice is compared: papers against code.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests, and does not see that helpers are of a test

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use citrino_ops::cli::Cli;
use citrino_ops::core::app_profile::AppProfile;
use citrino_ops::core::error::{Code, exit};
use citrino_ops::task::KINDS;
use clap::CommandFactory;
use serde_json::Value;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of the rows of a table whose head starts with this word.
fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let lines = text
        .lines()
        .skip_while(|line| !line.starts_with(&format!("| {head} |")));
    let rows = lines.skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        row.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    })
    .collect()
}

/// The words in backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_readme_tells_of_every_verb() {
    let told: BTreeSet<String> = table(&read("README.md"), "verb")
        .iter()
        .flat_map(|row| quoted(&row[0]))
        .collect();
    let cli = Cli::command();
    let known: BTreeSet<String> = cli
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .map(|verb| verb.get_name().to_owned())
        .collect();
    assert_eq!(told, known);
}

#[test]
fn the_page_of_task_kinds_has_every_kind() {
    let told: Vec<String> = table(&read("docs/tasks.md"), "kind")
        .iter()
        .flat_map(|row| quoted(&row[0]))
        .collect();
    assert_eq!(told, KINDS);
}

/// `citrino-ops config docs --markdown >docs/configuration.md` makes it.
#[test]
fn the_page_of_keys_is_what_the_binary_says() {
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_citrino-ops"))
        .args(["config", "docs", "--markdown"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(said.stdout).unwrap(),
        read("docs/configuration.md")
    );
}

#[test]
fn every_task_kind_has_cases() {
    for kind in KINDS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/tasks")
            .join(kind);
        assert!(
            folder
                .read_dir()
                .is_ok_and(|mut cases| cases.next().is_some()),
            "{kind} has no case"
        );
    }
}

#[test]
fn the_glossary_and_the_manual_tell_of_every_exit_code() {
    let told: Vec<(String, String)> = table(&read("docs/glossary.md"), "code")
        .iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let known = [
        (exit::OK, "OK"),
        (exit::FAILED, "FAILED"),
        (exit::USAGE, "USAGE"),
        (exit::PENDING, "PENDING"),
        (exit::UNHEALTHY, "UNHEALTHY"),
        (exit::LOCKED, "LOCKED"),
        (exit::OLD_SERVES, "OLD_SERVES"),
        (exit::REFUSED, "REFUSED"),
        (exit::HOOK_FAILED, "HOOK_FAILED"),
    ]
    .map(|(code, name)| (code.to_string(), name.to_owned()));
    assert_eq!(told, known);
    let manual = Cli::command().render_long_help().to_string();
    for (code, _) in told {
        assert!(
            manual.contains(&format!(" {code} ")),
            "{code} is not in --help"
        );
    }
}

/// The pages of the handbook, in both languages.
fn handbook() -> Vec<String> {
    let files = |language: &str| {
        let folder = format!("docs/handbook/{language}");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder);
        let entries = std::fs::read_dir(path).unwrap();
        entries
            .map(move |entry| format!("{folder}/{}", entry.unwrap().file_name().display()))
            .filter(|name| Path::new(name).extension().is_some_and(|end| end == "md"))
            .collect::<Vec<_>>()
    };
    let pages = [files("en"), files("es")].concat();
    assert!(pages.len() > 100, "{pages:?}");
    pages
}

#[test]
fn every_code_that_the_papers_name_is_one() {
    let papers = ["README.md", "docs/architecture.md", "docs/tasks.md"].map(str::to_owned);
    for paper in papers.into_iter().chain(handbook()) {
        let text = read(&paper);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let codes = words.filter(|word| {
            word.len() == 5 && word.starts_with('E') && word[1..].parse::<u16>().is_ok()
        });
        for code in codes {
            assert!(code.parse::<Code>().is_ok(), "{paper} names {code}");
        }
    }
}

/// The names of a step: of one with `each`, those of the profile's items.
fn names(step: &Value, profile: &Value) -> Vec<String> {
    let name = |of: &Value| of["name"].as_str().unwrap().to_owned();
    let Some(each) = step["each"].as_str() else {
        return vec![name(step)];
    };
    if !each.starts_with("profile") {
        return vec![name(step).replace("{{ item.table }}", "TABLE")];
    }
    let pointer = each.replacen("profile", "", 1).replace('.', "/");
    let items = profile.pointer(&pointer).unwrap().as_array().unwrap();
    items.iter().map(name).collect()
}

/// A question of `health` without a line in the handbook would leave an operator alone.
#[test]
fn the_handbook_knows_every_question_of_health() {
    let profile = serde_json::to_value(AppProfile::default()).unwrap();
    let steps: Vec<Value> = serde_yaml::from_str(&read("playbooks/health.yml")).unwrap();
    let asked: Vec<String> = steps
        .iter()
        .flat_map(|step| names(step, &profile))
        .collect();
    let in_force: Vec<String> = ["in_force", "in_force_database", "in_force_app"]
        .iter()
        .flat_map(|name| {
            let text = read(&format!("playbooks/{name}.yml"));
            serde_yaml::from_str::<Vec<Value>>(&text).unwrap()
        })
        .map(|step| step["name"].as_str().unwrap().to_owned())
        .collect();
    let outside = read("src/verb/health/outside.rs");
    for (language, row, of) in [("en", "row", "row of"), ("es", "fila", "fila de")] {
        let page = format!("docs/handbook/{language}/health-rows.md");
        let told = |head: &str| -> Vec<String> {
            let rows = table(&read(&page), head).into_iter();
            rows.map(|row| row[0].clone()).collect()
        };
        assert_eq!(told(row), asked, "{page}");
        assert_eq!(told(&format!("{of} `settings`")), in_force, "{page}");
        let public = told(&format!("{of} `public`"));
        assert_eq!(public.len(), outside.matches("steps.push(step(").count());
        for row in public {
            assert!(outside.contains(&format!("\"{row}\"")), "{page}: {row}");
        }
    }
}

#[test]
fn every_paper_that_is_named_is_there() {
    let papers = [
        "README.md",
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "docs/tasks.md",
        "docs/glossary.md",
        "docs/configuration.md",
        "docs/security.md",
        "SECURITY.md",
    ];
    for paper in papers.map(str::to_owned).into_iter().chain(handbook()) {
        for name in quoted(&read(&paper)) {
            let is_paper = Path::new(&name).extension().is_some_and(|end| end == "md")
                || name.starts_with("docs/")
                || name.starts_with("examples/");
            if is_paper {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&name);
                assert!(path.exists(), "{paper} names {name}");
            }
        }
    }
}

#[test]
fn the_examples_are_sound_in_their_grammar() {
    for example in ["examples/citrino.yml", "examples/lab/citrino.yml"] {
        citrino_ops::config::stack::Stack::parse(&read(example), example).unwrap();
    }
}

/// A boundary that no test holds is a promise.
#[test]
fn every_boundary_is_held_by_tests_that_exist() {
    let rows = table(&read("docs/security.md"), "who");
    assert!(rows.len() > 5, "{rows:?}");
    let folders = ["src", "tests", "app", "lab"];
    let texts: Vec<String> = folders
        .iter()
        .flat_map(|folder| sources_below(folder))
        .collect();
    for row in rows {
        let tests = quoted(&row[3]);
        assert!(!tests.is_empty(), "nothing holds: {row:?}");
        for test in tests {
            let function = format!("fn {test}(");
            assert!(
                texts.iter().any(|text| text.contains(&function)),
                "docs/security.md names {test}"
            );
        }
    }
}

/// What happened to somebody, and which tests hold what is right.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Happened {
    case: u32,
    #[serde(default)]
    reported: Vec<String>,
    happened: String,
    right: String,
    held_by: Vec<String>,
}

/// A case without a test comes back.
#[test]
fn every_case_is_held_by_tests_that_exist() {
    let all: std::collections::BTreeMap<String, Vec<Happened>> =
        serde_yaml::from_str(&read("tests/cases.yml")).unwrap();
    let folders = ["src", "tests", "app", "lab"];
    let texts: Vec<String> = folders
        .iter()
        .flat_map(|folder| sources_below(folder))
        .collect();
    let is_there = |test: &String| {
        let file = format!("{}/tests/{test}.yml", env!("CARGO_MANIFEST_DIR"));
        let function = format!("fn {test}(");
        if test.contains('/') {
            Path::new(&file).exists()
        } else {
            texts.iter().any(|text| text.contains(&function))
        }
    };
    for (list, cases) in &all {
        assert!(cases.len() > 10, "{list}");
        assert!(cases.is_sorted_by_key(|case| case.case), "{list}");
        for one in cases {
            let told = [&one.happened, &one.right]
                .iter()
                .all(|text| text.ends_with('.'));
            assert!(told && !one.held_by.is_empty(), "{list}: {}", one.case);
            assert!(one.reported.iter().all(|name| name.contains('#')));
            for test in &one.held_by {
                assert!(is_there(test), "{list}: {} names {test}", one.case);
            }
        }
    }
}

/// The texts of the Rust files below a folder of the repository.
fn sources_below(folder: &str) -> Vec<String> {
    let files = files_below(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    let sources = files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "rs"));
    sources
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

#[test]
fn only_the_report_prints() {
    for path in sources().iter().filter(|path| !path.ends_with("report.rs")) {
        let text = fs::read_to_string(path).unwrap();
        for word in ["println!", "eprintln!", "print!(", "dbg!("] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}

fn sources() -> Vec<PathBuf> {
    files_below(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

fn files_below(folder: PathBuf) -> Vec<PathBuf> {
    let mut folders = vec![folder];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}
