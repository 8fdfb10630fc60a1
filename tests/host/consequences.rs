//! A plan names what follows from each change, and `converge` does that and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::stack::{Said, Stack, binary, serving};
use crate::stand_in::User;

/// What is changed in citrino.yml, and what follows: what is done to which unit, and whether the site is away meanwhile.
struct Change {
    of: &'static str,
    to: &'static str,
    follows: (&'static str, &'static str, bool),
}

const APP: &str = "demo_data: true";
const LAST: &str = "\nsecrets:";

const CHANGES: [Change; 5] = [
    Change {
        of: APP,
        to: "demo_data: true, workers: 3",
        follows: ("hand_over", "citrino@", false),
    },
    Change {
        of: APP,
        to: "demo_data: true, env: { A: b }",
        follows: ("hand_over", "citrino@", false),
    },
    Change {
        of: APP,
        to: "demo_data: true, memory_max_mb: 310",
        follows: ("hand_over", "citrino@", false),
    },
    Change {
        of: LAST,
        to: "\ndatabase: { work_mem_mb: 5 }\nsecrets:",
        follows: ("restart", "postgresql@15-main.service", true),
    },
    Change {
        of: LAST,
        to: "\nbackup: { at: \"03:10\" }\nsecrets:",
        follows: ("restart", "citrino-backup.timer", false),
    },
];

#[test]
fn a_plan_names_every_consequence_and_converge_has_no_other() {
    let Some(stack) = serving() else { return };
    let wishes = fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    for change in CHANGES {
        stack.write("citrino.yml", &wishes.replace(change.of, change.to));
        let (planned, effects) = planned(&stack);
        let (act, unit, interrupts) = change.follows;
        let is_told = effects.iter().any(|effect| {
            effect["act"] == act
                && effect["unit"].as_str().unwrap().starts_with(unit)
                && effect["interrupts"].as_bool().unwrap_or(false) == interrupts
        });
        assert!(is_told, "{act} {unit} is not in {effects:?}");
        let user = User::comes(&stack);
        assert_eq!(converged(&stack), planned, "{}", change.to);
        let seen = user.leaves();
        if !interrupts {
            assert_eq!(seen.failures, [""; 0], "{} of {}", change.to, seen.answers);
        }
    }
    stack.write("citrino.yml", &wishes);
    let (planned, _) = planned(&stack);
    assert_eq!(converged(&stack), planned, "the way back");
    stack.is_as_wished();
}

/// A setting of each kind that the app has, there and back: each time the same release takes over in the other slot.
#[test]
fn twenty_changed_settings_lose_no_request() {
    let Some(stack) = serving() else { return };
    let wishes = fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    let user = User::comes(&stack);
    for n in 0..20 {
        let to = match n % 5 {
            0 => format!("workers: {}", 3 + n),
            1 => format!("env: {{ CHANGE: \"{n}\" }}"),
            2 => format!("pool: {}", 11 + n % 10),
            3 => format!("request_timeout_s: {}", 31 + n),
            _ => format!("memory_max_mb: {}", 301 + n),
        };
        stack.write("citrino.yml", &wishes.replace(APP, &format!("{APP}, {to}")));
        let names = converged(&stack);
        let is_handed_over = |name: &String| name.starts_with("app settings in slot");
        assert!(names.iter().any(is_handed_over), "{to}: {names:?}");
    }
    let seen = user.leaves();
    assert_eq!(seen.failures, [""; 0], "of {} answers", seen.answers);
    assert_eq!(seen.releases.len(), 1);
    stack.write("citrino.yml", &wishes);
    assert_eq!(stack.citrino(&["converge"]).code, 0);
    stack.is_as_wished();
}

