//! The operator's side against a host that lies: whoever has root there says whatever he likes, to every command.
//!
//! No machine and no sshd take part. The `ssh` that the command finds is this very program (`ssh.rs`), which speaks ssh's
//! multiplexing protocol and answers from a script. Whatever it says, the command must end, print nothing that a terminal obeys,
//! take little memory, and write nothing outside of its own folders.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests, and does not see that helpers are of a test

mod command;
mod generated;
mod json;
#[path = "../json/mod.rs"]
mod schema;
mod script;
mod ssh;
mod words;

use citrino_ops::core::audit::{AuditEntry, Line};
use citrino_ops::core::value::Sha256;
use citrino_ops::protocol::{AuditDelta, FromAgent};
use serde_json::json;

use command::{Outcome, Place, artifact_sha256};
use script::{Script, Word};
use words::{EVERY_VERB, POISON};

/// This program as the `ssh` of a command; as a test it has nothing to do.
#[test]
fn as_ssh() {
    if let Some(script) = std::env::var_os("LYING_HOST") {
        ssh::serve(&Script::read(script.as_ref()));
    }
}

/// S4: a backup whose file lies elsewhere.
#[test]
fn a_backup_is_written_into_its_folder_and_nowhere_else() {
    let place = Place::new();
    let content = b"content of the host";
    let outside = place.path("outside/pwned").display().to_string();
    let precious = place.path("outside/precious").display().to_string();
    for file in [
        "../../outside/pwned",
        &outside,
        &precious,
        "../citrino.yml",
        "..",
        "-rf",
    ] {
        let mut greeting = words::greeting();
        let dump = &mut greeting["hello"]["facts"]["backups"]["whole"][0]["dump"];
        *dump = json!({"file": file, "sha256": Sha256::of(content), "bytes": content.len()});
        let script = Script::saying(vec![Word::json(&greeting)])
            .program(
                "sha256sum",
                format!("{}\n{}  -\n", content.len(), Sha256::of(content)).into(),
            )
            .program(
                "tail",
                Word::Text(String::from_utf8_lossy(content).into_owned()),
            );
        let outcome = place.run("backup pull", &script);
        outcome.is_harmless();
        assert_eq!(outcome.code, 1, "{}", outcome.said());
        assert!(
            outcome.said().contains("E0518"),
            "{file}: {}",
            outcome.said()
        );
    }
}

/// The same lie, told by the manifest's file alone: the greeting is honest.
#[test]
fn a_manifest_that_came_as_another_is_not_kept_as_a_backup() {
    let place = Place::new();
    let (dump, other) = (b"dump".as_slice(), b"{\"name\":\"../../x\"}");
    let mut greeting = words::greeting();
    let backup = &mut greeting["hello"]["facts"]["backups"]["whole"][0];
    for content in ["dump", "globals"] {
        backup[content]["sha256"] = json!(Sha256::of(dump));
        backup[content]["bytes"] = json!(dump.len());
    }
    let said = |bytes: &[u8]| Word::Text(format!("{}\n{}  -\n", bytes.len(), Sha256::of(bytes)));
    let script = Script::saying(vec![Word::json(&greeting)])
        .program(".json", said(other))
        .program("sha256sum", said(dump))
        .program("tail", Word::Text("dump".into()));
    let outcome = place.run("backup pull", &script);
    outcome.is_harmless();
    assert_eq!(outcome.code, 1, "{}", outcome.said());
}

/// S5: a base that the operator's side did not offer.
#[test]
fn a_host_cannot_have_a_file_of_the_operator_read_or_deleted() {
    let place = Place::new();
    let precious = place.path("outside/precious").display().to_string();
    let other = Sha256::of(b"some other release").to_string();
    for base in [precious.as_str(), "../../../../../outside/precious", &other] {
        let missing = json!({"missing": {"blobs": [artifact_sha256()], "base": base}});
        let script = Script::saying(vec![Word::json(&words::greeting()), Word::json(&missing)]);
        let outcome = place.run("deploy --artifact app", &script);
        outcome.is_harmless();
        assert_eq!(outcome.code, 1, "{}", outcome.said());
        assert!(
            outcome.said().contains("E0518"),
            "{base}: {}",
            outcome.said()
        );
    }
}

