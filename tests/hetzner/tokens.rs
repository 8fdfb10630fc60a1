//! Tokens: what they may not is one sentence before anything is attempted, and they are nowhere.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::fake_api::{FakeApi, TOKEN, until};
use crate::operator::{Operator, said};

const LEAST: &str = "server_type: cpx11, location: ash, image: debian-12";

#[test]
fn a_wrong_or_missing_or_read_only_token_changes_nothing_and_is_a_sentence() {
    let fake = FakeApi::start();
    fake.call(
        "POST",
        "/_lab/tokens",
        &json!({"token": "r".repeat(64), "readonly": true}),
    );
    let ana = Operator::new(&fake, LEAST);
    for (token, sentence) in [
        (None, "there is no token for the Hetzner API"),
        (
            Some("w".repeat(64)),
            "unable to authenticate (unauthorized, HTTP 401",
        ),
        (
            Some("r".repeat(64)),
            "could not change anything: the Hetzner API says: ",
        ),
    ] {
        fake.forget_calls();
        let mut command = ana.command("provision --yes");
        match &token {
            Some(token) => command.env("HCLOUD_TOKEN", token),
            None => command.env_remove("HCLOUD_TOKEN"),
        };
        let (code, text) = said(&command.output().unwrap());
        assert_eq!(code, 1, "{text}");
        let errors: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("error["))
            .collect();
        assert_eq!(errors.len(), 1, "{text}");
        assert!(
            errors[0].starts_with("error[E0301]:") && errors[0].contains(sentence),
            "{text}"
        );
        let calls = fake.calls();
        let writes: Vec<_> = calls
            .iter()
            .filter(|call| !call.starts_with("GET") && *call != "PUT /ssh_keys/0")
            .collect();
        assert!(writes.is_empty(), "{writes:?}");
    }
    for kind in ["servers", "firewalls", "ssh_keys", "primary_ips"] {
        assert_eq!(fake.all(kind), Vec::<Value>::new());
    }
    // A token that may only read is good for looking.
    let mut plan = ana.command("plan");
    plan.env("HCLOUD_TOKEN", "r".repeat(64));
    assert_eq!(said(&plan.output().unwrap()).0, 3);
}

#[test]
fn a_token_is_in_no_output_no_argument_and_no_file() {
    let fake = FakeApi::start();
    let ana = Operator::new(&fake, LEAST);
    let mut told = String::new();
    for line in [
        "-v plan --out kept",
        "--json plan",
        "cost",
        "status",
        "-v destroy --yes",
        "gc",
        "provision --check",
    ] {
        let (_, text) = ana.types(line);
        told.push_str(&text);
    }
    // One that fails at the API, and one that is looked at while it waits for an answer.
    fake.fault(
        &json!({"answer": {"status": 500, "code": "server_error", "message": "no"}, "times": 0}),
    );
    told.push_str(&ana.types("plan").1);
    fake.no_faults();
    fake.fault(&json!({"delay_ms": 600_000}));
    let child = ana
        .command("plan")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the call waits", || fake.struck());
    let arguments = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    assert!(arguments.ends_with(b"\0plan\0"), "{arguments:?}");
    fake.no_faults();
    told.push_str(&said(&child.wait_with_output().unwrap()).1);
    told.push_str(&String::from_utf8_lossy(&arguments));
    assert!(told.contains("cpx11 in ash"), "{told}");
    assert!(
        !told.contains(TOKEN) && !told.contains("sentinel"),
        "{told}"
    );
    for entry in fs::read_dir(ana.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.contains("sentinel"), "{}", path.display());
        }
    }
}
