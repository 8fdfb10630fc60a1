//! `--json` gives data, for every command that there is: each line has the form of `docs/json.schema.json`, and the last one is
//! the summary. A command without a line here is found.

use std::collections::BTreeSet;

use citrino_ops::cli::Cli;
use citrino_ops::core::datum::DatumKind;
use citrino_ops::core::event::Event;
use clap::{Command, CommandFactory};
use serde_json::{Value, json};

use crate::command::Place;
use crate::schema;
use crate::script::{Script, Word};
use crate::words;

/// Each command with what it needs, and what it gives that was asked for. The host does not answer as one would: most that
/// changes something ends with an error, which is data too.
const TYPED: &[(&str, &[&str])] = &[
    ("init", &[]),
    ("validate", &["configuration"]),
    ("plan", &[]),
    ("provision --yes", &[]),
    ("converge", &[]),
    ("deploy --artifact app", &[]),
    ("deploy --artifact app --check", &[]),
    ("up --artifact app", &[]),
    ("releases", &["release", "torn_release"]),
    ("rollback", &[]),
    ("rollback --check", &["release_forecast"]),
    ("backup", &[]),
    ("backup now", &[]),
    ("backup list", &["backup", "backups"]),
    ("backup verify", &[]),
    ("backup drill", &[]),
    ("backup pull", &[]),
    ("backup prune", &[]),
    ("restore latest --yes", &[]),
    ("db import dump.sql --yes", &[]),
    (
        "status",
        &[
            "backups",
            "domain",
            "host",
            "last_run",
            "live",
            "maintenance",
        ],
    ),
    ("cost", &[]),
    ("health", &[]),
    ("alerts test", &[]),
    ("monitoring prometheus", &[]),
    ("monitoring dashboards", &[]),
    ("monitoring export-kuma", &["monitoring"]),
    ("lock", &["freeze"]),
    ("lock --message moving", &[]),
    ("unlock", &[]),
    ("maintenance on", &[]),
    ("maintenance off", &[]),
    ("tls status", &["certificate"]),
    ("tls renew", &[]),
    ("doctor", &["machine"]),
    ("logs nginx", &["log_line"]),
    ("audit", &[]),
    ("audit verify", &[]),
    ("audit accept --yes", &[]),
    ("secrets list", &[]),
    ("secrets set KEY", &[]),
    ("secrets edit", &[]),
    ("secrets rotate KEY", &[]),
    ("exec -- true", &[]),
    ("psql", &[]),
    ("proxy 1:nginx", &[]),
    ("ssh true", &[]),
    ("adopt --yes", &[]),
    ("rebuild --yes", &[]),
    ("gc", &[]),
    ("destroy --yes", &[]),
    ("docs", &["handbook_entry"]),
    ("docs locked", &["handbook_page"]),
    ("explain", &["error_code"]),
    ("explain E0502", &["error_code"]),
    ("completions bash", &["completions"]),
    ("config show", &["config_value"]),
    ("config schema", &["config_schema"]),
    ("config docs", &["config_key"]),
    ("config docs task.file", &["task_kind"]),
    ("config docs --markdown", &["config_reference"]),
];

/// A run of it becomes that of another program, which prints what it prints.
const OF_ANOTHER: &[&str] = &["ssh"];

#[test]
fn every_command_gives_data() {
    let place = Place::new();
    let script = honest();
    for (typed, kinds) in TYPED.iter().filter(|(typed, _)| !is_of_another(typed)) {
        let outcome = place.run(&format!("--json {typed}"), &script);
        outcome.is_harmless();
        let lines: Vec<Value> = outcome
            .stdout()
            .lines()
            .map(|line| {
                let line = serde_json::from_str(line);
                line.unwrap_or_else(|_| panic!("`{typed}`: {}", outcome.said()))
            })
            .collect();
        lines.iter().for_each(schema::holds);
        let last = lines.last().unwrap();
        assert_eq!(last["event"], "summary", "`{typed}`: {}", outcome.said());
        assert_eq!(last["exit"], outcome.code, "`{typed}`");
        let found: BTreeSet<&str> = lines
            .iter()
            .filter_map(|line| line["kind"].as_str())
            .collect();
        let wished: BTreeSet<&str> = kinds.iter().copied().collect();
        assert_eq!(found, wished, "`{typed}`: {}", outcome.said());
    }
}

fn is_of_another(typed: &str) -> bool {
    OF_ANOTHER
        .iter()
        .any(|verb| typed.split(' ').next() == Some(verb))
}

