//! An environment's file on top of citrino.yml.

use anyhow::Result;

use super::LEAST;
use crate::config::paths::ConfigPaths;
use crate::config::stack::Stack;

/// Both files below one folder, read as `-e staging` does.
fn layered(main: &str, over: &str) -> Result<Stack> {
    let folder = tempfile::tempdir().unwrap();
    let paths = ConfigPaths {
        main: folder.path().join("citrino.yml"),
        environment: Some(folder.path().join("citrino.staging.yml")),
    };
    std::fs::write(&paths.main, main).unwrap();
    std::fs::write(paths.environment.as_ref().unwrap(), over).unwrap();
    Stack::load(&paths)
}

fn refusal_of_layers(main: &str, over: &str) -> String {
    let error = layered(main, over).unwrap_err();
    let message = crate::core::error::error_info(&error).message;
    let lines = message.lines().map(|line| {
        let begin = line.find("citrino.").unwrap_or(0);
        line.get(begin..).unwrap_or_default().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_environment_replaces_single_keys_and_says_where_each_value_is_from() {
    let main = format!(
        "{LEAST}app:\n  workers: 4\n  env: {{ A: one, B: two }}\nbackup: {{ keep_days: 9 }}\n"
    );
    let over =
        "stack: shop-staging\ndomain: staging.example.com\napp:\n  env: { B: three }\n  pool: 5\n";
    let stack = layered(&main, over).unwrap();
    assert_eq!(
        (&*stack.name, &*stack.domain),
        ("shop-staging", "staging.example.com")
    );
    assert_eq!(
        (*stack.app.workers, *stack.app.pool, *stack.backup.keep_days),
        (4, 5, 9)
    );
    let env: Vec<(&str, &str)> = stack
        .app
        .env
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    assert_eq!(env, [("A", "one"), ("B", "three")]);
    let from = |key: &str| stack.origins[key].rsplit('/').next().unwrap().to_owned();
    assert_eq!(from("app.workers"), "citrino.yml:5");
    assert_eq!(from("app.env.A"), "citrino.yml:6");
    assert_eq!(from("app.env.B"), "citrino.staging.yml:4");
    assert_eq!(from("stack"), "citrino.staging.yml:1");
    assert!(!stack.origins.contains_key("app.port"));
}

#[test]
fn faults_of_an_environment_are_told_with_its_own_file_and_line() {
    let told = refusal_of_layers(LEAST, "stack: other\napp:\n  prot: 1\n");
    assert!(
        told.starts_with("citrino.staging.yml:3: app.prot: unknown key"),
        "{told}"
    );
    let told = refusal_of_layers(
        &format!("{LEAST}app: {{ prot: 1 }}\n"),
        "stack: other\napp: { pool: x }\n",
    );
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].ends_with("have 2 faults:"), "{told}");
    assert!(lines[1].starts_with("citrino.yml:4: app.prot"), "{told}");
    assert!(
        lines[2].starts_with("citrino.staging.yml:2: app.pool"),
        "{told}"
    );
    assert!(refusal_of_layers(LEAST, "stack: [\n").starts_with("citrino.staging.yml:"));
    let twice = refusal_of_layers(LEAST, "stack: other\nstack: again\n");
    assert!(twice.starts_with("citrino.staging.yml:2: stack"), "{twice}");
}

/// A pin, a lock and a server are found by the name of the stack.
#[test]
fn an_environment_without_a_name_of_its_own_is_refused() {
    let told = refusal_of_layers(LEAST, "domain: staging.example.com\n");
    assert!(
        told.starts_with("citrino.yml:1: stack: must be named in "),
        "{told}"
    );
}