/// What backups are known by is taken once, and only as the very key that the host has told of.
#[test]
fn what_a_host_says_instead_of_its_key_is_not_kept() {
    let place = Place::new();
    let mut greeting = words::greeting();
    greeting["hello"]["facts"]["backups"]["key"] = json!("0123456789abcdef");
    let another = json!({"secret": "x".repeat(64)});
    for key in [
        json!(null),
        json!({"secret": "short"}),
        json!("../../x"),
        another,
    ] {
        let word = json!({ "stack_key": key });
        let script = Script::saying(vec![Word::json(&greeting), Word::json(&word)]);
        for verb in ["status", "backup list"] {
            let outcome = place.run(verb, &script);
            outcome.is_harmless();
            let said = outcome.said();
            assert!(outcome.code == 1 && said.contains("E0518"), "{word} {said}");
            assert!(!said.contains("xxxx"), "{said}");
            let kept = place.path("home/.local/state/citrino-ops/prod/stack.key");
            assert!(!kept.exists(), "{word}");
        }
    }
}

/// S10: everything that can be printed is poison, in every command and in both forms of output.
#[test]
fn nothing_that_a_host_says_moves_the_terminal() {
    let place = Place::new();
    let script = words::poisoned();
    for verb in EVERY_VERB {
        for form in ["", "--json ", "-v ", "-q "] {
            let outcome = place.run(&format!("{form}{verb}"), &script);
            outcome.is_harmless();
            let is_told = outcome.said().contains("poison");
            assert!(
                is_told || !form.is_empty() || words::says_little(verb),
                "{verb}: {}",
                outcome.said()
            );
        }
    }
}

#[test]
fn an_error_of_the_host_is_told_without_its_poison() {
    let place = Place::new();
    let stop = json!({"stop": {"code": "E0001", "message": POISON, "hint": POISON}});
    let unknown = json!({POISON: {}});
    for word in [stop, unknown] {
        let outcome = place.run("status", &Script::saying(vec![Word::json(&word)]));
        outcome.is_harmless();
        assert!(outcome.said().contains("poison"), "{}", outcome.said());
    }
}

/// A person's session: what a program reads is data, and the exit code is the command's.
#[test]
fn what_a_command_on_the_host_prints_is_data_for_a_program() {
    let place = Place::new();
    let mut greeting = words::greeting();
    greeting["hello"]["facts"]["app"]["prepared"] = json!(true);
    let noted = serde_json::to_value(FromAgent::Noted).unwrap();
    let said = vec![Word::json(&greeting), Word::json(&noted)];
    let script = Script::saying(said).program("systemd-run", Word::Text(format!("{POISON}\nok\n")));
    for typed in ["--json exec -- id", "--json psql -- -l"] {
        let outcome = place.run(typed, &script);
        outcome.is_harmless();
        assert_eq!(outcome.code, 0, "{}", outcome.said());
        let lines = outcome
            .stdout()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let lines: Vec<serde_json::Value> = lines.collect();
        lines.iter().for_each(schema::holds);
        let told: Vec<_> = lines
            .iter()
            .filter(|line| line["kind"] == "output_line")
            .collect();
        // The poison has an end of line of its own.
        assert_eq!(told.len(), 3, "{}", outcome.said());
        assert_eq!(told[2]["data"], json!({"stream": "stdout", "line": "ok"}));
    }
}

/// Who does not say that it was written down gets nothing to run.
#[test]
fn nothing_is_run_that_the_audit_does_not_know_of() {
    let place = Place::new();
    let mut greeting = words::greeting();
    greeting["hello"]["facts"]["app"]["prepared"] = json!(true);
    for instead in [
        json!("alive"),
        json!("disarmed"),
        json!({"stop": {"code": "E0523", "message": "full"}}),
    ] {
        let said = vec![Word::json(&greeting), Word::json(&instead)];
        let script = Script::saying(said).program("systemd-run", Word::Text("it ran".into()));
        for typed in ["exec -- id", "psql", "proxy 1:nginx"] {
            let outcome = place.run(typed, &script);
            outcome.is_harmless();
            assert_eq!(outcome.code, 1, "{typed}: {}", outcome.said());
            assert!(
                !outcome.said().contains("it ran"),
                "{typed}: {}",
                outcome.said()
            );
        }
    }
}