/// A host that has one of everything that is listed.
fn honest() -> Script {
    let mut greeting = words::greeting();
    let facts = &mut greeting["hello"]["facts"];
    facts["app"]["torn"] = json!(["half"]);
    facts["maintenance"] = json!("2026-11-30T03:00:00Z");
    facts["backups"]["broken"] = json!({"shop_20261124_030000": "its hash differs"});
    let said = [vec![greeting], words::run()].concat();
    let log = "{\"status\":200}\nplain\n[1]\n";
    Script::saying(said.iter().map(Word::json).collect()).program("tail", Word::Text(log.into()))
}

/// The password manager of an operator is asked by those commands alone of which the work has a secret in it: of the app's, of the
/// backups'.
const ASKS: &[(&str, &[&str])] = &[
    ("validate --resolve", &["app", "backup"]),
    ("plan", &["app", "backup"]),
    ("converge", &["app", "backup"]),
    ("deploy --artifact app", &["app", "backup"]),
    ("deploy --artifact app --check", &["app", "backup"]),
    ("up --artifact app", &["app", "backup"]),
    ("rollback --check", &["app", "backup"]),
    ("backup", &["backup"]),
    ("backup now", &["backup"]),
    ("backup prune", &["backup"]),
    ("restore latest --yes", &["backup"]),
    ("db import dump.sql --yes", &["backup"]),
    ("secrets rotate KEY", &["app"]),
];

#[test]
fn secrets_are_asked_for_by_those_that_use_them() {
    let place = Place::new();
    let asks = |name: &str| format!("{{ command: \"echo {name} >>asked; echo s3cret\" }}");
    let yml = std::fs::read_to_string(place.path("work/citrino.yml")).unwrap();
    let yml = format!(
        "{yml}secrets: {{ KEY: {} }}\nbackup: {{ pitr_passphrase: {backup}, pitr: true, s3: {{ bucket: b, endpoint: \"https://127.0.0.1:9\", region: r, key_id: {backup}, secret: {backup} }} }}\n",
        asks("app"),
        backup = asks("backup"),
    );
    std::fs::write(place.path("work/citrino.yml"), yml).unwrap();
    let script = honest();
    let mut all: Vec<&str> = TYPED.iter().map(|(typed, _)| *typed).collect();
    all.retain(|typed| !is_of_another(typed));
    all.extend(["validate --resolve", "deploy --attach", "deploy --abort"]);
    for typed in all {
        let outcome = place.run(typed, &script);
        assert!(
            !outcome.said().contains("s3cret"),
            "`{typed}`: {}",
            outcome.said()
        );
        let asked = std::fs::read_to_string(place.path("work/asked")).unwrap_or_default();
        let _ = std::fs::remove_file(place.path("work/asked"));
        let asked: BTreeSet<&str> = asked.lines().collect();
        let known = ASKS.iter().find(|(one, _)| *one == typed);
        let wished: BTreeSet<&str> = known.iter().flat_map(|(_, who)| *who).copied().collect();
        assert_eq!(asked, wished, "`{typed}`: {}", outcome.said());
    }
}

/// A playbook of the operator may name one after all: then it is asked for, and not something sent in its place.
#[test]
fn a_checklist_that_names_a_secret_has_it() {
    let place = Place::new();
    let yml = std::fs::read_to_string(place.path("work/citrino.yml")).unwrap();
    let yml = yml + "secrets: { KEY: { command: \"echo asked >>asked; echo s3cret\" } }\n";
    std::fs::write(place.path("work/citrino.yml"), yml).unwrap();
    std::fs::create_dir_all(place.path("work/playbooks")).unwrap();
    let health = "- name: no password for the database\n  when: secrets.DB_PASSWORD is not defined\n  probe: { ask: { memory: { max_percent: 80 } } }\n";
    std::fs::write(place.path("work/playbooks/health.yml"), health).unwrap();
    place.run("health", &honest());
    assert!(place.path("work/asked").exists());
}

/// Commands that change the host, with what they ask of it.
const CHANGES: &[&str] = &[
    "converge",
    "deploy --artifact app",
    "deploy --abort",
    "up --artifact app",
    "rollback",
    "backup",
    "backup now",
    "backup drill",
    "backup prune",
    "restore shop_20261125_030000 --yes",
];

