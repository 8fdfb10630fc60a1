//! The lint of migrations by cases as data: `tests/migrations/SUBJECT.yml` lists SQL and what is found in it.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests; helpers of a test are outside of #[test]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use citrino_ops::planner::migration::{MigrationText, lint};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What comes after the two limits in `0002_next.up.sql`, so from line 3 on; the first migration is `FIRST`.
    #[serde(default)]
    up: String,
    /// The same of its down.
    #[serde(default)]
    down: String,
    /// More files or others, whole. An empty one is not there.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// The beginnings of the findings, all of them in order.
    #[serde(default)]
    finds: Vec<String>,
}

const LIMITS: &str = "SET LOCAL lock_timeout = '5s';\nSET LOCAL statement_timeout = '60s';\n";
const FIRST: &str = "CREATE TABLE casas (id bigint PRIMARY KEY, codigo text NOT NULL, zona text);
CREATE UNIQUE INDEX casas_codigo ON casas (codigo);
CREATE INDEX casas_zona ON casas (zona);
CREATE VIEW baratas AS SELECT id FROM casas;
CREATE FUNCTION uno() RETURNS integer LANGUAGE sql RETURN 1;
";

impl Case {
    fn sources(&self) -> Vec<MigrationText> {
        let mut files = BTreeMap::from([
            ("0001_first.up.sql".to_owned(), format!("{LIMITS}{FIRST}")),
            (
                "0001_first.down.sql".to_owned(),
                format!("{LIMITS}DROP TABLE casas;\n"),
            ),
            (
                "0002_next.up.sql".to_owned(),
                format!("{LIMITS}{}", self.up),
            ),
            (
                "0002_next.down.sql".to_owned(),
                format!("{LIMITS}{}", self.down),
            ),
        ]);
        for (name, text) in &self.files {
            files.insert(name.clone(), text.replace("LIMITS\n", LIMITS));
        }
        files.retain(|_, text| !text.is_empty());
        files
            .into_iter()
            .map(|(name, text)| MigrationText { name, text })
            .collect()
    }

    fn failure(&self) -> Option<String> {
        let found: Vec<String> = lint(&self.sources())
            .iter()
            .map(ToString::to_string)
            .collect();
        let fits = found.len() == self.finds.len()
            && found
                .iter()
                .zip(&self.finds)
                .all(|(found, wished)| found.starts_with(wished));
        (!fits).then(|| format!("{self:#?}\nfound {found:#?}"))
    }
}

fn folder(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_case_holds() {
    let mut failures = Vec::new();
    let mut count = 0;
    for path in folder("tests/migrations") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let cases: Vec<Case> =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        count += cases.len();
        failures.extend(
            cases
                .iter()
                .filter_map(Case::failure)
                .map(|failure| format!("{name}: {failure}")),
        );
    }
    assert!(count > 0);
    assert!(
        failures.is_empty(),
        "{} of {count}:\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}

#[test]
fn the_migrations_of_the_app_are_sound() {
    let mut sources = Vec::new();
    for path in folder("migrations") {
        if path.extension().is_some_and(|end| end == "sql") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            sources.push(MigrationText {
                name,
                text: fs::read_to_string(&path).unwrap(),
            });
        }
    }
    let found: Vec<String> = lint(&sources).iter().map(ToString::to_string).collect();
    assert!(sources.len() >= 8 && found.is_empty(), "{found:#?}");
}