/// S11: what has no end is given up, wherever it comes.
#[test]
fn a_host_that_never_stops_takes_neither_memory_nor_time() {
    let place = Place::new();
    let greeting = Word::json(&words::greeting());
    let begun = Word::json(&words::event_begun());
    let endless = |before: &[&Word], begin: &str, piece: &str| {
        let mut all: Vec<Word> = before.iter().map(|word| (*word).clone()).collect();
        all.push(Word::Text(begin.to_owned()));
        all.push(Word::Endless(piece.to_owned()));
        Script::saying(all)
    };
    for (verb, script) in [
        ("status", endless(&[], "", "a")),
        ("status", endless(&[], "{\"hello\":{\"facts\":", "[")),
        ("status", endless(&[], "", "\"alive\"\n")),
        (
            "status",
            endless(&[], "{\"audit\":{\"bytes\":{\"packed\":\"", "A"),
        ),
        ("health", endless(&[&greeting], "", "a")),
        (
            "health",
            endless(
                &[&greeting, &begun],
                "",
                &words::line(&words::event_begun()),
            ),
        ),
        (
            "audit",
            endless(&[&greeting], "{\"audit\":{\"bytes\":{\"packed\":\"", "A"),
        ),
        ("audit", endless(&[&greeting], "", "\"alive\"\n")),
        (
            "deploy --artifact app",
            endless(&[&greeting], "{\"missing\":{\"blobs\":[", "\"a\","),
        ),
    ] {
        let outcome = place.run(verb, &script);
        outcome.is_harmless();
        assert_eq!(outcome.code, 1, "{verb}: {}", outcome.said());
        assert!(
            outcome.said().contains("E0518"),
            "{verb}: {}",
            outcome.said()
        );
    }
    let log = Script::default().program("", Word::Endless("a".into()));
    place.run("logs nginx", &log).is_harmless();
    let pull = Script::saying(vec![greeting.clone()]).program("", Word::Endless("a".into()));
    place.run("backup pull", &pull).is_harmless();
}

/// As large as may be, and made to take as much memory as it can.
#[test]
fn what_is_just_short_enough_takes_little_memory() {
    let place = Place::new();
    let greeting = Word::json(&words::greeting());
    let many = |piece: &str, length: usize| {
        let list = vec![piece; length / (piece.len() + 1)];
        format!("[{}]", list.join(","))
    };
    let mut torn = words::greeting();
    torn["hello"]["facts"]["app"]["torn"] =
        serde_json::from_str(&many("\"a\"", (4 << 20) - 20_000)).unwrap();
    let mut changed = words::event_step();
    changed["event"]["change"] = json!({"what": serde_json::from_str::<serde_json::Value>(&many("\"\"", (1 << 20) - 2000)).unwrap()});
    let empty = vec![b'\n'; 8 << 20];
    let short: Vec<u8> = b"{\"n\":1,\"at\":\"\",\"prev\":\"\",\"hash\":\"\"}\n"
        .iter()
        .copied()
        .cycle()
        .take(8 << 20)
        .collect();
    let audits = [empty, short].map(|bytes| {
        let delta = AuditDelta::of(Some(&bytes)).unwrap();
        Word::json(&serde_json::to_value(FromAgent::Audit(delta)).unwrap())
    });
    let mut scripts = vec![
        ("status", Script::saying(vec![Word::json(&torn)])),
        (
            "health",
            Script::saying(vec![greeting.clone(), Word::json(&changed)]),
        ),
    ];
    for audit in audits {
        scripts.push((
            "audit",
            Script::saying(vec![greeting.clone(), audit.clone()]),
        ));
        scripts.push((
            "audit verify",
            Script::saying(vec![greeting.clone(), audit]),
        ));
    }
    for (verb, script) in scripts {
        place.run(verb, &script).is_harmless();
    }
}