/// What a newer version has made no older one changes, by whichever command; and whoever only looks may.
#[test]
fn an_older_version_changes_nothing_that_a_newer_one_made() {
    let place = Place::new();
    let mut greeting = words::greeting();
    greeting["hello"]["facts"]["converged_by"] = json!("99.0.0");
    // The newest backup can be compared with what is there.
    let script = Script::saying(vec![Word::json(&greeting), Word::json(&words::event_end())]);
    for typed in CHANGES {
        let outcome = place.run(typed, &script);
        outcome.is_harmless();
        let is_refused = outcome.code == 7 && outcome.said().contains("E0519");
        assert!(is_refused, "`{typed}`: {}", outcome.said());
    }
    for typed in [
        "status",
        "releases",
        "health",
        "backup list",
        "converge --check",
    ] {
        let outcome = place.run(typed, &script);
        assert!(
            !outcome.said().contains("E0519"),
            "`{typed}`: {}",
            outcome.said()
        );
    }
    // It is known afterwards without the host.
    let doctor = place.run("doctor", &script);
    let told = "99.0.0 converged the host: this one changes nothing there";
    // Rows are as wide as a terminal.
    let words = |said: &str| said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        doctor.code == 4 && words(&doctor.said()).contains(told),
        "{}",
        doctor.said()
    );
    // The same version goes on, and so does one that knows of an earlier one.
    for version in [env!("CARGO_PKG_VERSION"), "0.0.1"] {
        greeting["hello"]["facts"]["converged_by"] = json!(version);
        let outcome = place.run("backup", &Script::saying(vec![Word::json(&greeting)]));
        assert!(!outcome.said().contains("E0519"), "{}", outcome.said());
    }
}

/// Whatever changes something is refused while somebody has locked the stack, before anything is sent; the lock is not taken twice. Whoever
/// only looks may, and says it.
#[test]
fn a_stack_that_is_locked_is_changed_by_nothing() {
    let place = Place::new();
    let mut greeting = words::greeting();
    let freeze = json!({"who": "eva@desk", "since": "2026-11-30T03:00:00Z", "message": "moving"});
    greeting["hello"]["facts"]["freeze"] = freeze;
    let script = Script::saying(vec![Word::json(&greeting), Word::json(&words::event_end())]);
    let more = [
        "lock --message again",
        "maintenance on",
        "psql --write",
        "deploy --resume",
        "deploy --artifact app --check",
        "rollback --check",
        "restore latest --yes",
    ];
    for typed in CHANGES.iter().chain(&more) {
        let outcome = place.run(typed, &script);
        outcome.is_harmless();
        let why = "E0527]: the stack is locked by eva@desk since 2026-11-30T03:00:00Z: moving";
        let is_refused = outcome.code == 7 && outcome.said().contains(why);
        assert!(is_refused, "`{typed}`: {}", outcome.said());
    }
    for typed in ["status", "lock", "health", "converge --check"] {
        let outcome = place.run(typed, &script);
        let said = outcome.said();
        assert!(!said.contains("E0527"), "`{typed}`: {said}");
        assert!(
            said.contains("locked by eva@desk") || said.contains("eva@desk since"),
            "`{typed}`: {said}"
        );
    }
    // Another's is taken away by who says so only.
    let asked = place.run("unlock", &script);
    assert!(
        asked.code == 7 && asked.said().contains("E0801"),
        "{}",
        asked.said()
    );
    let taken = place.run("unlock --yes", &script);
    assert_eq!(taken.code, 0, "{}", taken.said());
}

/// A host that says more than one line, or what a terminal obeys, is refused as a whole.
#[test]
fn what_a_host_says_of_its_lock_is_one_line() {
    let place = Place::new();
    for message in ["a\nb", "a\u{1b}[2J", "", "\u{202e}x", &"x".repeat(301)] {
        let mut greeting = words::greeting();
        let freeze = json!({"who": "eva", "since": "", "message": message});
        greeting["hello"]["facts"]["freeze"] = freeze;
        let outcome = place.run("lock", &Script::saying(vec![Word::json(&greeting)]));
        outcome.is_harmless();
        assert!(outcome.said().contains("E0518"), "{}", outcome.said());
    }
}

/// A host may ask for the hook once, and where there is one; a hook that failed lets nothing begin.
#[test]
fn a_hook_runs_when_the_host_has_its_lock_and_never_again() {
    let missing = json!({"missing": {"blobs": [], "base": null}});
    let ready = json!("ready");
    let says = |words: &[&Value]| {
        let greeting = words::greeting();
        let all = [&greeting, &missing]
            .into_iter()
            .chain(words.iter().copied());
        Script::saying(all.map(Word::json).collect())
    };
    let place = Place::new();
    let unasked = place.run("deploy --artifact app", &says(&[&ready]));
    assert!(unasked.said().contains("E0518"), "{}", unasked.said());
    let hooks = place.path("work/hooks");
    std::fs::create_dir(&hooks).unwrap();
    let write = |name: &str, lines: &str| {
        let path = hooks.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    };
    let count = |file: &str| {
        let text = std::fs::read_to_string(place.path(file)).unwrap_or_default();
        text.lines().count()
    };
    write("pre-deploy", "echo before >>ran; echo seen by all");
    write("post-deploy", "echo $HOOK_RELEASE >>after; exit 9");
    let end = words::event_end();
    // Twice is once too often.
    let twice = place.run("deploy --artifact app", &says(&[&ready, &ready, &end]));
    assert!(twice.said().contains("E0518"), "{}", twice.said());
    assert_eq!((count("work/ran"), count("work/after")), (1, 0));
    // The release serves, and what came after it has its own exit.
    let after = place.run("deploy --artifact app", &says(&[&ready, &end]));
    assert!(
        after.code == 8 && after.said().contains("E0529"),
        "{}",
        after.said()
    );
    assert!(
        after.said().contains("pre-deploy: seen by all"),
        "{}",
        after.said()
    );
    assert_eq!((count("work/ran"), count("work/after")), (2, 1));
    write("pre-deploy", "echo no >&2; exit 1");
    let refused = place.run("deploy --artifact app", &says(&[&ready, &end]));
    assert!(
        refused.code == 7 && refused.said().contains("E0528"),
        "{}",
        refused.said()
    );
    assert_eq!(count("work/after"), 1);
}

