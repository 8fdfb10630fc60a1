//! `provision` is killed at every call it makes, then run again: there is one of each, at the same
//! address.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::double::Double;
use crate::operator::Operator;

const WISHES: &str = "server_type: cpx11, location: ash, image: debian-12, volume_gb: 10";

/// Runs it until the cloud is as wished. The host of the double has no machine, so the wait for it
/// is where the test ends it.
fn provision(ana: &Operator) {
    let mut child = ana
        .command("--json provision --yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = Vec::new();
    for line in lines {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let end = event["event"] == "end";
        told.push(event);
        if end {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let last = told.last().unwrap();
    assert_eq!(
        (&last["event"], &last["failed"]),
        (&json!("end"), &json!(0)),
        "{told:?}"
    );
}

/// Kills it while its nth call waits for an answer: carried out or not.
fn kill_at(ana: &Operator, double: &Double, nth: usize, carry_out: bool) {
    double.forget_calls();
    let answer = if carry_out {
        json!(null)
    } else {
        json!("gateway")
    };
    double
        .fault(&json!({"nth": nth, "delay_ms": 20_000, "carry_out": carry_out, "answer": answer}));
    let mut child = ana
        .command("provision --yes")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let struck = || double.call("GET", "/_lab/faults", &Value::Null)["faults"][0]["struck"] == 1;
    let begun = Instant::now();
    while !struck()
        && child.try_wait().unwrap().is_none()
        && begun.elapsed() < Duration::from_secs(10)
    {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    double.no_faults();
}

#[test]
fn a_kill_at_any_call_leaves_nothing_doubled() {
    let calls = {
        let double = Double::start();
        let ana = Operator::new(&double, WISHES);
        provision(&ana);
        double.calls()
    };
    let writes = calls.iter().filter(|call| call.starts_with("POST")).count();
    assert!(writes >= 6, "{calls:?}");
    // Most of it is waiting, so some go on at once.
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(call) = calls.get(at) else { break };
                    killed_at(at, call, false);
                    // What only asks leaves nothing behind either way.
                    if !call.starts_with("GET") {
                        killed_at(at, call, true);
                    }
                }
            });
        }
    });
}

fn killed_at(at: usize, call: &str, carry_out: bool) {
    let why = format!("killed at call {at}, {call}, carried out: {carry_out}");
    let double = Double::start();
    let ana = Operator::new(&double, WISHES);
    kill_at(&ana, &double, at + 1, carry_out);
    let address = double
        .all("primary_ips")
        .first()
        .map(|one| one["ip"].clone());
    provision(&ana);
    let (code, text) = ana.types("provision --check");
    assert_eq!(code, 0, "{why}\n{text}");
    for (kind, wished) in [
        ("servers", 1),
        ("firewalls", 1),
        ("ssh_keys", 1),
        ("primary_ips", 2),
        ("volumes", 1),
    ] {
        assert_eq!(double.all(kind).len(), wished, "{why}: {kind}");
    }
    if let Some(address) = address {
        let server = double.only("servers");
        assert_eq!(server["public_net"]["ipv4"]["ip"], address, "{why}");
    }
}

#[test]
fn ctrl_c_says_what_exists_and_how_to_go_on() {
    let double = Double::start();
    let ana = Operator::new(&double, WISHES);
    double.fault(
        &json!({"method": "POST", "path": "/servers", "delay_ms": 20_000, "carry_out": true}),
    );
    let child = ana
        .command("provision --yes")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let struck = || double.call("GET", "/_lab/faults", &Value::Null)["faults"][0]["struck"] == 1;
    let begun = Instant::now();
    while !struck() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let (code, text) = crate::operator::said(&child.wait_with_output().unwrap());
    assert_eq!(code, 1, "{text}");
    for part in [
        "error[E0804]: interrupted; of the stack prod there is now: ssh key prod-id_ed25519, firewall prod, address prod-ipv4, address prod-ipv6",
        "`citrino-ops provision` again",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}