/// A file that was edited by hand is put back before the service is asked, which then has what it had.
#[test]
fn a_plan_promises_no_reload_that_converge_does_not_need() {
    let Some(stack) = serving() else { return };
    assert_eq!(stack.citrino(&["converge"]).code, 0);
    stack.on_host("echo '# by hand' >> /etc/nginx/nginx.conf");
    let (planned, effects) = planned(&stack);
    assert_eq!(planned, BTreeSet::from(["nginx configuration".to_owned()]));
    assert_eq!(effects, Vec::<Value>::new());
    assert_eq!(converged(&stack), planned);
    stack.is_as_wished();
}

#[test]
fn a_saved_plan_holds_the_restart() {
    let Some(stack) = serving() else { return };
    let wishes = fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    stack.write(
        "citrino.yml",
        &wishes.replace(LAST, "\ndatabase: { work_mem_mb: 6 }\nsecrets:"),
    );
    assert_eq!(stack.citrino(&["plan", "--out", "kept"]).code, 3);
    let kept: Value =
        serde_json::from_str(&fs::read_to_string(stack.home.join("kept")).unwrap()).unwrap();
    let restart =
        json!([{"act": "restart", "unit": "postgresql@15-main.service", "interrupts": true}]);
    let steps = kept["host"].as_array().unwrap();
    assert!(
        steps
            .iter()
            .any(|step| step["change"]["effects"] == restart),
        "{kept:#}"
    );

    // A person is asked, and says no; then the saved plan, which names it, is agreed on already.
    let said = on_a_terminal(&stack, "converge", "n\n");
    assert!(
        said.contains(
            "The site does not answer while postgresql@15-main.service restarts. Continue? [y/N]"
        ),
        "{said}"
    );
    assert!(said.contains("Cancelled. Nothing was changed."), "{said}");
    assert_eq!(stack.citrino(&["plan"]).code, 3);
    let waits = stack.citrino(&[
        "deploy",
        "--artifact",
        binary("citrino-app").to_str().unwrap(),
    ]);
    assert_eq!(waits.code, 0, "{}", waits.text);
    assert!(
        waits.text.contains("2 changes wait for `"),
        "{}",
        waits.text
    );
    assert!(
        waits
            .text
            .contains("converge`: PostgreSQL configuration, PostgreSQL service"),
        "{}",
        waits.text
    );
    let applied = stack.citrino(&["converge", "--plan", "kept"]);
    assert_eq!(applied.code, 0, "{}", applied.text);
    stack.remove("kept");
    stack.write("citrino.yml", &wishes);
    let yes = on_a_terminal(&stack, "converge --yes", "");
    assert!(!yes.contains("[y/N]"), "{yes}");
    stack.is_as_wished();
}

/// The names of the steps that would change, and what follows from them.
fn planned(stack: &Stack) -> (BTreeSet<String>, Vec<Value>) {
    let (code, events) = stack.start(&["plan"]).events();
    assert_eq!(code, 3, "{events:#?}");
    let differs = events.iter().filter(|event| event["state"] == "differs");
    let effects = differs
        .clone()
        .filter_map(|event| event["change"]["effects"].as_array());
    (names(differs), effects.flatten().cloned().collect())
}

/// The names of the steps that changed.
fn converged(stack: &Stack) -> BTreeSet<String> {
    let (code, events) = stack.start(&["converge"]).events();
    assert_eq!(code, 0, "{events:#?}");
    names(events.iter().filter(|event| event["state"] == "changed"))
}

fn names<'e>(events: impl Iterator<Item = &'e Value>) -> BTreeSet<String> {
    events
        .map(|event| event["name"].as_str().unwrap().to_owned())
        .collect()
}

/// What a command says on a terminal where this is typed.
fn on_a_terminal(stack: &Stack, line: &str, typed: &str) -> String {
    let line = format!("{} {line}", env!("CARGO_BIN_EXE_citrino-ops"));
    let mut command: Command = stack.command_of("script".as_ref(), &["-qec", &line, "/dev/null"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.env("TERM", "xterm").spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(input);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Said { code: 0, text }.text
}
