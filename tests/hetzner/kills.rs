//! `provision`, a rescale and a rebuild are killed at each call that changes something and at some that only ask (`make cuts`: at
//! all), then run again: there is one of each, at the same address.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use citrino_ops::core::plan::Mode;
use serde_json::{Value, json};

use crate::fake_api::{FakeApi, until};
use crate::faults::stride;
use crate::operator::Operator;
use crate::run::{run, stack, wishes};

const WISHES: &str = "server_type: cpx11, location: ash, image: debian-12, volume_gb: 10";

/// Runs it until the cloud is as wished. The host of the fake has no machine, so the wait for it
/// is where the test ends it.
fn to_its_end(ana: &Operator, verb: &str) {
    let mut child = ana
        .command(&format!("--json {verb}"))
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
fn kill_at(ana: &Operator, fake: &FakeApi, verb: &str, nth: usize, carry_out: bool) {
    fake.forget_calls();
    let answer = if carry_out {
        json!(null)
    } else {
        json!("gateway")
    };
    fake.fault(&json!({"nth": nth, "delay_ms": 600_000, "carry_out": carry_out, "answer": answer}));
    let mut child = ana
        .command(verb)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A run that asked less often this time is over before its nth call.
    until("the call waits", || {
        fake.struck() || child.try_wait().unwrap().is_some()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    fake.no_faults();
}

/// What is typed, and what there is before it is.
#[derive(Clone, Copy)]
struct Way {
    verb: &'static str,
    wishes: &'static str,
    /// The stack that stands already; in the style of `stack`.
    stands: Option<&'static str>,
}

const WAYS: [Way; 3] = [
    Way {
        verb: "provision --yes",
        wishes: WISHES,
        stands: None,
    },
    Way {
        verb: "provision --yes",
        wishes: "server_type: cpx21, location: ash, image: debian-12, volume_gb: 10",
        stands: Some(", volume_gb: 10"),
    },
    Way {
        verb: "rebuild --yes",
        wishes: "server_type: cpx11, location: ash, image: debian-12, volume_gb: 10, protect: false",
        stands: Some(", volume_gb: 10, protect: false"),
    },
];

impl Way {
    fn begin(&self) -> (FakeApi, Operator) {
        let fake = FakeApi::start();
        if let Some(more) = self.stands {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let api = fake.api();
            let (tally, told) = runtime.block_on(run(&api, Mode::Apply, wishes(&stack(more), 0)));
            assert_eq!(tally.failed, 0, "{told}");
        }
        let ana = Operator::new(&fake, self.wishes);
        fake.forget_calls();
        (fake, ana)
    }
}

/// Most of it is waiting, so some go on at once.
#[test]
fn a_kill_at_any_call_leaves_nothing_doubled() {
    for way in WAYS {
        let calls = {
            let (fake, ana) = way.begin();
            to_its_end(&ana, way.verb);
            fake.calls()
        };
        let writes = calls.iter().filter(|call| call.starts_with("POST")).count();
        assert!(writes >= 3, "{calls:?}");
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(call) = calls.get(at) else { break };
                        // What only asks leaves nothing behind either way.
                        let asks = call.starts_with("GET");
                        if !asks || at.is_multiple_of(stride()) {
                            killed_at(way, at, call, false);
                        }
                        if !asks {
                            killed_at(way, at, call, true);
                        }
                    }
                });
            }
        });
    }
}

fn killed_at(way: Way, at: usize, call: &str, carry_out: bool) {
    let why = format!(
        "{} killed at call {at}, {call}, carried out: {carry_out}",
        way.verb
    );
    let (fake, ana) = way.begin();
    kill_at(&ana, &fake, way.verb, at + 1, carry_out);
    let address = fake.all("primary_ips").first().map(|one| one["ip"].clone());
    to_its_end(&ana, way.verb);
    let (code, text) = ana.types("provision --check");
    assert_eq!(code, 0, "{why}\n{text}");
    for (kind, wished) in [
        ("servers", 1),
        ("firewalls", 1),
        ("ssh_keys", 1),
        ("primary_ips", 2),
        ("volumes", 1),
    ] {
        assert_eq!(fake.all(kind).len(), wished, "{why}: {kind}");
    }
    if let Some(address) = address {
        let server = fake.only("servers");
        assert_eq!(server["public_net"]["ipv4"]["ip"], address, "{why}");
    }
}

#[test]
fn ctrl_c_says_what_exists_and_how_to_go_on() {
    let fake = FakeApi::start();
    let ana = Operator::new(&fake, WISHES);
    fake.fault(
        &json!({"method": "POST", "path": "/servers", "delay_ms": 600_000, "carry_out": true}),
    );
    let child = ana
        .command("provision --yes")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the call waits", || fake.struck());
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let (code, text) = crate::operator::said(&child.wait_with_output().unwrap());
    assert_eq!(code, 1, "{text}");
    for part in [
        "error[E0804]: interrupted; stack prod now has: ssh key prod-id_ed25519, firewall prod, address prod-ipv4 (0.50 EUR per month), address prod-ipv6",
        "`citrino-ops provision` again",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}