/// Each command of the command line is in the list above.
#[test]
fn no_command_is_forgotten() {
    let mut command = Cli::command();
    command.build();
    let mut all = Vec::new();
    commands(&command, "", &mut all);
    let missing: Vec<&String> = all
        .iter()
        .filter(|name| {
            let begins = |typed: &str| typed == *name || typed.starts_with(&format!("{name} "));
            !TYPED.iter().any(|(typed, _)| begins(typed))
        })
        .collect();
    assert!(missing.is_empty(), "not in TYPED: {missing:?}");
}

fn commands(of: &Command, before: &str, all: &mut Vec<String>) {
    for command in of.get_subcommands() {
        let name = format!("{before} {}", command.get_name()).trim().to_owned();
        if command.is_hide_set() || command.get_name() == "help" {
            continue;
        }
        commands(command, &name, all);
        if !command.is_subcommand_required_set() {
            all.push(name);
        }
    }
}

/// What the schema has is what can be told, word by word.
#[test]
fn the_schema_has_each_kind_and_no_other() {
    let schema: Value = serde_json::from_str(schema::SCHEMA).unwrap();
    let kinds = schema["$defs"]["datum"]["oneOf"].as_array().unwrap();
    let described: BTreeSet<&str> = kinds
        .iter()
        .filter_map(|kind| kind["properties"]["kind"]["const"].as_str())
        .collect();
    let known: BTreeSet<&str> = DatumKind::ALL.iter().map(|kind| kind.word()).collect();
    assert_eq!(described, known);
    assert_eq!(kinds.len(), known.len());
}

/// The schema can fail: a sentence is no release, a kind that it does not know is none, and a field more is none.
#[test]
fn the_schema_refuses_what_is_no_data() {
    let datum =
        |kind: &str, data: Value| json!({"event": "datum", "at": "", "kind": kind, "data": data});
    assert!(schema::is_held(&datum(
        "torn_release",
        json!({"name": "x"})
    )));
    for wrong in [
        datum("torn_release", json!("x  failed")),
        datum("torn_release", json!({"text": "x  failed"})),
        datum("torn_release", json!({"name": "x", "more": 1})),
        datum("sentence", json!({"text": "x"})),
        json!({"event": "fact", "at": "", "name": "server", "text": "prod (1), running"}),
    ] {
        assert!(!schema::is_held(&wrong), "{wrong}");
    }
}

/// What this side lists no host can list in its name.
#[test]
fn a_host_tells_no_data() {
    let lie =
        json!({"event": {"event": "datum", "at": "", "kind": "backup", "data": {"name": "x"}}});
    assert!(serde_json::from_value::<Event>(lie["event"].clone()).is_err());
    let place = Place::new();
    let script = Script::saying(vec![Word::json(&words::greeting()), Word::json(&lie)]);
    let outcome = place.run("--json health", &script);
    outcome.is_harmless();
    assert!(outcome.said().contains("E0518"), "{}", outcome.said());
    assert!(
        !outcome.stdout().contains("\"event\":\"datum\""),
        "{}",
        outcome.said()
    );
}

/// What failed is what a quiet checklist was asked for: a timer mails it.
#[test]
fn a_quiet_checklist_prints_what_failed_and_nothing_else() {
    let place = Place::new();
    let quiet = place.run("-q health", &honest());
    quiet.is_harmless();
    let loud = place.run("health", &honest());
    // Nobody serves the site of this host, which is seen from here alone.
    for row in [
        "✗ public    site from this machine",
        "the site does not respond at 127.0.0.1",
        "next: `citrino-ops plan`",
        "✗ nginx     nginx configuration",
    ] {
        for outcome in [&quiet, &loud] {
            assert!(outcome.said().contains(row), "{row}: {}", outcome.said());
        }
    }
    assert!(loud.said().contains("a note") && !quiet.said().contains("a note"));
    assert_eq!((quiet.code, loud.code), (4, 4), "{}", quiet.said());
}
