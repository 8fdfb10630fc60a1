//! The app stands in its profile alone: no file of `src` names its tables, routes, options, places or currency. What may not
//! be named is read from the profile itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use citrino_ops::core::app_profile::{AppProfile, Takes};
use serde_json::Value;

/// What may not stand in a source, and how it is looked for.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    /// Anywhere: paths, routes, literals.
    Part(String),
    /// As a word, whether its letters are large or small.
    Whole(String),
    /// As a word as it is: `USD`.
    Exact(String),
}

impl Word {
    fn is_in(&self, line: &str) -> bool {
        match self {
            Self::Part(part) => line.contains(part),
            Self::Whole(word) => words(line).any(|one| one.eq_ignore_ascii_case(word)),
            Self::Exact(word) => words(line).any(|one| one == word),
        }
    }
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// What a profile names that nobody else may.
fn words_of(app: &AppProfile) -> BTreeSet<Word> {
    let mut all = places(app);
    all.extend(routes(app).into_iter().map(Word::Part));
    all.extend(vocabulary(app));
    all
}

fn places(app: &AppProfile) -> BTreeSet<Word> {
    let name = &app.name;
    let variables = app.environment.small.keys().map(ToString::to_string);
    let places = [
        app.home.to_string(),
        app.folder.to_string(),
        app.data.to_string(),
        app.settings.to_string(),
        app.binary.to_string(),
        app.source.package.to_string(),
        app.source.manifest.to_string(),
        app.database.name.to_string(),
        app.database.role.to_string(),
        app.environment.release.to_string(),
        app.away.title.to_string(),
        app.away.text.to_string(),
        format!("{name}@"),
        format!("/run/{name}/"),
        format!("/var/www/{name}"),
        format!("\"{name}\""),
        format!("\"{}\"", app.user),
        // A backup: its name and a year.
        format!("{name}_2"),
        format!("{name}_["),
    ];
    places
        .into_iter()
        .chain(variables)
        .map(Word::Part)
        .collect()
}

/// The paths of all requests, `/` aside, which everybody has.
fn routes(app: &AppProfile) -> BTreeSet<String> {
    let lists = [&app.smoke, &app.outage, &app.on_copy, &app.health.requests];
    let asked = lists.into_iter().flatten().map(|one| one.path.to_string());
    let own = [&app.routes.live, &app.routes.ready, &app.routes.api].map(ToString::to_string);
    asked.chain(own).filter(|path| path != "/").collect()
}

fn vocabulary(app: &AppProfile) -> BTreeSet<Word> {
    let mut all = BTreeSet::new();
    let import = app.import.as_ref().unwrap();
    for table in &import.tables {
        all.insert(Word::Whole(table.name.to_string()));
        all.extend(table.columns.iter().cloned().map(Word::Whole));
    }
    for option in &import.options {
        all.insert(Word::Part(option.flag.to_string()));
        all.insert(Word::Whole(
            option.flag.trim_start_matches("--").replace('-', "_"),
        ));
        if let Takes::OneOf(values) = &option.takes {
            all.extend(values.iter().cloned().map(Word::Exact));
        }
    }
    for index in &app.health.indexes {
        all.insert(Word::Whole(index.index.clone()));
    }
    let lists = [&app.smoke, &app.outage, &app.on_copy, &app.health.requests];
    let bodies = lists
        .into_iter()
        .flatten()
        .filter_map(|one| one.body.as_deref());
    all.extend(bodies.flat_map(of_body));
    let told = app.data_checks.iter().flat_map(|check| &check.notes);
    all.extend(told.flat_map(|told| names_in(&told.says)));
    all
}

/// The keys and texts of a request.
fn of_body(body: &str) -> Vec<Word> {
    let value: Value = serde_json::from_str(body).unwrap();
    let fields = value.as_object().unwrap().iter();
    fields
        .flat_map(|(key, value)| [Some(key.clone()), value.as_str().map(str::to_owned)])
        .flatten()
        .map(Word::Whole)
        .collect()
}

/// Names of places in a sentence: `Bolivia`.
fn names_in(sentence: &str) -> Vec<Word> {
    let is_name = |word: &&str| word.starts_with(|c: char| c.is_uppercase());
    let names = words(sentence).filter(is_name);
    names.map(|name| Word::Exact(name.to_owned())).collect()
}

/// The lines of a file that are no test's.
fn product(path: &Path, text: &str) -> Vec<(usize, String)> {
    let name = path.file_name().unwrap().to_string_lossy();
    if name.ends_with("tests.rs") {
        return Vec::new();
    }
    let lines = text.lines().enumerate();
    lines
        .take_while(|(_, line)| *line != "#[cfg(test)]")
        .map(|(index, line)| (index + 1, line.to_owned()))
        .collect()
}

fn sources() -> Vec<PathBuf> {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path
                .extension()
                .is_some_and(|end| end == "rs" || end == "sql")
            {
                found.push(path);
            }
        }
    }
    found
}

fn named(words: &BTreeSet<Word>, path: &Path, text: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (number, line) in product(path, text) {
        for word in words.iter().filter(|word| word.is_in(&line)) {
            named.push(format!("{}:{number}: {word:?}", path.display()));
        }
    }
    named
}

#[test]
fn no_source_names_the_app() {
    let words = words_of(&AppProfile::default());
    let files = sources();
    assert!(files.len() > 200, "{}", files.len());
    let named: Vec<String> = files
        .iter()
        .flat_map(|path| named(&words, path, &fs::read_to_string(path).unwrap()))
        .collect();
    assert!(named.is_empty(), "{}", named.join("\n"));
}

#[test]
fn what_names_it_is_found_and_the_tool_itself_is_not() {
    let words = words_of(&AppProfile::default());
    for line in [
        "let path = \"/home/citrino/x\";",
        "systemctl(\"citrino@blue\")",
        "    Propiedades,",
        "-- rows of servicios",
        "ask(\"/api/recomendar\")",
        "ask(\"/api/new\")",
        "pub moneda: String,",
        "[\"USD\"]",
        "/// Beside Bolivia.",
        "user(\"citrino\")",
        "env(\"CITRINO_RELEASE\")",
        "\"citrino_prod\"",
        "format!(\"citrino_[year]\")",
        "if has(\"titulo\") {}",
    ] {
        assert!(!named(&words, Path::new("a.rs"), line).is_empty(), "{line}");
    }
    for line in [
        "use citrino_ops::core;",
        "\"/etc/citrino/backup.json\"",
        "\"/var/lib/citrino/lock\"",
        "\"citrino-guard\"",
        "run `citrino-ops deploy`",
        "in citrino.yml",
        "#[cfg(test)]\nmod tests { \"/home/citrino\" }",
    ] {
        assert_eq!(named(&words, Path::new("a.rs"), line), Vec::<String>::new());
    }
}