/// The same audit as an honest host tells it comes through: what is refused above is refused for what it is.
#[test]
fn an_honest_host_is_believed() {
    let place = Place::new();
    let line = Line {
        n: 1,
        at: "2026-11-30T03:00:00Z".into(),
        stack: "prod".into(),
        host: None,
        run: "r".into(),
        verb: "deploy".into(),
        who: "ana@desk".into(),
        deed: AuditEntry::default(),
        prev: "0".repeat(64),
        hash: String::new(),
    };
    let (line, _) = line.sealed().unwrap();
    let delta = AuditDelta::of(Some(format!("{line}\n").as_bytes())).unwrap();
    let audit = Word::json(&serde_json::to_value(FromAgent::Audit(delta)).unwrap());
    let greeting = Word::json(&words::greeting());
    let outcome = place.run("audit", &Script::saying(vec![greeting.clone(), audit]));
    outcome.is_harmless();
    assert_eq!(
        (outcome.code, outcome.said().contains("deploy by ana@desk")),
        (0, true),
        "{}",
        outcome.said()
    );
    let outcome = place.run(
        "status",
        &Script::saying(vec![Word::json(&json!("alive")), greeting]),
    );
    assert_eq!(outcome.code, 0, "{}", outcome.said());
    assert!(
        outcome.said().contains("r7 in slot blue"),
        "{}",
        outcome.said()
    );
}

/// After somebody else's rebuild the host's audit is another one: a person accepts it once, and what was seen before is kept.
#[test]
fn another_audit_is_accepted_once_and_the_earlier_one_is_kept() {
    let place = Place::new();
    let run = |typed: &str, who: &str, code: i32| {
        let line = Line {
            n: 1,
            at: "2026-11-30T03:00:00Z".into(),
            stack: "prod".into(),
            host: None,
            run: "r".into(),
            verb: "provision".into(),
            who: who.into(),
            deed: AuditEntry::default(),
            prev: "0".repeat(64),
            hash: String::new(),
        };
        let (line, _) = line.sealed().unwrap();
        let delta = AuditDelta::of(Some(format!("{line}\n").as_bytes())).unwrap();
        let audit = Word::json(&serde_json::to_value(FromAgent::Audit(delta)).unwrap());
        let script = Script::saying(vec![Word::json(&words::greeting()), audit]);
        let outcome = place.run(typed, &script);
        outcome.is_harmless();
        assert_eq!(outcome.code, code, "{typed}: {}", outcome.said());
        outcome.said()
    };
    run("audit verify", "ana@desk", 0);
    assert!(run("audit verify", "luis@desk", 1).contains("E0522"));
    // Nobody says yes without a terminal.
    run("audit accept", "luis@desk", 7);
    let accepted = run("audit accept --yes", "luis@desk", 0);
    assert!(
        accepted.contains("with provision by luis@desk"),
        "{accepted}"
    );
    run("audit verify", "luis@desk", 0);
    let again = run("audit accept --yes", "luis@desk", 0);
    assert!(again.contains("nothing to accept"), "{again}");
    assert!(run("audit verify", "ana@desk", 1).contains("E0522"));
    let folder = place.path("home/.local/state/citrino-ops/prod");
    let kept = std::fs::read_dir(folder).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("audit.until-")
    });
    assert_eq!(kept.count(), 1);
}

/// It takes as long as the greeting may; nothing is asserted of that time.
#[test]
fn a_host_that_says_nothing_is_told_as_such() {
    let place = Place::new();
    let outcome = place.run(
        "status",
        &Script::saying(vec![Word::Text("{\"hello\":".into()), Word::Silence]),
    );
    outcome.is_harmless();
    assert_eq!(outcome.code, 1, "{}", outcome.said());
    assert!(
        outcome
            .said()
            .contains("the host said nothing for 2 minutes"),
        "{}",
        outcome.said()
    );
}

#[test]
fn generated_lies_are_harmless() {
    generated::lies();
}

/// Whatever the outcome.
fn harmless(outcome: &Outcome) {
    outcome.is_harmless();
    // A panic is none of our exit codes.
    assert!(
        (0..=7).contains(&outcome.code),
        "{} ended with {}: {}",
        outcome.typed,
        outcome.code,
        outcome.said()
    );
}
